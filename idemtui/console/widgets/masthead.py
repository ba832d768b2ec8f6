"""The first line of every screen: which lab, which room, and whether what is shown is live."""

from __future__ import annotations

from rich.text import Text
from textual.app import RenderResult
from textual.reactive import reactive
from textual.widget import Widget

from idemtui.console.action import ROOMS, Room


class Masthead(Widget):
    """`idemtui lab` where there is room, the rooms with their keys, and the lab's pulse."""

    pulse: reactive[str] = reactive("")
    short_pulse: reactive[str] = reactive("")
    """The same where there is no room for it."""

    def __init__(self, lab_name: str, room: Room) -> None:
        super().__init__()
        self._lab_name = lab_name
        self._room = room

    def render(self) -> RenderResult:
        """One line; the room one is in stands in brackets, so that no colour is needed."""
        line = Text(no_wrap=True, end="")
        if self.size.width >= 100:
            line.append(" idemtui ", "bold").append(f"{self._lab_name}  ", "dim")
        for room, title in ROOMS.items():
            if room == "everywhere":
                continue
            here = room == self._room
            word = f"[{title}]" if here else f" {title} "
            line.append(word, "bold reverse" if here else "")
            line.apply_meta({"@click": f"app.room('{room}')"}, len(line) - len(word), len(line))
        left = self.size.width - line.cell_len - 2
        pulse = next((words for words in (self.pulse, self.short_pulse) if len(words) <= left), "")
        line.append(" " * (left + 1 - len(pulse)) + pulse, "dim")
        return line


class Lens(Widget):
    """A line that is there while somebody looks at the lab by another judge than each run's own."""

    words: reactive[str] = reactive("", layout=True)

    def watch_words(self, words: str) -> None:
        """Take no space otherwise."""
        self.set_class(bool(words), "-shown")

    def render(self) -> RenderResult:
        """Whose scores these are, with the key that changes it."""
        text = Text(no_wrap=True, overflow="ellipsis", end="")
        return text.append(" J ", "dim").append(f"scores {self.words}", "bold")


class Banner(Widget):
    """A line, two at most, that appears when something is wrong with the lab and goes when it is right again."""

    reason: reactive[str] = reactive("", layout=True)

    def watch_reason(self, reason: str) -> None:
        """Take no space while all is well."""
        self.set_class(bool(reason), "-shown")

    def render(self) -> RenderResult:
        """The reason, in words."""
        return Text(f" ! {self.reason}", overflow="ellipsis", end="")
