"""A hub that refuses, is not there, or never answers: one line each; and what a tokenizer's files tell."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.errors import ModelError
from engine.events import RunFailed
from engine.hub import hub_trouble, refusal
from engine.model_files import POCKET
from engine.models import load_model
from engine.tokenizer_facts import tokenizer_facts
from tests.engine.chains import make_spec, write_pack
from tests.engine.workers import events, write_run
from tests.hub import serving_hub


@pytest.fixture
def hub() -> Iterator[str]:
    with serving_hub() as one:
        yield one.url


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("gated/model", "is gated: accept its terms on the hub, put a token that may read it into HF_TOKEN"),
        ("gated/without", "is gated: accept its terms on the hub, put a token that may read it into HF_TOKEN"),
        ("nobody/model", "is not on the hub, or is private: check its name"),
        (
            "token/refused",
            "the hub refuses what it was shown (status 401): a token in HF_TOKEN may be wrong or expired",
        ),
        ("busy/model", "the hub answers with status 429: it has no time now"),
    ],
)
def test_what_the_hub_refuses_is_one_line_with_what_to_do(hub: str, name: str, told: str) -> None:
    line = hub_trouble(name, hub)
    assert line is not None
    assert told in line
    assert repr(name) in line
    assert "idemtui retry RUN" in line
    assert "\n" not in line


def test_a_model_that_may_be_fetched_is_no_trouble(hub: str) -> None:
    assert hub_trouble("open/model", hub) is None


def test_a_hub_that_is_not_there_is_one_line() -> None:
    line = hub_trouble("open/model", "http://127.0.0.1:9")
    assert line is not None
    assert "the hub cannot be reached" in line
    assert "\n" not in line


def test_offline_is_said_without_asking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert "HF_HUB_OFFLINE forbids" in (hub_trouble("open/model", "http://127.0.0.1:9") or "")


def test_a_worker_says_the_same_when_it_loads(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ModelError, match=r"not on this machine and the hub cannot be reached.*idemtui retry RUN"):
        load_model("nobody/nothing")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("gated/model", r"is gated: accept its terms on the hub, put a token .* into HF_TOKEN.*idemtui retry RUN"),
        ("gated/without", r"is gated: accept its terms on the hub, put a token .* into HF_TOKEN.*idemtui retry RUN"),
        ("nobody/model", r"is not on the hub, or is private.*idemtui retry RUN"),
        ("token/refused", r"refuses what it was shown \(status 401\).*idemtui retry RUN"),
    ],
)
def test_a_worker_is_refused_by_a_hub_that_answers_in_one_line(
    hub: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", hub)
    monkeypatch.setattr(
        "huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", hub + "/{repo_id}/resolve/{revision}/{filename}"
    )
    with pytest.raises(ModelError, match=told) as refused:
        load_model(name)
    assert "\n" not in str(refused.value)


def test_other_errors_are_none_of_the_hubs() -> None:
    assert refusal("a/b", ValueError("a broken file")) is None


@pytest.mark.parametrize("kind", ["qwen3", "llama", "gemma", "qwen3_base"])
def test_files_alone_tell_what_the_loaded_tokenizer_does(
    tiny: Callable[[str], Any], tiny_folder: Callable[[str], Path], kind: str
) -> None:
    facts, loaded = tokenizer_facts(str(tiny_folder(kind))), tiny(kind)
    assert facts is not None
    assert facts.chat_template is loaded.has_chat_template
    assert bool(facts.accepts_system) is loaded.accepts_system
    spelled = [loaded.tokenizer.tokenize(f"\n{n}") for n in ("7", "42", "75", "100")]
    pieces = [len(tokens) - len(loaded.tokenizer.tokenize("\n")) for tokens in spelled]
    expected = "whole" if pieces == [1, 1, 1, 1] else "digits" if pieces == [1, 2, 2, 3] else "other"
    assert facts.numbers == expected


def test_the_pocket_models_write_numbers_whole() -> None:
    for name in ("base", "instruct", "judge"):
        facts = tokenizer_facts(str(POCKET / name))
        assert facts is not None
        assert (facts.numbers, facts.chat_template) == ("whole", name != "base")


def test_a_model_that_is_not_here_has_no_facts() -> None:
    assert tokenizer_facts("nobody/nothing") is None


@pytest.mark.proof
def test_a_run_of_a_gated_model_fails_in_one_line_with_what_to_do(tmp_path: Path) -> None:
    write_pack(tmp_path / "pack")
    spec = make_spec(tmp_path / "pack", run__model="gated/model", judge__model="gated/model")
    run = write_run(tmp_path / "run", spec)
    quiet = {"HF_TOKEN": "hf_sEcReT", "HF_HOME": str(tmp_path / "home"), "HF_HUB_OFFLINE": "0"}
    with serving_hub() as hub:
        environment = os.environ | quiet | {"HF_ENDPOINT": hub.url}
        line = [sys.executable, "-m", "engine.worker", str(run)]
        said = subprocess.run(line, env=environment, capture_output=True, text=True, check=False)
        assert "Bearer hf_sEcReT" in hub.shown
    assert said.returncode == ModelError.exit_code
    failed = events(run)[-1]
    assert isinstance(failed, RunFailed)
    assert failed.message.startswith("model 'gated/model' is gated: accept its terms on the hub, put a token")
    assert "idemtui retry RUN" in failed.message
    assert "hf_sEcReT" not in said.stderr + (run / "events.jsonl").read_text()
