"""Waiting for a console to be done with what was asked of it; never for a stretch of time."""

from __future__ import annotations

import time
from collections.abc import Callable

from textual import events
from textual.keys import _character_to_key
from textual.pilot import Pilot

from idemtui.console.app import Console
from idemtui.console.widgets.footer import KeyFooter
from idemtui.console.widgets.ledger import Ledger

PATIENCE_SECONDS = 120.0
NAMED = {"enter", "escape", "tab", "slash", "question_mark", "left", "f2", "f5", "ctrl+k"}
"""Keys that `send` takes by their names."""


def console_of(pilot: Pilot[None]) -> Console:
    assert isinstance(pilot.app, Console)
    return pilot.app


async def until(pilot: Pilot[None], happened: Callable[[], object], what: str = "") -> None:
    """Let the app work until something is so."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not happened():
        assert time.monotonic() < deadline, f"it did not happen: {what or happened}"
        await pilot.pause()


async def settled(pilot: Pilot[None]) -> None:
    """Let the app work until the lab was read and every question is answered and drawn."""
    app = console_of(pilot)
    await until(pilot, lambda: app.trouble or (app.read_once and app.server), "the lab was read")
    quiet = False
    while not quiet:
        await until(pilot, lambda: not busy(app), "questions answered")
        await pilot.pause()
        quiet = not busy(app) and not behind(app)


def behind(app: Console) -> bool:
    """Whether the footer still shows the keys of a moment ago."""
    now = {binding.action for _, binding, _, _ in app.screen.active_bindings.values() if binding.show}
    return any({key.action for key in footer.keys} != now for footer in app.screen.query(KeyFooter))


def busy(app: Console) -> bool:
    return app.key_order.busy or any(worker.group != "feed" and not worker.is_finished for worker in app.workers)


async def press(pilot: Pilot[None], *keys: str) -> None:
    """Press keys as a person would: after each the console comes to rest."""
    await settled(pilot)
    for key in keys:
        await pilot.press(key)
        await settled(pilot)


def send(pilot: Pilot[None], *words: str) -> None:
    """Put keys before the app all at once, before the first is looked at; what is no key's name is typed."""
    for word in words:
        keys = [(word, None)] if word in NAMED else [(_character_to_key(letter), letter) for letter in word]
        for key, letter in keys:
            pilot.app.post_message(events.Key(key, letter))


async def choose(pilot: Pilot[None], name: str, *keys: str) -> None:
    """Move to a run by its name, then press keys."""
    await settled(pilot)
    app = console_of(pilot)
    run = next(run for run in app.glance.runs if run.name == name)
    app.choose(run.run_id)
    app._show_lab()
    await press(pilot, *keys)


def screen_lines(pilot: Pilot[None]) -> list[str]:
    """What stands on the screen, line by line."""
    return ["".join(segment.text for segment in strip) for strip in pilot.app.screen._compositor.render_strips()]


def screen_text(pilot: Pilot[None]) -> str:
    """What stands on the screen."""
    return "\n".join(screen_lines(pilot))


def ledger_of(pilot: Pilot[None], selector: str) -> Ledger:
    return pilot.app.screen.query_one(selector, Ledger)
