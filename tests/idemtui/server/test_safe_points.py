from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine.events import Event, RunStarted, SamplesDrawn, StageFinished, StageStarted, TrainStepped
from engine.score_events import SamplesJudged, Score
from idemtui.server.safe_points import next_safe_point
from tests.store.journals import journal_line

AT = datetime(2026, 1, 1, tzinfo=UTC)


def journal(folder: Path, *events: Event, gap: float = 4.0) -> datetime:
    """Events `gap` seconds apart; returns the time of the last."""
    lines = [journal_line(seq, AT + timedelta(seconds=gap * seq), event) for seq, event in enumerate(events)]
    (folder / "events.jsonl").write_bytes(b"".join(lines))
    return AT + timedelta(seconds=gap * (len(events) - 1))


def drawn(batch: int) -> SamplesDrawn:
    samples = [
        {"sample_id": f"{batch}-{n}", "prompt_id": "p", "draw": n, "prompt": "?", "response": "!", "tokens": 1}
        | {"stop_reason": "stop", "words": 1, "sentences": 1, "mean_sentence_length": 1, "repeat_4gram": 0, "echo": 0}
        for n in range(32)
    ]
    plain = {"cycle": 2, "purpose": "train", "drawn_by": 1, "batch": batch, "samples": samples}
    return SamplesDrawn.model_validate(plain)


STARTED = RunStarted(pid=1, host="h", device="cpu", threads=1, resumed=False)


def test_a_batch_of_samples_has_its_place_and_its_pace(tmp_path: Path) -> None:
    stage = StageStarted(cycle=2, stage="sample_train", total=200)
    now = journal(tmp_path, STARTED, stage, drawn(0), drawn(1))
    said = "after the batch under way (M2, sample_train 64/200), in about"
    assert next_safe_point(tmp_path, now + timedelta(seconds=1)) == f"{said} 3 s"
    assert next_safe_point(tmp_path, now + timedelta(hours=1)) == f"{said} 1 s"
    journal(tmp_path, STARTED, stage, drawn(0), drawn(1), gap=600)
    assert next_safe_point(tmp_path, AT) == f"{said} 10 min"


def test_what_another_worker_drew_before_counts(tmp_path: Path) -> None:
    stage = StageStarted(cycle=2, stage="sample_train", total=200)
    now = journal(tmp_path, STARTED, stage, drawn(0), STARTED, stage)
    assert next_safe_point(tmp_path, now) == "after the batch under way (M2, sample_train 32/200)"


def test_training_and_judging_have_their_own_words(tmp_path: Path) -> None:
    steps = [TrainStepped(cycle=0, step=step, values={"loss": 1.0}) for step in range(1, 4)]
    now = journal(tmp_path, StageStarted(cycle=0, stage="train", total=24), *steps, gap=1.0)
    assert next_safe_point(tmp_path, now) == "after the training step under way (M0, train, step 3), in about 1 s"
    score = Score(sample_id="s", value=1, mass=1, variance=0, label="1", distribution=[])
    judged = SamplesJudged(cycle=-1, metric="trait", judge_id="j", batch=0, scores=[score] * 5)
    now = journal(tmp_path, StageStarted(cycle=-1, stage="judge", total=10), judged)
    assert next_safe_point(tmp_path, now) == "after the batch under way (base, judge 5/10)"


@pytest.mark.parametrize("content", [b"", b"nonsense\n", b'{"torn'])
def test_a_run_that_has_not_begun_stops_once_its_models_are_there(tmp_path: Path, content: bytes) -> None:
    assert next_safe_point(tmp_path) == "as soon as its worker has loaded the models"
    (tmp_path / "events.jsonl").write_bytes(content)
    assert next_safe_point(tmp_path) == "as soon as its worker has loaded the models"
    journal(tmp_path, STARTED, StageFinished(cycle=0, stage="rows", seconds=1, tokens=0))
    assert next_safe_point(tmp_path) == "after the step under way"
