"""Run folders and real worker processes for tests."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from engine.events import AdapterTrained, Event, SamplesDrawn
from engine.journal import read_entries
from engine.score_events import SamplesJudged
from engine.spec import RunSpec

RESULTS = (SamplesDrawn, SamplesJudged, AdapterTrained)


def write_run(folder: Path, spec: RunSpec) -> Path:
    """A run folder as the lab server makes it."""
    folder.mkdir(parents=True)
    (folder / "spec.json").write_text(spec.model_dump_json())
    return folder


def start_worker(folder: Path) -> subprocess.Popen[str]:
    """A worker on one run folder."""
    return subprocess.Popen(
        [sys.executable, "-m", "engine.worker", str(folder)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def start_at_desk(desk: Path, *more: str) -> subprocess.Popen[str]:
    """A worker at a desk, its own output in pipes."""
    command = [sys.executable, "-m", "engine.worker", "--desk", str(desk), *more]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(worker: subprocess.Popen[str]) -> tuple[int, str]:
    """Exit code and what it said, once it ended."""
    _, said = worker.communicate(timeout=900)
    return worker.returncode, said


def events(folder: Path) -> list[Event]:
    """All events of a run so far."""
    path = folder / "events.jsonl"
    return [entry.event for entry in read_entries(path)] if path.exists() else []


def results(folder: Path) -> list[Event]:
    """What a run produced: samples, scores and adapters, in order, without times and who in the lab judged first."""
    return [_of_its_own(event) for event in events(folder) if isinstance(event, RESULTS)]


def _of_its_own(event: Event) -> Event:
    return event.model_copy(update={"known": 0}) if isinstance(event, SamplesJudged) else event


def wait_until(folder: Path, reached: Callable[[list[Event]], bool], worker: subprocess.Popen[str]) -> None:
    """Until the journal satisfies `reached`; fails when the worker ends before."""
    wait_for(lambda: reached(events(folder)), worker)


def wait_for(reached: Callable[[], bool], worker: subprocess.Popen[str]) -> None:
    """Until `reached`; fails when the worker ends before."""
    tick = threading.Event()
    while not reached():
        assert worker.poll() is None, f"the worker ended first: {finish(worker)}"
        tick.wait(0.02)
