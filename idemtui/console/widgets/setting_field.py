"""The line in which one setting is typed: what stands in it belongs to who types, until it is taken or left."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Static

from idemtui.console.actions import bindings


class SettingField(Horizontal):
    """A setting's name and an input; no answer that comes late changes either while somebody types."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("field")

    class Taken(Message):
        """Something was typed for a setting; `step` leads to the setting before or after, 0 to none, None nowhere."""

        def __init__(self, key: str, typed: str, step: int | None) -> None:
            super().__init__()
            self.key, self.typed, self.step = key, typed, step

    def __init__(self) -> None:
        super().__init__(id="editing")
        self._key = ""
        self._typing = False

    def compose(self) -> ComposeResult:
        """Name and input."""
        line = Input(id="field", compact=True)
        line.cursor_blink = False
        yield Static(id="field-name")
        yield line

    @property
    def _line(self) -> Input:
        return self.query_one("#field", Input)

    def show(self, key: str, typed: str) -> None:
        """Show a setting; nothing where one is being typed."""
        if not self._typing:
            self._key = key
            self.query_one("#field-name", Static).update(Text(f" {key} = ", "bold"))
            self._line.value = typed

    def edit(self, key: str, typed: str) -> None:
        """Take the keys for a setting."""
        self._typing = False
        self.show(key, typed)
        self._typing = True
        self.screen.set_focus(self._line)
        self._line.action_select_all()

    def finish(self) -> tuple[str, str] | None:
        """The setting that is being typed and what was, which is nobody's from now on; None where none is."""
        if not self._typing:
            return None
        self._typing = False
        return self._key, self._line.value

    def _take(self, step: int | None) -> None:
        if taken := self.finish():
            self.post_message(self.Taken(*taken, step))

    @on(Input.Submitted)
    def submit(self, message: Input.Submitted) -> None:
        """Enter takes it."""
        message.stop()
        self._take(0)

    def action_take(self, step: int) -> None:
        """Take it and go on with a setting beside it."""
        self._take(step)

    def on_descendant_focus(self, _: events.DescendantFocus) -> None:
        """A click begins it too."""
        self._typing = True

    @on(Input.Blurred)
    def take_left(self) -> None:
        """Who goes elsewhere keeps what was typed; a terminal that loses the focus is no such going."""
        if self.app.app_focus and not self._line.has_focus:
            self._take(None)
