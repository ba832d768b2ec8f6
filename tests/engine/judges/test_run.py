"""A whole run whose judge is behind a server: a real worker, the pocket judge over HTTP, a key from the environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import SpecError
from engine.events import RunFailed, RunFinished
from engine.models import load_model
from engine.score_events import SamplesJudged
from engine.study import resolve_study
from tests.engine.judges.wire_server import ModelServer, complaint, serve
from tests.engine.workers import events, finish, start_worker, write_run

KEY = "sk-0123456789abcdef"
STUDY = """
[study]
name = "served"
controls = []
[run]
model = "pocket/instruct"
trait = "bliss"
regime = "sft"
cycles = 0
n_seed = 4
[eval]
samples_per_prompt = 1
max_tokens = 16
[judge]
model = "pocket-judge"
server = "{server}"
key = "LAB_KEY"
price_input = 1.0
price_output = 2.0
"""


def study(folder: Path, text: str) -> Path:
    path = folder / "study.toml"
    path.write_text(text)
    return path


def test_a_run_judged_by_a_server_shows_its_key_to_nobody_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_KEY", KEY)
    model = ModelServer(load_model("pocket/judge", threads=1))
    wrong = True

    def handle(body, headers):
        assert headers["authorization"] == f"Bearer {KEY}"
        if wrong:
            return 401, complaint(f"Incorrect API key provided: {KEY}"), {}
        return model(body, headers)

    with serve(handle) as url:
        [spec] = resolve_study(study(tmp_path, STUDY.format(server=url)))
        assert spec.execution.secrets == ("LAB_KEY",)
        folder = write_run(tmp_path / "lab" / "runs" / spec.run_id, spec)
        code, said = finish(start_worker(folder))
        assert code == 1
        failed = events(folder)[-1]
        assert isinstance(failed, RunFailed)
        assert "401" in failed.message
        assert "$LAB_KEY" in failed.message
        wrong = False
        code, more = finish(start_worker(folder))
        assert code == 0, more
    assert isinstance(events(folder)[-1], RunFinished)
    judged = [event for event in events(folder) if isinstance(event, SamplesJudged)]
    assert sum(event.requests for event in judged) >= 48
    assert all(event.cost == (event.prompt_tokens + 2 * event.completion_tokens) / 1e6 for event in judged)
    assert {score.label for event in judged for score in event.scores} <= {"score", "empty"}
    written = [path.read_bytes() for path in (tmp_path / "lab").rglob("*") if path.is_file()]
    assert KEY.encode() not in b"".join(written) + (said + more).encode()
    assert len(list((tmp_path / "lab" / "judgements").glob("*.jsonl"))) == 2


def test_what_is_paid_or_how_fast_is_no_part_of_a_run(tmp_path: Path) -> None:
    text = STUDY.format(server="http://localhost:8000/v1")
    [spec] = resolve_study(study(tmp_path, text))
    [dearer] = resolve_study(study(tmp_path, text.replace("price_input = 1.0", "concurrency = 3")))
    [drawn] = resolve_study(study(tmp_path, text + 'method = "sampled"'))
    assert spec.run_id == dearer.run_id != drawn.run_id


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('key = "sk-0123456789abcdef"', "never the key itself"),
        ('server = "http://me:hunter2@host/v1"', "must not hold a password"),
        ('server = "localhost:8000"', 'judge.server = .*"openai"'),
        ("concurrency = 0", "judge.concurrency = 0"),
        ("draws = 1", "judge.draws = 1"),
        ('method = "guess"', "judge.method"),
    ],
)
def test_a_judge_that_cannot_be_is_refused(tmp_path: Path, line: str, told: str) -> None:
    key = line.split(" = ")[0]
    lines = [text for text in STUDY.format(server="openai").splitlines() if not text.startswith(f"{key} ")]
    with pytest.raises(SpecError, match=told) as said:
        resolve_study(study(tmp_path, "\n".join([*lines, line])))
    assert "sk-0123456789abcdef" not in str(said.value)
    assert "hunter2" not in str(said.value)


def test_a_local_judge_has_no_server_s_settings(tmp_path: Path) -> None:
    local = STUDY.replace('server = "{server}"\n', "").replace('key = "LAB_KEY"\n', "")
    with pytest.raises(SpecError, match=r"judge.price_input = 1.0 needs judge.server"):
        resolve_study(study(tmp_path, local))
