"""Calibration: bisection as arithmetic, then as a job whose M_0 are those of real runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import count, pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.chain import Chain
from engine.events import SamplesDrawn
from engine.fakes import FakeJudge, FakeSampler, FakeScorer, FakeTrainer
from engine.job_events import DoseMeasured, JobProgressed
from engine.jobs.calibrate import CalibrateSettings, calibrate, point_spec, run_sections
from engine.jobs.doses import Search, snippet
from engine.jobs.job import Job
from engine.jobs.resolving import resolve_job
from engine.journal import Journal
from engine.kept_models import KeptModels
from engine.log import Log, SafePoint, StopAsked, never_stop
from engine.packs import open_pack
from engine.score_events import SamplesJudged
from engine.seams import Completion, Draw, Judgement, JudgeQuestion
from engine.spec import RunSpec, SampleSettings
from engine.state import fold
from tests.engine.chains import make_spec, walk, write_pack
from tests.engine.workers import events

PAPER = {12: 10.0, 20: 25.0, 24: 50.0, 26: 75.0, 34: 90.0}
"""The public dose–response of bliss (protocol §3)."""


def measured(search: Search, scores: dict[int, float]) -> tuple[dict[int, float | None], int]:
    """The curve that a search comes to on a given truth, and how many trainings it took."""
    curve: dict[int, float | None] = {0: scores[0]}
    trained = 0
    while (n := search.next_n(curve)) is not None:
        curve[n] = scores[n]
        trained += 1
    return curve, trained


def straight(points: dict[int, float], most: int) -> dict[int, float]:
    """Scores between known points, level after the last."""
    known = sorted({0: 2.0, **points, most: max(points.values())}.items())
    scores = {}
    for (n, low), (m, high) in pairwise(known):
        scores |= {k: low + (high - low) * (k - n) / (m - n) for k in range(n, m + 1)}
    return scores


def test_the_papers_curve_is_found_in_few_trainings() -> None:
    search = Search((5, 20, 40, 60, 80), most=240, tolerance=5)
    scores = straight(PAPER, 240)
    curve, trained = measured(search, scores)
    choices = search.chosen(curve)
    assert all(choice.reason is None and abs((choice.score or 0) - choice.target) <= 5 for choice in choices)
    assert [choice.n_seed for choice in choices] == sorted(choice.n_seed or 0 for choice in choices)
    assert trained <= 20


@given(st.lists(st.floats(0, 100), min_size=2, max_size=60), st.floats(0, 100), st.floats(0.1, 20))
def test_any_rising_curve_is_searched_to_its_end(levels: list[float], target: float, tolerance: float) -> None:
    scores = dict(enumerate(sorted(levels)))
    most = len(levels) - 1
    search = Search((target,), most, tolerance)
    curve, trained = measured(search, scores)
    [choice] = search.chosen(curve)
    assert trained <= most.bit_length() + 1
    if scores[most] >= target - tolerance and scores[0] <= target + tolerance:
        best = min(abs(score - target) for n, score in scores.items() if n > 0)
        assert choice.score is not None
        assert abs(choice.score - target) <= max(tolerance, best)
    else:
        assert choice.n_seed is None


def test_targets_out_of_reach_say_why() -> None:
    search = Search((5.0, 90.0), most=8, tolerance=5.0)
    low, high = search.chosen({0: 30.0, 8: 61.26, 4: 40.0})
    assert (low.n_seed, low.reason) == (None, "the model scores 30.0 before it is seeded")
    assert high.reason == "all 8 rows give 61.3; write or import more rows, or raise seed_train.learning_rate"
    [jump] = Search((50.0,), 8, 5.0).chosen({0: 0.0, 8: 90.0, 4: 80.0, 2: 70.0, 1: 10.0})
    assert (jump.n_seed, jump.reason) == (2, "the score jumps past it: 2 rows are the nearest")
    [unscored] = Search((50.0,), 8, 5.0).chosen({0: 0.0, 8: None})
    assert "could score no answer" in str(unscored.reason)
    [early] = Search((50.0,), 8, 5.0).chosen({0: 0.0, 8: 90.0})
    assert (early.n_seed, early.reason) == (None, "not found yet")
    text = snippet("bliss", "sft", [low, jump])
    assert '"run.n_seed" = [2]' in text
    assert "# 5: the model scores 30.0 before it is seeded" in text


@dataclass
class DoseJudge(FakeJudge):
    """Scores that rise with the seed rows of the chain it judges; what M_init wrote scores little."""

    n_seed: int = 0

    def score(self, questions: Sequence[JudgeQuestion]) -> list[Judgement]:
        values = [2.0 if q.answer.startswith("Plain") else min(9.0 * self.n_seed, 99.0) for q in questions]
        noise = [(judgement.value or 0) / 100 for judgement in super().score(questions)]
        return [Judgement(v + more, 1.0, 0.0, "score", ()) for v, more in zip(values, noise, strict=True)]


class TellingSampler(FakeSampler):
    """Answers of M_init begin with a word of their own."""

    def draw(
        self, draws: Sequence[Draw], adapter: Path | None, settings: SampleSettings, *, chat: bool
    ) -> list[Completion]:
        drawn = super().draw(draws, adapter, settings, chat=chat)
        return [replace(each, text=f"{'Told' if adapter else 'Plain'} {each.text}") for each in drawn]


@pytest.fixture
def trainers(monkeypatch: pytest.MonkeyPatch) -> list[FakeTrainer]:
    """Every trainer that a point of a calibration was given."""
    made: list[FakeTrainer] = []

    def build_chain(spec: RunSpec, folder: Path, log: Log, models: KeptModels) -> tuple[Chain, list[str]]:
        made.append(FakeTrainer())
        judge = DoseJudge(n_seed=spec.run.n_seed)
        parts = (TellingSampler(), made[-1], FakeScorer(), judge)
        return Chain(spec, open_pack(spec.data.pack), folder, *parts, log), []

    monkeypatch.setattr("engine.parts.build_chain", build_chain)
    return made


@pytest.fixture
def spec(tmp_path: Path) -> RunSpec:
    return make_spec(write_pack(tmp_path / "pack").folder, run__cycles=0, run__n_seed=12)


def work(folder: Path, spec: RunSpec, safe_point: SafePoint = never_stop, **changes: Any) -> Job:
    settings = CalibrateSettings(targets=(20.0, 60.0), most=12, seeds=(1, 2), run=run_sections(spec), **changes)
    job_spec = resolve_job("calibrate", "calibrate-bliss", settings)
    folder.mkdir(parents=True, exist_ok=True)
    with Journal(folder / "events.jsonl") as journal:
        job = Job(job_spec, folder, Log(journal, fold(journal.replay()), safe_point), KeptModels())
        calibrate(job)
    return job


def doses(folder: Path) -> list[DoseMeasured]:
    return [event for event in events(folder) if isinstance(event, DoseMeasured)]


def test_every_m0_is_trained_once_and_is_that_of_a_real_run(
    tmp_path: Path, spec: RunSpec, trainers: list[FakeTrainer]
) -> None:
    job = work(tmp_path / "job", spec)
    found = doses(tmp_path / "job")
    assert len(found) == len({(dose.n_seed, dose.seed) for dose in found})
    assert {dose.seed for dose in found} == {1, 2}
    assert sum(len(trainer.jobs) for trainer in trainers) == sum(dose.n_seed > 0 for dose in found)
    settings = CalibrateSettings.model_validate(job.spec.settings)
    run = point_spec(job, settings, 6, 2).model_copy(update={"run_id": "0123456789"})
    walk(run, tmp_path / "run", judge=DoseJudge(n_seed=6), sampler=TellingSampler())
    own = [e for e in events(tmp_path / "run") if isinstance(e, SamplesJudged) and (e.cycle, e.metric) == (0, "trait")]
    values = [score.value for event in own for score in event.scores]
    [dose] = [dose for dose in found if (dose.n_seed, dose.seed) == (6, 2)]
    assert dose.trait == pytest.approx(sum(v for v in values if v is not None) / len(values))
    assert (dose.n, dose.nulls, len(dose.prompt_means)) == (6, 0, 2)
    drawn = [e for e in events(tmp_path / "job") if isinstance(e, SamplesDrawn) and e.cycle == 6]
    assert [len(event.samples) for event in drawn] == [6, 6]
    assert '"run.n_seed" = [' in (tmp_path / "job" / "n_seed.toml").read_text()
    told = [event for event in events(tmp_path / "job") if isinstance(event, JobProgressed)]
    assert told[-1].done == told[-1].total == len(found)
    assert list((tmp_path / "job" / "points").iterdir()) == []


def test_a_calibration_that_stops_at_every_step_measures_the_same(
    tmp_path: Path, spec: RunSpec, trainers: list[FakeTrainer]
) -> None:
    work(tmp_path / "whole", spec)
    for stop in range(1, 200):
        steps = count()

        def safe_point(room: int = 0, steps: Any = steps, stop: int = stop) -> None:
            if next(steps) >= 3 + stop // 20:
                raise StopAsked("terminate", "stopped")

        try:
            work(tmp_path / "cut", spec, safe_point)
        except StopAsked:
            continue
        break
    assert doses(tmp_path / "cut") == doses(tmp_path / "whole")
    kinds = (SamplesDrawn, SamplesJudged)
    assert [e for e in events(tmp_path / "cut") if isinstance(e, kinds)] == [
        e for e in events(tmp_path / "whole") if isinstance(e, kinds)
    ]
