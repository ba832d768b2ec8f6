"""What is asked of runs, and of the room in sight: pause, resume, queue, judge, save, copy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from engine.errors import IdemtuiError
from idemtui.console.answers import PAUSABLE, answer_words
from idemtui.console.asking import in_thread
from idemtui.console.facts import Run
from idemtui.console.lab_facts import Interrupted

if TYPE_CHECKING:
    from textual.worker import Worker

    from engine.spec import RunSpec
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


def take_next_judge(console: Console) -> None:
    """Show the lab by the next judge's scores; a lab with one judge has none to choose."""
    from idemtui.console.judging import Judge, choose_next

    def told(known: list[Judge]) -> str:
        judge = console.reader.judging.judge
        if judge is None and console.glance.judge is None:
            return f"There is no other judge to choose: {known[0].judge_id if known else 'nobody'} scored this lab."
        console.remembered.judge = judge
        read_again(console)
        return f"Scores by {judge}." if judge else "Scores by each run's own judge."

    console.ask_server(partial(choose_next, console.reader), told)


def read_again(console: Console) -> None:
    """Read the lab once more: another judge was chosen, or the chosen one's verdicts are not all worked out."""
    from idemtui.console.messages import GlanceRead

    async def reading() -> None:
        with suppress(IdemtuiError):
            console.post_message(GlanceRead(await in_thread(console.reader.glance)))

    _: Worker[None] = console.run_worker(reading, group="judge", exclusive=True)


def start_demo(console: Console) -> None:
    """Queue the pocket study in this lab."""
    from idemtui.console.demo import queue_demo

    console.ask_server(partial(queue_demo, console.lab), lambda _: "The pocket study is queued.")


def queue_runs(console: Console, specs: Sequence[RunSpec]) -> None:
    """Queue resolved runs and look at the first of them."""
    from idemtui.console.launching import queue

    def queued(answer: str) -> str:
        console.choose(specs[0].run_id)
        console.action_room("runs")
        return answer

    console.ask_server(partial(queue, specs, console.reader), queued)


def save(console: Console) -> None:
    """Ask for a file's name and write what stands in the room."""
    from idemtui.console.screens.room import Room

    saving = console.screen.saving() if isinstance(console.screen, Room) else None
    if saving is None:
        console.notify("There is nothing to save here yet.", severity="warning")
    else:
        console.push_screen(saving, console.tell)


def copy(console: Console) -> None:
    """Hand what stands in the room to the terminal's clipboard, and say how much that is."""
    from idemtui.console.screens.room import Room

    copying = console.screen.copying() if isinstance(console.screen, Room) else None
    if copying is None:
        console.notify("There is nothing to copy here yet.", severity="warning")
    else:
        what, text = copying
        console.copy_to_clipboard(text)
        console.notify(f"Copied {what}: {len(text):,} characters.", markup=False)
