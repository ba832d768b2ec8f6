"""The first line of every screen: which lab, which room, and whether what is shown is live."""

from __future__ import annotations

from rich.text import Text
from textual.app import RenderResult
from textual.reactive import reactive
from textual.widget import Widget

from idemtui.console.actions import ROOMS, Room


class Masthead(Widget):
    """`idemtui · lab`, the rooms with their keys, and the lab's pulse."""

    pulse: reactive[str] = reactive("")

    def __init__(self, lab_name: str, room: Room) -> None:
        super().__init__()
        self._lab_name = lab_name
        self._room = room

    def render(self) -> RenderResult:
        """One line; the room one is in stands in brackets, so that no colour is needed."""
        line = Text(no_wrap=True, end="")
        line.append(" idemtui ", "bold")
        if self.size.width >= 100:
            line.append(f"{self._lab_name}  ", "dim")
        for room, title in ROOMS.items():
            if room == "everywhere":
                continue
            here = room == self._room
            word = f"[{title}]" if here else f" {title} "
            line.append(word, "bold reverse" if here else "")
            line.apply_meta({"@click": f"app.room('{room}')"}, len(line) - len(word), len(line))
        gap = self.size.width - line.cell_len - len(self.pulse) - 1
        if gap > 0:
            line.append(" " * gap + self.pulse, "dim")
        return line


class Banner(Widget):
    """One line that appears when something is wrong with the lab and goes when it is right again."""

    reason: reactive[str] = reactive("")

    def watch_reason(self, reason: str) -> None:
        """Take no space while all is well."""
        self.set_class(bool(reason), "-shown")

    def render(self) -> RenderResult:
        """The reason, in words."""
        return Text(f" ! {self.reason}", no_wrap=True, overflow="ellipsis", end="")
