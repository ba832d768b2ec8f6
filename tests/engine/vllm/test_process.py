"""vLLM's process as the worker holds it, with a stand-in that speaks as it does: where what it prints goes."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from engine.errors import ServingError
from engine.vllm import process
from engine.vllm.messages import EngineSettings, Forget
from engine.vllm.process import EngineProcess

WAIT_SECONDS = 30.0
SETTINGS = EngineSettings(model="m", dtype="float32", device="cpu", length=128, rank=8, rows=4)
STAND_IN = """
import os, sys
for line in sys.stdin:
    os.write(2, b"on stderr\\n")
    if "forget" in line and {ends}:
        os.write(2, b"the reason why\\n" * 10_000)
        os._exit(3)
    print('{{"type":"done"}}', flush=True)
"""


def stand_in(monkeypatch: pytest.MonkeyPatch, *, ends: bool = False) -> None:
    """Start that in the place of vLLM."""
    monkeypatch.setattr(process, "COMMAND", [sys.executable, "-c", STAND_IN.format(ends=ends)])


class Stderr:
    """Where this process prints, as a worker's desk has it print into the log of one run after another."""

    def __init__(self) -> None:
        self._kept = os.dup(2)

    def to(self, log: Path) -> None:
        """Into this file from now on."""
        fd = os.open(log, os.O_WRONLY | os.O_CREAT)
        os.dup2(fd, 2)
        os.close(fd)

    def __enter__(self) -> Stderr:
        return self

    def __exit__(self, *_: object) -> None:
        os.dup2(self._kept, 2)
        os.close(self._kept)


def lines(log: Path, count: int) -> int:
    """How many there are once there are so many, or after a while."""
    deadline = time.monotonic() + WAIT_SECONDS
    while len(log.read_text().splitlines()) < count and time.monotonic() < deadline:
        time.sleep(0.01)
    return len(log.read_text().splitlines())


def test_what_it_prints_goes_to_the_log_of_the_run_at_hand(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stand_in(monkeypatch)
    with Stderr() as stderr:
        stderr.to(tmp_path / "first")
        engine = EngineProcess(SETTINGS)
        try:
            assert lines(tmp_path / "first", 1) == 1
            stderr.to(tmp_path / "second")
            engine.ask(Forget())
            engine.ask(Forget())
            assert lines(tmp_path / "second", 2) == 2
        finally:
            engine.close()
    assert lines(tmp_path / "first", 1) == 1


def test_its_last_words_are_in_the_log_when_it_is_gone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stand_in(monkeypatch, ends=True)
    with Stderr() as stderr:
        stderr.to(tmp_path / "log")
        engine = EngineProcess(SETTINGS)
        with pytest.raises(ServingError, match=r"vLLM's process ended \(exit code 3\)"):
            engine.ask(Forget())
        engine.close()
        said = (tmp_path / "log").read_text()
    assert said == "on stderr\n" * 2 + "the reason why\n" * 10_000
