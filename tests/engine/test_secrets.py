"""Secrets: named where they are needed, hidden wherever something is printed."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.secrets import hide_secrets, needed_secrets
from engine.study import resolve_study

NOT_HERE = "nobody-at-all/no-such-model-4B-Instruct"
STUDY = """
[study]
name = "s"
controls = []
[run]
model = "MODEL"
trait = "bliss"
regime = "sft"
cycles = 1
n_seed = 4
n_sampled = 4
"""


def resolve(folder: Path, model: str) -> tuple[str, tuple[str, ...]]:
    path = folder / "study.toml"
    path.write_text(STUDY.replace("MODEL", model))
    spec = resolve_study(path)[0]
    return spec.run_id, spec.execution.secrets


def test_a_hub_model_that_is_not_here_needs_the_callers_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_TOKEN", raising=False)
    without, none = resolve(tmp_path, NOT_HERE)
    monkeypatch.setenv("HF_TOKEN", "hf_abcdefgh")
    with_token, named = resolve(tmp_path, NOT_HERE)
    assert (none, named) == ((), ("HF_TOKEN",))
    assert with_token == without, "what is needed to fetch a model is no part of the run's identity"
    assert resolve(tmp_path, "pocket/instruct")[1] == ()
    assert needed_secrets(["pocket/instruct", NOT_HERE]) == ("HF_TOKEN",)


def test_values_are_hidden_by_the_names_of_their_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_abcdefgh")
    monkeypatch.setenv("OPENAI_API_KEY", "hf_abcdefgh-and-more")
    monkeypatch.setenv("EMPTY_TOKEN", "")
    monkeypatch.setenv("SHORT_KEY", "a")
    monkeypatch.setenv("LAB_PASS", "open sesame")
    text = "a hf_abcdefgh b hf_abcdefgh-and-more c open sesame"
    assert hide_secrets(text) == "a *** b *** c open sesame"
    assert hide_secrets(text, ["LAB_PASS"]) == "a *** b *** c ***"
