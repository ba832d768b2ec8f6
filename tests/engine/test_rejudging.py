"""Judging finished runs anew: a job that stops anywhere ends with the scores it would have had."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from engine.errors import IdemtuiError
from engine.fakes import FakeJudge
from engine.jobs.job import Job
from engine.jobs.judge import RejudgeSettings, judge_again
from engine.jobs.resolving import resolve_job
from engine.journal import Journal
from engine.kept_models import KeptModels
from engine.log import Log, SafePoint, StopAsked, never_stop
from engine.score_events import JudgeDeclared, SamplesJudged
from engine.seams import Judgement, JudgeQuestion
from engine.spec import JudgeSettings
from engine.state import fold
from tests.engine.workers import events
from tests.store.journals import Chain, chain_events, chain_spec, write_chain, write_lab

DEMO = tuple(Chain(name, prompts=2, draws=3, n_seed=2, n_sampled=2, steps=1, trait=(2, 22)) for name in ("a", "b"))
RUNS = tuple(chain_spec(chain).run_id for chain in DEMO[:2])
JUDGE = JudgeSettings(model="pocket/judge", batch_size=4)


class CountingJudge(FakeJudge):
    """Remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__(judge_id="other")
        self.asked: list[JudgeQuestion] = []

    def score(self, questions: list[JudgeQuestion]) -> list[Judgement]:
        self.asked += questions
        return super().score(questions)


def settings(**more: object) -> RejudgeSettings:
    return RejudgeSettings.model_validate({"runs": RUNS, "metrics": ("trait", "coherence"), "judge": JUDGE, **more})


def judge(folder: Path, asked: RejudgeSettings, by: FakeJudge, stop: SafePoint = never_stop) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    spec = resolve_job("judge", "again", asked, judge="pocket/judge")
    with Journal(folder / "events.jsonl") as journal:
        judge_again(Job(spec, folder, Log(journal, fold(journal.replay()), stop), KeptModels()), asked, by)


def scores(folder: Path) -> dict[tuple[str, str, str], float | None]:
    judged = [event for event in events(folder) if isinstance(event, SamplesJudged)]
    return {(e.metric, e.judge_id, score.sample_id): score.value for e in judged for score in e.scores}


def test_a_job_that_stops_after_every_step_asks_nothing_twice(tmp_path: Path) -> None:
    lab = write_lab(tmp_path / "lab", DEMO[:2])
    whole, cut = CountingJudge(), CountingJudge()
    judge(lab.work("jwhole"), settings(), whole)
    finished = False
    while not finished:
        left = iter((1, 2))

        def stop(room: int = 0, left: object = left) -> None:
            if next(left, None) is None:  # type: ignore[call-overload]
                raise StopAsked("terminate", "stopped")

        try:
            judge(lab.work("jcut"), settings(), cut, stop)
            finished = True
        except StopAsked:
            continue
    assert scores(lab.work("jcut")) == scores(lab.work("jwhole"))
    assert sorted(map(str, cut.asked)) == sorted(map(str, whole.asked))


def test_a_run_s_own_rubric_is_asked_or_the_one_that_is_given(tmp_path: Path) -> None:
    lab = write_lab(tmp_path / "lab", DEMO[:1])
    own = next(e for e in chain_events(DEMO[0]) if isinstance(e, JudgeDeclared) and e.metric == "trait")
    by = CountingJudge()
    judge(lab.work("jown"), settings(runs=RUNS[:1], metrics=("trait",)), by)
    assert {question.rubric for question in by.asked} == {own.rubric}
    judge(lab.work("jnew"), settings(runs=RUNS[:1], metrics=("trait",), rubric="New? {question} {answer}"), by)
    assert by.asked[-1].rubric == "New? {question} {answer}"
    declared = [e.judge_id for job in ("jown", "jnew") for e in events(lab.work(job)) if isinstance(e, JudgeDeclared)]
    assert len(set(declared)) == 2


def test_what_was_never_judged_needs_a_rubric(tmp_path: Path) -> None:
    lab = write_lab(tmp_path / "lab", ())
    write_chain(lab, DEMO[0])
    with pytest.raises(IdemtuiError, match=r"trait:lucky.*--rubric"):
        judge(lab.work("jx"), settings(runs=RUNS[:1], metrics=("trait:lucky",)), FakeJudge())
    with pytest.raises(IdemtuiError, match="0123456789 has no answers"):
        judge(lab.work("jy"), settings(runs=("0123456789",)), FakeJudge())


JUDGING = """
import sys
from pathlib import Path
from engine.safe_point import Stopping
from engine.walking import work
code = work(Path(sys.argv[1]), Stopping())
print(code, *sorted({"torch", "trl", "peft", "datasets"} & set(sys.modules)))
"""


def test_a_worker_that_only_judges_imports_nothing_that_trains(tmp_path: Path) -> None:
    lab = write_lab(tmp_path / "lab", DEMO[:1])
    asked = settings(runs=RUNS[:1], metrics=("trait",))
    folder = lab.work("jalone")
    folder.mkdir(parents=True)
    (folder / "spec.json").write_text(resolve_job("judge", "alone", asked, judge="pocket/judge").model_dump_json())
    done = subprocess.run([sys.executable, "-c", JUDGING, str(folder)], capture_output=True, text=True, check=True)
    assert done.stdout == "0 torch\n"
    assert len(scores(folder)) == 12


def test_a_judge_behind_a_server_needs_no_torch() -> None:
    asked = "import sys, engine.jobs.judge, engine.judges.server; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
