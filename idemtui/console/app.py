"""The console: opens the lab, keeps what all rooms share, and lets each room do the rest."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any, ClassVar, TypeVar

from textual import events, on, work
from textual.app import App
from textual.binding import BindingType
from textual.command import Provider
from textual.screen import Screen

from engine.errors import IdemtuiError
from idemtui.console import acting, messages
from idemtui.console.actions import bindings
from idemtui.console.answers import ABOUT_RUNS, possible
from idemtui.console.asking import in_thread
from idemtui.console.dialogs import ask_cancel, ask_fork, ask_interrupted
from idemtui.console.endings import ended, ending_words, signal
from idemtui.console.facts import Glance, Run
from idemtui.console.feed import Feed, Pace
from idemtui.console.key_order import KeyOrder
from idemtui.console.lab_facts import Server
from idemtui.console.palette import ConsoleCommands
from idemtui.console.reader import Connect, Reader, connect_through_server
from idemtui.console.remembered import Remembered
from idemtui.console.screens.modes import MODES
from idemtui.console.screens.room import Room
from idemtui.console.settings import Settings
from store.lab import Lab

Answer = TypeVar("Answer")


class Console(App[None]):
    """Rooms over one lab."""

    TITLE = "idemtui"
    CSS_PATH = "console.tcss"
    BINDINGS: ClassVar[list[BindingType]] = bindings("everywhere")
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {ConsoleCommands}
    MODES: ClassVar[dict[str, str | Callable[[], Screen[Any]]]] = {**MODES}
    DEFAULT_MODE = "runs"

    def __init__(
        self,
        lab: Lab,
        follow: str | None = None,
        *,
        connect: Connect = connect_through_server,
        pace: Pace | None = None,
        settings: Settings | None = None,
        remembered: Remembered | None = None,
        notice: str = "",
    ) -> None:
        """`notice` is a line to be shown when the console is open."""
        super().__init__()
        if "TEXTUAL_ANIMATIONS" not in os.environ:
            self.animation_level = "none"
        self.key_order = KeyOrder(self)
        self.lab = lab
        self.reader = Reader(lab, connect, lambda line: self.post_message(messages.Noticed(line)))
        self.glance = Glance(())
        self.server: Server | None = None
        self.read_once = False
        self.trouble = ""
        self._follow = follow
        self.settings = settings or Settings()
        self.remembered = remembered or Remembered()
        self.reader.judging.judge = self.remembered.judge
        self.marked: set[str] = set()
        """Ids of the runs that are acted on, or compared, together."""
        self._chosen: str | None = None if follow else self.remembered.run_id
        self.wanted_prompt: str | None = None
        """A prompt that the Ladder is to show when it is entered next."""
        self._offers: str | None = "unread"
        self._met_server = False
        self._pace = pace or Pace()
        self._notice = notice

    async def on_event(self, event: events.Event) -> None:
        """Keys act one after the other."""
        if not self.key_order.keeps(event):
            await super().on_event(event)

    def on_mount(self) -> None:
        """Paint first, then begin to ask."""
        self.set_keymap(self.settings.keys)
        theme = self.remembered.theme or self.settings.theme
        if theme in self.available_themes:
            self.theme = theme
        if self._follow is None:
            self.action_room(self.remembered.room)
        if self._notice:
            self.notify(self._notice, severity="warning", markup=False, timeout=20)
        self.call_after_refresh(self._start_feed)

    @work(group="feed")
    async def _start_feed(self) -> None:
        await Feed(self.reader, self.post_message, self._pace).run()

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
        self._chosen = self.remembered.run_id = run_id
        self.refresh_offers()

    @on(messages.GlanceRead)
    def take_glance(self, message: messages.GlanceRead) -> None:
        """Hand a new state to the room in sight; the others catch up when they are entered."""
        if message.glance.judge != self.reader.judging.judge:
            acting.read_again(self)
            return
        if message.glance.owed:
            acting.read_again(self)
        over = ended(self.glance, message.glance)
        self.glance = message.glance
        if not self.read_once:
            self.call_after_refresh(gc.freeze)
        self.read_once = True
        if over:
            self._tell_end(over)
        self.refresh_offers()
        self._show_lab()

    def watch_theme(self, theme: str) -> None:
        """Colours that somebody chose are there again next time."""
        if self.is_running and theme != self.settings.theme:
            self.remembered.theme = theme

    def _tell_end(self, runs: list[Run]) -> None:
        failed = any(run.status == "failed" for run in runs)
        self.notify(ending_words(runs), severity="error" if failed else "information", markup=False)
        if self._driver is not None and not self.is_headless:
            for kind in self.settings.when_a_run_ends:
                self._driver.write(signal(kind, runs, os.environ))

    @on(messages.ServerRead)
    def take_server(self, message: messages.ServerRead) -> None:
        """Show how the server is doing; what was interrupted before the console opened is asked about, once."""
        self.server = message.server
        self._show_server()
        first, self._met_server = not self._met_server, True
        if first and message.server.interrupted:
            self.action_interrupted()

    @on(messages.Noticed)
    def show_notice(self, message: messages.Noticed) -> None:
        """Say what connecting met."""
        self.notify(message.line, severity="warning", markup=False)

    @on(messages.LabLost)
    def show_trouble(self, message: messages.LabLost) -> None:
        """Say so, and that it costs nothing."""
        self.trouble = f"{message.reason} Runs go on; asking again."
        if message.gone:
            self.server = None
        self._show_server()

    @on(messages.LabFound)
    def end_trouble(self) -> None:
        """The lab answers."""
        self.trouble = ""
        self._show_server()

    def _rooms(self) -> Iterator[Room]:
        """The room in sight, with its frame shown anew."""
        for screen in self.screen_stack:
            if isinstance(screen, Room) and screen.is_mounted:
                screen.show_pulse()
                yield screen

    def _show_server(self) -> None:
        for room in self._rooms():
            room.server_changed()

    def _show_lab(self) -> None:
        for room in self._rooms():
            room.lab_changed()

    def action_room(self, name: str) -> None:
        """Go to a room."""
        if self.current_mode != name:
            self.remembered.room = name
            self.switch_mode(name)

    def action_other_run(self, step: int) -> None:
        """Look at the run before or after."""
        runs, chosen = self.glance.runs, self.chosen
        if chosen is not None:
            self.choose(runs[(runs.index(chosen) + step) % len(runs)].run_id)
            self._show_lab()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Dim what the chosen run cannot do just now."""
        if action == "interrupted":
            return True if self.server and self.server.interrupted else None
        return True if action not in ABOUT_RUNS or self.targets(action) else None

    def refresh_offers(self) -> None:
        """Redraw the footer only where something else is possible now."""
        offers = " ".join(action for action in ABOUT_RUNS if self.targets(action))
        if offers != self._offers:
            self._offers = offers
            self.refresh_bindings()

    def action_keys(self) -> None:
        """Show all keys."""
        from idemtui.console.screens.help import HelpScreen

        self.push_screen(HelpScreen(self.screen.ROOM if isinstance(self.screen, Room) else "everywhere"))

    def targets(self, action: str) -> list[Run]:
        """The runs that an action is about: those that the room in sight points at and that can do it now."""
        chosen = [] if self.chosen is None else [self.chosen]
        runs = self.screen.targets if isinstance(self.screen, Room) else chosen
        return [run for run in runs if possible(action, run)]

    def action_cancel_run(self) -> None:
        """Ask, then cancel."""
        ask_cancel(self, self.targets("cancel_run"))

    def action_pause_or_resume(self) -> None:
        """Pause, or continue."""
        acting.pause_or_resume(self, self.targets("pause_or_resume"))

    def action_retry_run(self) -> None:
        """Try failed runs again."""
        acting.again(self, "retry", self.targets("retry_run"))

    def action_priority(self, step: int) -> None:
        """Move runs in the queue."""
        acting.move(self, self.targets("priority"), step)

    def action_fork_run(self) -> None:
        """Ask from where and with what, and start the new run."""
        if isinstance(self.screen, Room) and self.targets("fork_run"):
            ask_fork(self, self.screen.targets, self.screen.selected_cycle)

    def action_judge(self) -> None:
        """Show every run by the next judge's scores."""
        acting.take_next_judge(self)

    def action_save(self) -> None:
        """Ask for a file's name and write what stands in the room."""
        acting.save(self)

    def tell(self, words: str | None) -> None:
        """Say what a page that closed has done, if anything."""
        if words:
            self.notify(words, markup=False)

    def action_copy(self) -> None:
        """Hand what stands in the room to the terminal's clipboard."""
        acting.copy(self)

    def action_interrupted(self) -> None:
        """Show what was interrupted and let the chosen ones go on."""
        if self.server is not None:
            ask_interrupted(self, self.server.interrupted)

    @work(group="command")
    async def ask_server(self, ask: Callable[[], Answer], words: Callable[[Answer], str]) -> None:
        """Ask in a thread and say what was answered."""
        try:
            answer = await in_thread(ask)
        except IdemtuiError as error:
            self.notify(str(error), severity="error", markup=False)
        else:
            self.notify(words(answer), markup=False)
