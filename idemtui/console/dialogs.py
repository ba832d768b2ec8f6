"""Questions that come before a command: what is asked, and what is done with the answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from idemtui.console.acting import again, ask_each, queue_runs
from idemtui.console.answers import newest_to_fork
from idemtui.console.facts import Run
from idemtui.console.lab_facts import Interrupted
from idemtui.text import one_line

if TYPE_CHECKING:
    from engine.spec import RunSpec
    from idemtui.console.app import Console
    from idemtui.preflight.facts import Preflight

MOST_NAMES = 5


def some_names(runs: Sequence[Run]) -> str:
    """`3 runs (a, b, c)`, the first of many."""
    names = ", ".join(one_line(run.name) for run in runs[:MOST_NAMES]) + (", …" if len(runs) > MOST_NAMES else "")
    return f"{len(runs)} runs ({names})"


def ask_cancel(console: Console, runs: Sequence[Run]) -> None:
    """Cancel runs where somebody is sure."""
    if not runs:
        return
    from idemtui.console.screens.confirm import ConfirmScreen

    def answered(sure: bool | None) -> None:
        if sure:
            ask_each(console, "cancel", runs)

    if len(runs) == 1:
        name = console.glance.called(runs[0].run_id)
        question = f"Cancel {name}? It stops at the next safe point; resume continues it there."
    else:
        question = f"Cancel {some_names(runs)}? They stop at their next safe points; resume continues them."
    console.push_screen(ConfirmScreen(question), answered)


def ask_fork(console: Console, runs: Sequence[Run], selected: int | None) -> None:
    """Fork a run, or each of several at one generation; `selected` is the one that somebody points at.

    Proposed is the newest that all have, of those that have any.
    """
    held = [newest for run in runs if (newest := newest_to_fork(run)) is not None]
    if not held:
        return
    from idemtui.console.screens.fork import ForkScreen

    def forked(answer: str | None) -> None:
        if answer:
            console.notify(answer, markup=False)

    at = min(held) if selected is None else min(selected, *held)
    console.push_screen(ForkScreen(runs, max(held), at), forked)


def ask_queue(console: Console, specs: Sequence[RunSpec], costs: Preflight) -> None:
    """Queue a study where somebody is sure, its costs in sight."""
    from idemtui.console.launch_words import question
    from idemtui.console.screens.confirm import ConfirmScreen

    def answered(sure: bool | None) -> None:
        if sure:
            queue_runs(console, specs)

    console.push_screen(ConfirmScreen(question(costs, specs[0].study)), answered)


def ask_interrupted(console: Console, interrupted: Sequence[Interrupted]) -> None:
    """Let all or some interrupted runs go on, or none of them now."""
    from idemtui.console.screens.interrupted import InterruptedScreen

    def chosen(run_ids: tuple[str, ...] | None) -> None:
        again(console, "resume", [run for run in interrupted if run.run_id in (run_ids or ())])

    console.push_screen(InterruptedScreen(interrupted), chosen)
