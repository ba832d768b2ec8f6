"""The console: opens the lab, keeps what all rooms share, and lets each room do the rest."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, ClassVar

from textual import on, work
from textual.app import App
from textual.binding import BindingType
from textual.command import Provider
from textual.screen import Screen

from engine.errors import IdemtuiError
from idemtui.console import messages
from idemtui.console.actions import bindings
from idemtui.console.asking import in_thread
from idemtui.console.facts import Glance, Run
from idemtui.console.feed import POLL_SECONDS, RETRY_SECONDS, feed
from idemtui.console.palette import ConsoleCommands
from idemtui.console.reader import Connect, Reader, connect_through_server
from idemtui.console.screens.room import Room
from store.lab import Lab


def _runs() -> Screen[Any]:
    from idemtui.console.screens.runs import RunsScreen

    return RunsScreen()


def _run() -> Screen[Any]:
    from idemtui.console.screens.run import RunScreen

    return RunScreen()


def _samples() -> Screen[Any]:
    from idemtui.console.screens.samples import SamplesScreen

    return SamplesScreen()


def _ladder() -> Screen[Any]:
    from idemtui.console.screens.ladder import LadderScreen

    return LadderScreen()


def _sql() -> Screen[Any]:
    from idemtui.console.screens.sql import SqlScreen

    return SqlScreen()


CANCELLABLE = ("queued", "running", "paused")
RESUMABLE = ("failed", "cancelled", "paused")


class Console(App[None]):
    """Five rooms over one lab."""

    TITLE = "idemtui"
    CSS_PATH = "console.tcss"
    BINDINGS: ClassVar[list[BindingType]] = bindings("everywhere")
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {ConsoleCommands}
    MODES: ClassVar[dict[str, str | Callable[[], Screen[Any]]]] = {
        "runs": _runs,
        "run": _run,
        "samples": _samples,
        "ladder": _ladder,
        "sql": _sql,
    }
    DEFAULT_MODE = "runs"

    def __init__(
        self,
        lab: Lab,
        follow: str | None = None,
        *,
        connect: Connect = connect_through_server,
        poll_seconds: float = POLL_SECONDS,
        retry_seconds: float = RETRY_SECONDS,
    ) -> None:
        super().__init__()
        if "TEXTUAL_ANIMATIONS" not in os.environ:
            self.animation_level = "none"
        self.lab = lab
        self.reader = Reader(lab, connect)
        self.glance = Glance(())
        self.read_once = False
        self.trouble = ""
        self._follow = follow
        self._chosen: str | None = None
        self._offers: str | None = "unread"
        self._pace = (poll_seconds, retry_seconds)

    def on_mount(self) -> None:
        """Paint first, then begin to ask."""
        self.call_after_refresh(self._start_feed)

    @work(group="feed")
    async def _start_feed(self) -> None:
        await feed(self.reader, self.post_message, *self._pace)

    @property
    def chosen(self) -> Run | None:
        """The run that all rooms look at; the first of the followed study until somebody chooses."""
        found = self.glance.run(self._chosen)
        return found or next(iter(self._followed()), None)

    def _followed(self) -> Iterable[Run]:
        runs = self.glance.runs
        return [run for run in runs if run.study == self._follow] or runs

    def choose(self, run_id: str) -> None:
        """Look at another run."""
        self._chosen = run_id
        self._refresh_offers()

    @on(messages.GlanceRead)
    def take_glance(self, message: messages.GlanceRead) -> None:
        """Hand a new state to the room in sight; the others catch up when they are entered."""
        self.glance = message.glance
        self.read_once = True
        self._refresh_offers()
        self._refresh_room()

    @on(messages.LabLost)
    def show_trouble(self, message: messages.LabLost) -> None:
        """Say so, and that it costs nothing."""
        self.trouble = f"{message.reason} Runs go on; asking again."
        self._refresh_room(everything=False)

    @on(messages.LabFound)
    def end_trouble(self) -> None:
        """The lab answers."""
        self.trouble = ""
        self._refresh_room(everything=False)

    def _refresh_room(self, everything: bool = True) -> None:
        for screen in self.screen_stack:
            if isinstance(screen, Room) and screen.is_mounted:
                screen.show_pulse()
                if everything:
                    screen.lab_changed()

    def action_room(self, name: str) -> None:
        """Go to a room."""
        if self.current_mode != name:
            self.switch_mode(name)

    def action_other_run(self, step: int) -> None:
        """Look at the run before or after."""
        runs, chosen = self.glance.runs, self.chosen
        if chosen is not None:
            self.choose(runs[(runs.index(chosen) + step) % len(runs)].run_id)
            self._refresh_room()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Dim what the chosen run cannot do just now."""
        run = self.chosen
        if action == "cancel_run":
            return True if run and run.status in CANCELLABLE else None
        if action == "resume_run":
            return True if run and run.status in RESUMABLE else None
        return True

    def _refresh_offers(self) -> None:
        """Redraw the footer only where something else is possible now."""
        offers = self.chosen.status if self.chosen else None
        if offers != self._offers:
            self._offers = offers
            self.refresh_bindings()

    def action_keys(self) -> None:
        """Show all keys."""
        from idemtui.console.screens.help import HelpScreen

        self.push_screen(HelpScreen())

    def action_cancel_run(self) -> None:
        """Ask, then cancel the chosen run."""
        run = self.chosen
        if run is None:
            return
        from idemtui.console.screens.confirm import ConfirmScreen

        question = f"Cancel {run.name}? It stops at the next safe point; resume continues it there."

        def answered(sure: bool | None) -> None:
            if sure:
                self.command("cancel", f"{run.name}: cancelling", run_id=run.run_id)

        self.push_screen(ConfirmScreen(question), answered)

    def action_resume_run(self) -> None:
        """Continue the chosen run."""
        run = self.chosen
        if run is not None:
            self.command("resume", f"{run.name}: queued again", run_id=run.run_id)

    def start_demo(self) -> None:
        """Queue the pocket study in this lab."""
        from idemtui.console.demo import queue_demo

        self._command(partial(queue_demo, self.lab), "The pocket study is queued.")

    def command(self, name: str, words: str, **fields: object) -> None:
        """Ask the server for something and say how that went."""
        self._command(partial(self.reader.command, name, **fields), words)

    @work(group="command")
    async def _command(self, ask: Callable[[], object], words: str) -> None:
        try:
            await in_thread(ask)
        except IdemtuiError as error:
            self.notify(str(error), severity="error", markup=False)
        else:
            self.notify(words, markup=False)


def open_console(lab: Lab, follow: str | None = None) -> int:
    """Show the lab until the user leaves; `follow` names the study to begin with. Returns the exit code."""
    console = Console(lab, follow)
    console.run()
    console.reader.close()
    return console.return_code or 0
