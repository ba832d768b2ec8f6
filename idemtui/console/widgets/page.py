"""One long text that is laid out by its own lines: another text costs no layout of the screen around it."""

from __future__ import annotations

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual import events
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip


class Page(ScrollView, can_focus=False):
    """A text, wrapped to the width; it scrolls, and a mouse may select in it."""

    DEFAULT_CSS = "Page { overflow-x: hidden; overflow-y: scroll; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.content = Text()
        self._lines: list[Text] = []
        self._style = Style.null()

    def show(self, text: Text, *, from_start: bool) -> None:
        """Take another text."""
        self.content = text
        if from_start:
            self.scroll_to(y=0, animate=False, force=True, immediate=True)
        self._wrap()

    def on_resize(self, _: events.Resize) -> None:
        """Wrap to the new width."""
        self._wrap()

    def _wrap(self) -> None:
        width = max(self.scrollable_content_region.width, 1)
        self._lines = list(self.content.wrap(self.app.console, width))
        size = Size(width, len(self._lines))
        # The scroll bar is always there, so the screen need not be laid out anew; setting the reactive would do that.
        self.set_reactive(Page.virtual_size, size)
        self._scroll_update(size)
        self.refresh()

    def render_lines(self, crop: Region) -> list[Strip]:
        """The lines in sight, for which the style is looked up once."""
        self._style = self.rich_style
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        """One line in sight."""
        width, at = self.size.width, int(self.scroll_y) + y
        if at >= len(self._lines):
            return Strip.blank(width, self._style)
        line = self._lines[at]
        if (selection := self.text_selection) is not None and (span := selection.get_span(at)) is not None:
            start, end = span
            line = line.copy()
            selected = self.screen.get_component_rich_style("screen--selection")
            line.stylize(selected, start, len(line) if end == -1 else end)
        segments = [segment for segment in line.render(self.app.console) if segment.text]
        strip = Strip(Segment.apply_style(segments, self._style))
        return strip.adjust_cell_length(width, self._style).apply_offsets(0, at)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """What a mouse has selected."""
        return selection.extract("\n".join(line.plain for line in self._lines)), "\n"

    def selection_updated(self, selection: Selection | None) -> None:  # noqa: ARG002
        """Show what is selected."""
        self.refresh()
