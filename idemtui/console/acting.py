"""What is asked of one run, or of several that are marked: pause, resume, retry, cancel, priority."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from idemtui.console.answers import PAUSABLE, answer_words
from idemtui.console.facts import Run
from idemtui.console.lab_facts import Interrupted

if TYPE_CHECKING:
    from idemtui.console.app import Console

Asked = tuple[str, Mapping[str, object]]
"""A run in words, and what goes with the command."""


def pause_or_resume(console: Console, runs: Sequence[Run]) -> None:
    """Pause those that can be paused; where none can, continue them."""
    pausable = [run for run in runs if run.status in PAUSABLE]
    if pausable:
        ask_each(console, "pause", pausable)
    else:
        again(console, "resume", runs)


def again(console: Console, verb: str, runs: Sequence[Run | Interrupted]) -> None:
    """`resume` or `retry` runs."""
    from idemtui.console.requests import queue_again

    names = {run.run_id: run.name for run in runs}
    if names:
        console.ask_server(partial(queue_again, console.reader, verb, names), partial(answer_words, verb))


def move(console: Console, runs: Sequence[Run], step: int) -> None:
    """Raise or lower the priority of waiting runs, each from its own."""
    asked: dict[str, Asked] = {}
    for run in runs:
        waiting = console.server.wait_of(run.run_id) if console.server else None
        priority = (waiting.priority if waiting else 0) + step
        asked[run.run_id] = (f"{run.name}, priority {priority:+d}", {"priority": priority})
    _ask(console, "prioritize", asked)


def ask_each(console: Console, command: str, runs: Sequence[Run]) -> None:
    """Ask the server the same for each run and say what it answered; a refusal of one does not keep the others."""
    _ask(console, command, {run.run_id: (run.name, {}) for run in runs})


def _ask(console: Console, command: str, asked: Mapping[str, Asked]) -> None:
    from idemtui.console.requests import ask_each

    if asked:
        console.ask_server(partial(ask_each, console.reader, command, asked), partial(answer_words, command))
