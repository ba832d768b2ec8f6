"""What judging by a server will take is said before a study is queued, and nothing where the judge is local."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.spec import RunSpec
from engine.study import resolve_study
from idemtui.cli import studies
from idemtui.cli.spending import spent_words
from tests.idemtui.cli.conftest import Idemtui

STUDY = """
[study]
name = "served"
controls = []
[run]
model = "pocket/instruct"
trait = "bliss"
regime = "sft"
cycles = 1
n_seed = 4
n_sampled = 4
"""
SERVER = """
[judge]
model = "some-judge"
server = "http://localhost:8000/v1"
price_input = 2.0
price_output = 8.0
"""


@pytest.fixture
def queued(monkeypatch: pytest.MonkeyPatch) -> list[RunSpec]:
    """What would have been queued; nothing is."""
    taken: list[RunSpec] = []

    def submit(lab: Any, specs: list[RunSpec], **more: object) -> list[dict[str, Any]]:
        taken.extend(specs)
        return [{"run_id": spec.run_id, "name": spec.name, "answer": "queued"} for spec in specs]

    monkeypatch.setattr(studies, "submit", submit)
    return taken


def test_requests_tokens_and_money_are_said_first(idemtui: Idemtui, queued: list[RunSpec], tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    path.write_text(STUDY + SERVER)
    said = idemtui("--lab", tmp_path / "lab", "run", path, "--detach", "--json")
    answers = 3 * 12 * resolve_study(path)[0].eval.samples_per_prompt
    assert said.code == 0
    assert said.err.startswith(
        f"idemtui: {2 * answers:,} questions to some-judge in {2 * answers:,} requests or more, "
    )
    assert "k tokens read" in said.err
    assert "by the stated prices; what the lab knows is not asked again\n" in said.err
    assert len(said.json) == len(queued) == 1


def test_of_a_local_judge_nothing_is_said(idemtui: Idemtui, queued: list[RunSpec], tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    path.write_text(STUDY)
    assert idemtui("--lab", tmp_path / "lab", "run", path, "--detach").err == ""
    assert len(queued) == 1


def test_what_was_spent_is_a_line_a_metric() -> None:
    row = {"judge_id": "m", "metric": "trait", "answers": 9, "known": 2, "requests": 7, "prompt_tokens": 70}
    row |= {"completion_tokens": 7, "cost": 0.5}
    assert spent_words([row]) == ["m (trait): 9 answers, 2 known before, 7 requests, 70 + 7 tokens, cost 0.5000"]
    assert spent_words([row | {"cost": None}])[0].endswith("70 + 7 tokens")
