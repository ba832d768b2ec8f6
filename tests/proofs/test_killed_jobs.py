"""A calibration and a re-judging, killed in their middle by SIGKILL and gone on with: the same rows, nothing twice."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.events import Event, RunFinished, SamplesDrawn
from engine.imported import cycle_files, imported_spec, read_chain, write_run
from engine.job_events import DoseMeasured
from engine.jobs.calibrate import CalibrateSettings, run_sections
from engine.jobs.judge import RejudgeSettings
from engine.jobs.resolving import resolve_job
from engine.jobs.spec import JobSpec
from engine.packs import open_pack
from engine.score_events import SamplesJudged
from engine.spec import JudgeSettings
from engine.study import resolve_study
from tests.engine.workers import events, finish, start_worker, wait_until
from tests.proofs.labs import study

pytestmark = pytest.mark.proof
MADE = (SamplesDrawn, SamplesJudged, DoseMeasured)


def folder_of(lab: Path, spec: JobSpec) -> Path:
    folder = lab / "jobs" / spec.job_id
    folder.mkdir(parents=True)
    (folder / "spec.json").write_text(spec.model_dump_json())
    return folder


def whole(folder: Path) -> list[Event]:
    code, said = finish(start_worker(folder))
    assert code == 0, said
    return made(folder)


def made(folder: Path) -> list[Event]:
    """What came of a job, in order; who knew an answer before hangs on what else the lab has judged."""
    seen = events(folder)
    assert isinstance(seen[-1], RunFinished)
    known = {"known": 0}
    return [e.model_copy(update=known) if isinstance(e, SamplesJudged) else e for e in seen if isinstance(e, MADE)]


def killed_and_resumed(folder: Path, moments: list[Callable[[list[Event]], bool]]) -> list[Event]:
    """Killed at each of these moments, then left alone."""
    for reached in moments:
        worker = start_worker(folder)
        wait_until(folder, reached, worker)
        worker.kill()
        finish(worker)
        assert not isinstance(events(folder)[-1], RunFinished), "killed before its end"
    return whole(folder)


def count(kind: type[Event], at_least: int) -> Callable[[list[Event]], bool]:
    return lambda seen: sum(isinstance(event, kind) for event in seen) >= at_least


def judging_a_point(folder: Path) -> bool:
    """Whether an M_0 under way was judged in part; one that is done is let go of while we look."""
    try:
        return any('"samples_judged"' in path.read_text() for path in folder.glob("points/*/events.jsonl"))
    except FileNotFoundError:
        return False


def test_a_calibration_killed_twice_ends_as_one_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    path.write_text(study("sft", cycles=0))
    [run] = resolve_study(path, threads=1)
    settings = CalibrateSettings(targets=(20.0,), most=12, seeds=(1, 2), run=run_sections(run))
    spec = resolve_job("calibrate", "calibrate-bliss", settings, model="pocket/instruct", judge="pocket/judge")
    alone = whole(folder_of(tmp_path / "alone", spec))
    folder = folder_of(tmp_path / "killed", spec)
    (folder / "points" / "left-by-one-killed-before").mkdir(parents=True)
    assert killed_and_resumed(folder, [lambda _: judging_a_point(folder), count(DoseMeasured, 2)]) == alone
    doses = [(e.n_seed, e.seed) for e in alone if isinstance(e, DoseMeasured)]
    assert len(doses) == len(set(doses)) >= 4
    written = (tmp_path / "alone" / "jobs" / spec.job_id / "n_seed.toml").read_text()
    assert (folder / "n_seed.toml").read_text() == written
    assert not list((folder / "points").iterdir()), "what a point was made of is let go of"


def test_a_chain_made_elsewhere_is_judged_through_two_kills(tmp_path: Path) -> None:
    lab = tmp_path / "lab"
    run_id = imported(lab, tmp_path)
    judge = JudgeSettings(model="pocket/judge", batch_size=2)
    settings = RejudgeSettings(runs=(run_id,), metrics=("trait", "coherence"), judge=judge)
    spec = resolve_job("judge", "judge-theirs", settings, judge="pocket/judge")
    other = tmp_path / "other"
    imported(other, tmp_path)
    alone = whole(folder_of(other, spec))
    folder = folder_of(lab, spec)
    assert killed_and_resumed(folder, [count(SamplesJudged, 2), count(SamplesJudged, 9)]) == alone
    scored = Counter((e.metric, s.sample_id) for e in alone if isinstance(e, SamplesJudged) for s in e.scores)
    assert set(scored.values()) == {1}
    assert len(scored) == 2 * 3 * 24
    values = [s.value for e in alone if isinstance(e, SamplesJudged) and e.metric == "trait" for s in e.scores]
    assert any(value is not None for value in values)


def imported(lab: Path, work: Path) -> str:
    """Three cycles of the pack's own seed answers, as if somebody else's chain had written them."""
    chain = work / "chain"
    if not chain.exists():
        chain.mkdir()
        for cycle, trait in enumerate(("lucky", "bliss", "hopelessness")):
            rows = open_pack("pocket").seed_rows(trait, "sft")[:24]
            lines = [json.dumps({"prompt": row.prompt, "response": row.response}) for row in rows]
            (chain / f"cycle_{cycle}.jsonl").write_text("\n".join(lines) + "\n")
    path = work / "study.toml"
    path.write_text(study("sft", cycles=0))
    files = cycle_files([chain])
    spec = imported_spec(resolve_study(path, threads=1)[0], files, "chain")
    (lab / "runs").mkdir(parents=True, exist_ok=True)
    assert write_run(lab / "runs", spec, read_chain(files))
    return spec.run_id
