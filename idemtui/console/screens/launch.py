"""Launch: a form that becomes a study file, its grid and its costs, before anything is queued.

The text of the file is the truth. The form edits a line of it, the TOML panel all of it, and both are resolved anew
after every change, in a thread; an answer about a text that is no longer there is dropped.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from textual import on
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Static, TextArea

from engine.errors import SpecError
from idemtui.console.dialogs import ask_queue
from idemtui.console.draft import Draft
from idemtui.console.launch_words import (
    FORM,
    PANELS,
    RUNS,
    cost_text,
    grid_rows,
    headline,
    meaning_text,
    setting_cells,
    stages_text,
)
from idemtui.console.launching import (
    StudyBegun,
    StudyFormed,
    StudyResolved,
    begin_from,
    forget_models,
    form,
    resolve,
    save_study,
)
from idemtui.console.screens.naming import NamingScreen
from idemtui.console.screens.room import Room
from idemtui.console.widgets.ledger import Ledger
from idemtui.console.widgets.setting_field import SettingField
from idemtui.console.widgets.still import Still
from idemtui.launch.study_text import BLANK, Edited

if TYPE_CHECKING:
    from idemtui.launch.resolution import Line

PAUSE_SECONDS = 0.4
"""After a key in the TOML before it is resolved."""


class LaunchScreen(Room):
    """Settings on the left, what comes of them on the right; one after the other where it is narrow."""

    ROOM = "launch"

    def __init__(self) -> None:
        super().__init__()
        self._draft = Draft()
        self._formed = asyncio.Event()
        self._queueing = False
        self._panel = 0
        self._typing: Timer | None = None

    def contents(self) -> Iterable[Widget]:
        """State, settings with the meaning of the one under the cursor, panels, costs."""
        toml = TextArea.code_editor("", language="toml", id="toml", show_line_numbers=False)
        toml.tab_behavior = "focus"
        toml.cursor_blink = False
        yield Still(id="headline")
        with Horizontal(id="study"):
            with Vertical(id="form"):
                yield Ledger(FORM, id="settings")
                yield Still(id="meaning")
                yield SettingField()
            with Vertical(id="panels"):
                yield Ledger(RUNS, id="grid")
                with VerticalScroll(id="stages-scroll", can_focus=True):
                    yield Still(id="stages")
                yield toml
        yield Still(id="costs")

    def on_mount(self) -> None:
        """Go on with what somebody left."""
        draft = self.console_app.remembered.draft or BLANK
        self.ask("form", partial(form, draft))
        self._take(draft)
        self.query_one("#settings").focus()
        self._show_panel()

    def on_screen_resume(self) -> None:
        """What the queue does meanwhile changes the costs."""
        super().on_screen_resume()
        if self._draft.text:
            self._resolve()

    def _take(self, text: str) -> None:
        self.console_app.remembered.draft = text
        self._draft.take(text)
        self._queueing = False
        self._show_form()
        editor = self.query_one("#toml", TextArea)
        if editor.text != text:
            with self.prevent(TextArea.Changed):
                editor.text = text
        self._resolve()

    def _resolve(self) -> None:
        self.ask("resolve", partial(resolve, self.console_app.lab, self._draft.text))

    async def opened(self) -> None:
        """There are settings to act on."""
        await self._formed.wait()

    @on(StudyFormed)
    def show_form(self, message: StudyFormed) -> None:
        """Show what the draft states."""
        if self._draft.found is None:
            self._draft.found = message.form
            self._show_form()
        self._formed.set()

    @on(StudyResolved)
    def show_study(self, message: StudyResolved) -> None:
        """Show every setting, what the runs are, and what they cost; of a wrong study what is wrong, at its place."""
        if not self._draft.learn(message):
            return
        found = message.resolution
        self._show_form()
        self.query_one("#grid", Ledger).show_rows(grid_rows(found.specs))
        self.query_one("#headline", Static).update(headline(found, message.costs))
        self.query_one("#costs", Static).update(cost_text(message.costs))
        self.query_one("#stages", Static).update(stages_text(message.costs))
        if self._queueing:
            self.action_queue()

    def _show_form(self) -> None:
        if self._draft.found is not None:
            lines = self._draft.found.lines
            self.query_one("#settings", Ledger).show_rows([setting_cells(line) for line in lines])
            self._show_meaning()

    @on(Ledger.Moved, "#settings")
    def _show_meaning(self) -> None:
        line = self._line
        if line is not None:
            self.query_one("#meaning", Static).update(meaning_text(line))
            self._field.show(line.meaning.key, self._draft.says(line.meaning.key))

    @property
    def _field(self) -> SettingField:
        return self.query_one(SettingField)

    @property
    def _line(self) -> Line | None:
        return self._draft.line(self.query_one("#settings", Ledger).cursor)

    @on(Ledger.Chosen, "#settings")
    def action_edit(self) -> None:
        """Go to the setting's field."""
        self._panel = 0
        self._show_panel()
        self._show_meaning()
        if self._line is not None:
            key = self._line.meaning.key
            self._field.edit(key, self._draft.says(key))

    @on(SettingField.Taken)
    def take_field(self, message: SettingField.Taken) -> None:
        """Put what was typed into the study, and go on where that leads."""
        kept = self._put(message.key, message.typed)
        if message.step is None:
            return
        if not kept:
            self._field.edit(message.key, message.typed)
        elif message.step:
            self.query_one("#settings", Ledger).cursor += message.step
            self.action_edit()
        else:
            self.set_focus(self.query_one("#settings"))

    def action_unset(self) -> None:
        """Take the setting out of the study."""
        if self._line is not None:
            self._change(partial(self._draft.without, self._line.meaning.key))

    def _put(self, key: str, words: str) -> bool:
        """Whether the study now says what was typed for a setting."""
        return self._change(partial(self._draft.with_typed, key, words))

    def _change(self, change: Callable[[], Edited | None]) -> bool:
        try:
            edited = change()
        except SpecError as error:
            self.notify(f"{error} Mend it in the TOML first (t).", severity="error", markup=False)
            return False
        if edited is None:
            return True
        if edited.comments_lost:
            self.notify("The file was written anew; its comments are lost.", severity="warning", markup=False)
        self._take(edited.text)
        return True

    def _put_typed(self) -> None:
        """What stands in the field belongs to the study that is saved, copied or queued."""
        if (being := self._field.finish()) is not None:
            self._put(*being)
            self.set_focus(self.query_one("#settings"))

    @on(TextArea.Changed, "#toml")
    def take_toml(self, message: TextArea.Changed) -> None:
        """Resolve what is typed as soon as typing rests."""
        self._draft.text = self.console_app.remembered.draft = message.text_area.text
        self._queueing = False
        if self._typing is not None:
            self._typing.stop()
        self._typing = self.set_timer(PAUSE_SECONDS, self._resolve)

    def action_leave_field(self) -> None:
        """Back to the settings; what stands in the field is forgotten."""
        self._field.finish()
        self.query_one("#settings").focus()
        self._panel = 0
        self._show_panel()
        self._show_meaning()

    def action_panel(self, step: int) -> None:
        """Show another panel."""
        self._panel = (self._panel + step) % len(PANELS)
        self._show_panel()
        self.query_one(PANELS[self._panel]).focus()

    def action_toml(self) -> None:
        """Edit the file."""
        self._panel = len(PANELS) - 1
        self._show_panel()
        self.query_one("#toml").focus()

    def _show_panel(self) -> None:
        shown = PANELS[self._panel]
        self.set_class(shown == "#settings", "-form")
        beside = PANELS[1] if shown == "#settings" else shown
        for panel in PANELS[1:]:
            self.query_one(panel).set_class(panel == beside, "-shown")

    def action_from_run(self) -> None:
        """Start from the chosen run."""
        run = self.chosen
        if run is not None:
            self.ask("begin", partial(begin_from, run.run_id))

    @on(StudyBegun)
    def begin(self, message: StudyBegun) -> None:
        """Go on with the text of a run."""
        self._take(message.text)

    def action_look_again(self) -> None:
        """Ask everybody anew, the hub too."""
        forget_models()
        self._resolve()

    def action_blank(self) -> None:
        """Start anew."""
        self._take(BLANK)

    def saving(self) -> NamingScreen | None:
        """The study as its file."""
        self._put_typed()
        text = self._draft.text
        return NamingScreen("Save the study as (.toml)", "study.toml", lambda path: save_study(text, Path(path)))

    def copying(self) -> tuple[str, str] | None:
        """The study file's text."""
        self._put_typed()
        return "the study", self._draft.text

    def action_queue(self) -> None:
        """Ask with the costs in sight, then queue; a study that is still being resolved is waited for."""
        self._put_typed()
        self._queueing = not self._draft.read
        if self._queueing:
            return
        found, costs = self._draft.found, self._draft.costs
        if found is None or costs is None:
            self.notify(found.error if found else "The study is not read yet.", severity="error", markup=False)
            return
        ask_queue(self.console_app, found.specs, costs)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Nothing to start from where the lab is empty."""
        if action == "from_run":
            return True if self.chosen else None
        return super().check_action(action, parameters)
