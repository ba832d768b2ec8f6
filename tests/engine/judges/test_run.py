"""A study whose judge is behind a server: what it may say, and what is no part of a run.

A whole run of one is a proof (`tests/proofs/test_served_judge.py`).
"""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import SpecError
from engine.study import resolve_study

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
