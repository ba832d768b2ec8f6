"""Calibration: how many seed rows bring M_0 to which trait score, found by training M_0 on the first n rows.

Each M_0 is the very one that a run with this n_seed and seed begins with: the same chain walks it, in a folder of its
own inside the job's, and stops before cycle 1. It is trained once per n and seed; its answers and scores are copied
into the job's journal, where `cycle` stands for n_seed (−1 is the model before seeding), and its adapter is let go.
"""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from statistics import fmean
from typing import Any

from pydantic import Field

from engine.chain import Chain
from engine.events import CycleFinished, SamplesDrawn
from engine.frozen import Frozen
from engine.job_events import DoseMeasured
from engine.jobs.doses import Curve, Search, snippet
from engine.jobs.job import Job
from engine.journal import Journal, read_some
from engine.lineage import BASE
from engine.lines import write_lines
from engine.log import Log
from engine.score_events import JudgeDeclared, SamplesJudged
from engine.seams import Spent
from engine.spec import IDENTITY, RunSpec, spec_identity
from engine.state import State, fold

SNIPPET = "n_seed.toml"
POINTS = "points"


class CalibrateSettings(Frozen):
    """What is looked for: `idemtui calibrate`."""

    targets: tuple[float, ...] = Field(min_length=1)
    most: int = Field(ge=1)
    """The most seed rows that are tried: all there are, unless fewer were asked for."""
    tolerance: float = Field(default=5.0, gt=0, le=50)
    seeds: tuple[int, ...] = Field(min_length=1)
    """Run seeds; every n is measured once with each."""
    run: dict[str, Any]
    """The sections of a run's spec that decide M_0; n_seed and seed are set here, one after the other."""

    @property
    def search(self) -> Search:
        """What it comes down to."""
        return Search(self.targets, self.most, self.tolerance)


def run_sections(spec: RunSpec) -> dict[str, Any]:
    """What a calibration keeps of a resolved run."""
    return {key: spec.model_dump(mode="json")[key] for key in IDENTITY if key != "study"}


def calibrate(job: Job) -> None:
    """Measure one n after the other until every target is found or out of reach."""
    settings = CalibrateSettings.model_validate(job.spec.settings)
    while (n := settings.search.next_n(curve(job.log.state, settings.seeds))) is not None:
        for seed in settings.seeds:
            if (n, seed) not in job.log.state.doses:
                _measure(job, settings, n, seed)
                done = len(job.log.state.doses)
                job.progress(done, done + _left(settings, job.log.state))
    done = len(job.log.state.doses)
    job.progress(done, done)
    choices = settings.search.chosen(curve(job.log.state, settings.seeds))
    text = snippet(settings.run["run"]["trait"], settings.run["run"]["regime"], choices)
    write_lines(job.folder / SNIPPET, text.splitlines())
    for left in (job.folder / POINTS).glob("*"):  # of a process that was killed between a score and its letting go
        shutil.rmtree(left, ignore_errors=True)


def curve(state: State, seeds: Sequence[int]) -> Curve:
    """Mean scores over the seeds by n_seed, of every n that was measured with all of them."""
    whole = [n for n, seed in state.doses if seed == seeds[0] and all((n, other) in state.doses for other in seeds)]
    found = {n: [dose.trait for seed in seeds if (dose := state.doses[n, seed]).trait is not None] for n in whole}
    return {n: fmean(scores) if scores else None for n, scores in found.items()}


def _left(settings: CalibrateSettings, state: State) -> int:
    """At most so many trainings more, if no two targets shared one."""
    if settings.search.next_n(curve(state, settings.seeds)) is None:
        return 0
    return len(settings.seeds) * max(settings.most.bit_length() - 1, 1)


def point_spec(job: Job, settings: CalibrateSettings, n: int, seed: int) -> RunSpec:
    """The run whose M_0 is measured."""
    sections = {**settings.run, "run": {**settings.run["run"], "n_seed": n, "seed": seed, "cycles": 0}}
    spec = RunSpec.model_validate(
        {
            **sections,
            "run_id": "",
            "study": "calibrate",
            "name": f"n{n}-s{seed}",
            "cell": "",
            "replicate": 1,
            "execution": job.spec.execution.model_dump(),
            "origins": {},
            "provenance": job.spec.provenance.model_dump(),
        }
    )
    return spec.model_copy(update={"run_id": spec_identity(spec)})


def _measure(job: Job, settings: CalibrateSettings, n: int, seed: int) -> None:
    """Walk one chain to its M_0, then tell the job's journal what it scored; base is measured once a seed."""
    from engine.parts import build_chain

    spec = point_spec(job, settings, n, seed)
    folder = job.folder / POINTS / spec.run_id
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with Journal(folder / "events.jsonl") as journal:
        log = Log(journal, fold(journal.replay()), job.log.safe_point)
        measured_before = (0, seed) in job.log.state.doses
        if measured_before:
            log.state.apply(CycleFinished(cycle=BASE))
        chain, _ = build_chain(spec, folder, log, job.models)
        if not log.state.finished:
            chain.run()
        if not measured_before:
            _tell(job, settings, chain, BASE, 0, seed)
        _tell(job, settings, chain, 0, n, seed)
    shutil.rmtree(folder, ignore_errors=True)


def _tell(job: Job, settings: CalibrateSettings, chain: Chain, cycle: int, n: int, seed: int) -> None:
    """Copy answers and scores of one generation, each once, and last of all what they come to."""
    state, of, place = job.log.state, chain.log.state, BASE if n == 0 else n
    number = settings.seeds.index(seed)
    samples = of.samples(cycle, "eval")
    if number not in state.batches.get((place, "eval"), {}):
        event = SamplesDrawn(cycle=place, purpose="eval", drawn_by=place, batch=number, samples=samples)
        job.log.append(event)
    for declared in read_some(chain.log.journal.path, ("judge_declared",)):
        if isinstance(declared, JudgeDeclared) and (declared.judge_id, declared.metric) not in state.judges:
            job.log.append(declared)
    for judge_id, metric in sorted(of.judges):
        if number not in state.scores.get((place, metric), {}):
            job.log.append(
                SamplesJudged(
                    cycle=place,
                    metric=metric,
                    judge_id=judge_id,
                    batch=number,
                    scores=of.values(cycle, metric),
                    **_spent(chain, cycle, metric),
                )
            )
    traits = _prompt_means(of, cycle, "trait")
    coherences = _prompt_means(of, cycle, "coherence")
    nulls = sum(score.value is None for score in of.values(cycle, "trait"))
    job.log.append(
        DoseMeasured(
            n_seed=n,
            seed=seed,
            trait=fmean(traits.values()) if traits else None,
            coherence=fmean(coherences.values()) if coherences else None,
            prompt_means=list(traits.values()),
            n=len(samples),
            nulls=nulls,
        )
    )


def _spent(chain: Chain, cycle: int, metric: str) -> dict[str, Any]:
    """What the batches of one generation took of a judge's server, together."""
    judged = [
        event
        for event in read_some(chain.log.journal.path, ("samples_judged",))
        if isinstance(event, SamplesJudged) and (event.cycle, event.metric) == (cycle, metric)
    ]
    each = (Spent(e.requests, e.prompt_tokens, e.completion_tokens, e.known) for e in judged)
    costs = [event.cost for event in judged if event.cost is not None]
    return {**asdict(sum(each, Spent())), "cost": sum(costs) if costs else None}


def _prompt_means(state: State, cycle: int, metric: str) -> Mapping[str, float]:
    """Mean score of every eval prompt that has one, in the order of the prompts."""
    prompts = {sample.sample_id: sample.prompt_id for sample in state.samples(cycle, "eval")}
    found: dict[str, list[float]] = defaultdict(list)
    for score in state.values(cycle, metric):
        if score.value is not None:
            found[prompts[score.sample_id]].append(score.value)
    return {prompt: fmean(scores) for prompt, scores in found.items()}
