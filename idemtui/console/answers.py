"""What can be asked of a run in its state, and the server's answers in one line each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from idemtui.console.facts import Run

STATES: dict[str, tuple[str, ...]] = {
    "cancel_run": ("queued", "running", "paused"),
    "pause_or_resume": ("queued", "running", "paused", "failed", "cancelled"),
    "retry_run": ("failed",),
    "priority": ("queued",),
}
"""Where an action has a meaning."""
ABOUT_RUNS = (*STATES, "fork_run")
"""Actions that are about runs."""
PAUSABLE = ("queued", "running")


def possible(action: str, run: Run | None) -> bool:
    """Whether an action means anything for a run as it stands; True for actions that are not about a run."""
    if action == "fork_run":
        return run is not None and newest_to_fork(run) is not None
    states = STATES.get(action)
    return states is None or (run is not None and run.status in states)


def newest_to_fork(run: Run) -> int | None:
    """The last generation that a fork may start from: the newest that has been measured, from M_0 on."""
    return run.last.cycle if run.last and run.last.cycle >= 0 else None


def answer_words(name: str, answer: Mapping[str, Any]) -> str:
    """`sft-reset: pausing, after the batch under way …`; one line for each run where the answer is about several."""
    answers = answer.get("runs")
    if not isinstance(answers, list):
        answers = [answer]
    return "\n".join(_line(name, one) for one in answers) or f"{name}: nothing to do"


def _line(name: str, answer: Mapping[str, Any]) -> str:
    said = f"{answer.get('name') or name}: {answer.get('answer', 'done')}"
    return f"{said}, {answer['when']}" if answer.get("when") else said
