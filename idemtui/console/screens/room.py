"""What every screen shares: its frame, the chosen run, and a way to ask the lab without blocking a key."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from textual import on
from textual._context import active_app
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.message import Message
from textual.screen import Screen
from textual.widget import Widget
from textual.worker import Worker

from engine.errors import IdemtuiError
from idemtui.console import messages
from idemtui.console.action import Room as RoomName
from idemtui.console.actions import bindings
from idemtui.console.asking import in_thread
from idemtui.console.facts import Glance, Run, method_of
from idemtui.console.lab_facts import Server
from idemtui.console.reader import Reader
from idemtui.console.saved_charts import save_charts
from idemtui.console.widgets.chart import ChartPane
from idemtui.console.widgets.footer import KeyFooter
from idemtui.console.widgets.masthead import Banner, Lens, Masthead
from idemtui.console.words import SIGNS
from idemtui.drawn import drawn_mark
from idemtui.text import one_line

if TYPE_CHECKING:
    from idemtui.console.app import Console
    from idemtui.console.screens.naming import NamingScreen


JUDGED: tuple[RoomName, ...] = ("runs", "run", "samples", "ladder", "compare")
"""Rooms that show scores by the judge that is chosen."""
WIDTHS = [(0, "-narrow"), (120, "-wide")]
HEIGHTS = [(0, "-short"), (40, "-tall")]


class Room(Screen[None]):
    """A screen of the console; subclasses say what is in it and what to do when the lab or the run changes."""

    ROOM: ClassVar[RoomName]
    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = []
    HORIZONTAL_BREAKPOINTS: list[tuple[int, str]] | None = WIDTHS
    VERTICAL_BREAKPOINTS: list[tuple[int, str]] | None = HEIGHTS

    def __init_subclass__(cls) -> None:
        cls.BINDINGS = bindings(cls.ROOM)
        super().__init_subclass__()

    def __init__(self) -> None:
        super().__init__()
        # Widgets are styled as they are mounted; for a screen that it takes for outdated Textual would parse all
        # styles anew, twice, which is a third of what opening a room takes.
        self._css_update_count = active_app.get()._css_update_count

    @property
    def console_app(self) -> Console:
        """The app, by its own type."""
        return cast("Console", self.app)

    @property
    def glance(self) -> Glance:
        """The lab as last read."""
        return self.console_app.glance

    @property
    def server(self) -> Server | None:
        """The lab's server as last read; None before that, and while it is lost."""
        return self.console_app.server

    @property
    def chosen(self) -> Run | None:
        """The run that all rooms look at."""
        return self.console_app.chosen

    @property
    def targets(self) -> Sequence[Run]:
        """The runs that keys act on: the chosen one, in rooms that do not mark several."""
        return () if self.chosen is None else (self.chosen,)

    @property
    def selected_cycle(self) -> int | None:
        """The chosen run's generation under a cursor, in rooms that list them."""
        return None

    def contents(self) -> Iterable[Widget]:
        """What stands between masthead and footer."""
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        """The frame around the contents."""
        yield Masthead(self.console_app.lab.root.name, self.ROOM)
        yield Banner()
        yield Lens()
        yield from self.contents()
        yield KeyFooter()

    def on_mount(self) -> None:
        """What the room is made of stays; to look through it for garbage would cost a key 100 ms now and then."""
        self.call_after_refresh(gc.freeze)

    def on_screen_resume(self) -> None:
        """Catch up with what happened while another room was open."""
        self.show_pulse()
        self.lab_changed()

    async def opened(self) -> None:
        """Keys that were typed before this room was there wait for this too."""

    def lab_changed(self) -> None:
        """The lab was read anew, or this room was entered."""

    def server_changed(self) -> None:
        """The server says something else of itself, its devices or its queue."""

    def show_pulse(self) -> None:
        """Show how the lab is doing in the frame."""
        app = self.console_app
        self.query_one(Banner).reason = app.trouble or version_words(app.server)
        self.query_one(Lens).words = self.lens()
        counted = pulse(app.glance.runs) if app.read_once else []
        masthead = self.query_one(Masthead)
        masthead.pulse = ", ".join(f"{count} {status}" for status, count in counted)
        masthead.short_pulse = " ".join(f"{count}{SIGNS[status]}" for status, count in counted)

    def lens(self) -> str:
        """By whose scores this room shows the lab, where a judge is chosen; empty in rooms without scores of runs."""
        glance = self.glance
        if glance.judge is None or self.ROOM not in JUDGED:
            return ""
        owed = f"; verdicts of {glance.owed} runs to come" if glance.owed else ""
        return f"by {one_line(glance.judge)}{drawn_mark(method_of(glance.runs))}, not by each run's own judge{owed}"

    def ask(self, group: str, question: Callable[[Reader], Message]) -> None:
        """Put a question to the lab; its message comes here, unless a newer question of the group came first."""
        reader = self.console_app.reader

        async def asking() -> None:
            try:
                answer = await in_thread(lambda: question(reader))
            except IdemtuiError as error:
                answer = messages.Refused(group, str(error))
            self.post_message(answer)

        _: Worker[None] = self.run_worker(asking, group=group, exclusive=True)

    def saving(self) -> NamingScreen | None:
        """How what stands here becomes a file; None where there is nothing. Charts, unless a room has more to save."""
        charts = [pane.chart for pane in self.query(ChartPane) if pane.chart is not None and pane.region.area]
        if not charts:
            return None
        from idemtui.console.screens.naming import NamingScreen

        question = "Save the chart as (.svg or .txt)" if len(charts) == 1 else "Save the charts as (.svg or .txt)"
        return NamingScreen(question, f"{self.ROOM}.svg", lambda path: save_charts(charts, Path(path).expanduser()))

    def copying(self) -> tuple[str, str] | None:
        """What is copied here, and a word for it."""
        return ("the run's id", self.chosen.run_id) if self.chosen else None

    @on(messages.Refused)
    def show_refusal(self, message: messages.Refused) -> None:
        """Say what could not be done; rooms that can say it in place override this."""
        self.notify(message.reason, severity="error", markup=False)


def pulse(runs: Sequence[Run]) -> list[tuple[str, int]]:
    """How many run and how many wait; how many are paused, where some are."""
    counted = Counter(run.status for run in runs)
    return [
        (status, counted[status]) for status in ("running", "queued", "paused") if status != "paused" or counted[status]
    ]


def version_words(server: Server | None) -> str:
    """That the server is of another version than this program; empty where it is not."""
    if server is None or not server.other_version:
        return ""
    return f"The server is idemtui {server.version}, this is {server.other_version}: `idemtui stop` ends it."
