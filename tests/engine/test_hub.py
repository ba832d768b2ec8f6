"""A hub that refuses, is not there, or never answers: one line each; and what a tokenizer's files tell."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from engine.errors import ModelError
from engine.hub import hub_trouble, refusal
from engine.model_files import POCKET
from engine.models import load_model
from engine.tokenizer_facts import tokenizer_facts

ANSWERS = {"open/model": (200, None), "gated/model": (403, "GatedRepo"), "nobody/model": (404, "RepoNotFound")}


class Hub(BaseHTTPRequestHandler):
    """The hub's answers to `auth-check`, and to anything else that is asked of these models."""

    def do_GET(self) -> None:
        name = "/".join(part for part in self.path.split("/") if part in ("open", "gated", "nobody", "model"))
        status, code = ANSWERS[name]
        self.send_response(status)
        if code:
            self.send_header("X-Error-Code", code)
            self.send_header("X-Error-Message", "no")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, format: str, *args: object) -> None:
        """Nothing on the test's screen."""


@pytest.fixture
def hub() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("gated/model", "is gated: accept its terms on the hub, put a token that may read it into HF_TOKEN"),
        ("nobody/model", "is not on the hub, or is private: check its name"),
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
