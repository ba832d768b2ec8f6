"""A list of any length: it draws only the lines in sight and asks for the pages it has not got.

Runs, samples and query results are all shown by it, since Textual's own DataTable freezes with many rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, TypeAlias

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.geometry import Region, Size
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from idemtui.console.actions import bindings
from idemtui.console.widgets import ledger_messages
from idemtui.console.widgets.columns import GAP, Cell, Column, Fit, fit, pad, place_of, spread

PAGE = 200
PAGES_KEPT = 20
SCREENS_AHEAD = 3
"""Screens up and down of the one in sight whose rows are asked for before they are wanted."""
CURSOR = "›"

Row = Sequence[Cell]


class Ledger(ScrollView, can_focus=True):
    """Columns over rows, one of which is under the cursor."""

    ALLOW_SELECT = False
    """A style of its own for every cell, which selecting with a mouse asks for, would double what a page costs."""
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "ledger--title",
        "ledger--cursor",
        "ledger--cursor-away",
        "ledger--dim",
        "ledger--good",
        "ledger--bad",
        "ledger--warn",
        "ledger--accent",
    }
    BINDINGS: ClassVar[list[BindingType]] = bindings("list")

    cursor: reactive[int] = reactive(0, repaint=False)

    PageWanted: TypeAlias = ledger_messages.PageWanted
    Moved: TypeAlias = ledger_messages.Moved
    Chosen: TypeAlias = ledger_messages.Chosen
    TitleClicked: TypeAlias = ledger_messages.TitleClicked

    def __init__(self, columns: Sequence[Column] = (), *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.columns = tuple(columns)
        self.count = 0
        self._pages: dict[int, tuple[Row, ...]] = {}
        self._asked: set[int] = set()
        self._stale: set[int] = set()
        self._line_of: Callable[[int], Row] | None = None
        self._made: dict[int, Row] = {}
        self._fits: list[Fit] = []
        self._fitted = 0
        self._style = Style.null()

    def show_columns(self, columns: Sequence[Column]) -> None:
        """Take other columns; the rows are gone."""
        self.columns = tuple(columns)
        self.show_count(0)

    def fit_columns(self, columns: Sequence[Column]) -> None:
        """Take other widths of the same columns; the rows stay."""
        if self.columns != (columns := tuple(columns)):
            self.columns = columns
            self._lay_out()
            self.refresh()

    def show_rows(self, rows: Sequence[Row]) -> None:
        """Take all rows at once; the cursor stays where it was, if that row still is."""
        self.show_lines(len(rows), rows.__getitem__)

    def show_lines(self, count: int, line: Callable[[int], Row]) -> None:
        """Take rows that are made when they come in sight; of those in sight only what changed is drawn again."""
        drawn, same = self._made, count == self.count and self._line_of is not None
        self._line_of, self._made = line, {}
        if not same:
            self._resize(count)
            return
        top = int(self.scroll_y)
        for index in range(top, min(top + self.size.height, count)):
            if drawn.get(index) != self.row(index):
                self._redraw(index)

    def show_count(self, count: int) -> None:
        """Take the number of rows; pages are asked for as they come in sight."""
        self._line_of = None
        for kept in (self._made, self._pages, self._asked, self._stale):
            kept.clear()
        self._resize(count)

    def grow(self, count: int) -> None:
        """Take a larger number of rows of the same list; only a last page that was not full is asked for again."""
        last = self.count // PAGE
        if self.count % PAGE and count > self.count:
            self._asked.discard(last)
            self._stale.add(last)
        self._resize(count)

    def renew(self, count: int) -> None:
        """Take a number of rows of what is shown already; what is in sight is asked for anew and shown until then."""
        self._stale = set(self._pages)
        self._resize(count)

    def show_page(self, offset: int, rows: Sequence[Row]) -> None:
        """Take one page that was asked for."""
        self._pages.pop(offset // PAGE, None)
        self._pages[offset // PAGE] = tuple(rows)
        self._asked.discard(offset // PAGE)
        self._stale.discard(offset // PAGE)
        while len(self._pages) > PAGES_KEPT:
            self._pages.pop(next(iter(self._pages)))
        if self._in_sight(offset, offset + len(rows)):
            self.refresh()
        self._look_ahead()

    def forget(self, offset: int) -> None:
        """A page that was asked for does not come; it is asked for again when it is in sight."""
        self._asked.discard(offset // PAGE)

    def row(self, index: int) -> Row | None:
        """A row, if its page is here."""
        if self._line_of is not None and index < self.count:
            if index not in self._made:
                self._made[index] = self._line_of(index)
            return self._made[index]
        page = self._pages.get(index // PAGE, ())
        return page[index % PAGE] if index % PAGE < len(page) else None

    def _resize(self, count: int) -> None:
        self.count = count
        self._lay_out()
        if count and self.cursor >= count:
            self.cursor = count - 1
        elif not count:
            self.set_reactive(Ledger.cursor, 0)
        self._look_ahead()
        self.refresh()

    def _lay_out(self) -> None:
        self._fit()
        width = sum(f.width + GAP for f in self._fits) + len(CURSOR)
        self.virtual_size = Size(width, self.count + 1)

    def _fit(self) -> None:
        self._fitted = self.scrollable_content_region.width
        self._fits = fit(self.columns, self._fitted - len(CURSOR) - GAP)

    def on_resize(self, _: events.Resize) -> None:
        """Fit the columns to the new width."""
        self._lay_out()
        self.scroll_to_cursor()
        self.refresh()

    def validate_cursor(self, row: int) -> int:
        """Keep the cursor on a row that is."""
        return max(0, min(row, self.count - 1))

    def watch_cursor(self, before: int, after: int) -> None:
        """Redraw two lines, follow the cursor, and say where it is."""
        self._redraw(before)
        self._redraw(after)
        self.scroll_to_cursor()
        self._look_ahead()
        self.post_message(self.Moved(self, after))

    def scroll_to_cursor(self) -> None:
        """Bring the cursor's row in sight below the titles."""
        top, rows = int(self.scroll_y), self.scrollable_content_region.height - 1
        if rows < 1:
            return
        wanted = max(min(top, self.cursor), self.cursor - rows + 1)
        if wanted != top:
            self.scroll_to(y=min(wanted, self.max_scroll_y), animate=False, force=True, immediate=True)

    def watch_show_vertical_scrollbar(self, shown: bool) -> None:
        """A bar that appears after the list was scrolled stands where the list is."""
        if shown:
            self.vertical_scrollbar.position = self.scroll_y

    def _in_sight(self, start: int, end: int) -> bool:
        top = int(self.scroll_y)
        return start < top + self.size.height and end > top

    def _look_ahead(self) -> None:
        """Ask for what is in sight, and for what the next pages up and down would show: they wait for nothing then."""
        if self._line_of is None:
            top, far = int(self.scroll_y), SCREENS_AHEAD * self.size.height
            for index in range(max(top - far, 0) // PAGE * PAGE, min(top + self.size.height + far, self.count), PAGE):
                if index // PAGE not in self._pages or index // PAGE in self._stale:
                    self._want(index)

    def _redraw(self, row: int) -> None:
        self.refresh(Region(0, row - int(self.scroll_y) + 1, self.size.width, 1))

    def watch_has_focus(self, has_focus: bool) -> None:
        """Show in the cursor's line whether keys come here."""
        super().watch_has_focus(has_focus)
        self._redraw(self.cursor)

    def render_lines(self, crop: Region) -> list[Strip]:
        """The lines in sight, for which the style is looked up once."""
        self._style = self.rich_style
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        """The titles, then the rows in sight."""
        x, width = int(self.scroll_x), self.size.width
        if self._fitted != self.scrollable_content_region.width:
            self._fit()
        if not self.columns:
            return Strip.blank(width, self._style)
        if y == 0:
            return self._titles().crop_extend(x, x + width, self.get_component_rich_style("ledger--title"))
        index = int(self.scroll_y) + y - 1
        style = self._line_style(index)
        return self._line(index, style).crop_extend(x, x + width, style)

    def _titles(self) -> Strip:
        style = self.get_component_rich_style("ledger--title")
        words = [pad(f.column.title, f.width, f.column.right) + " " * GAP for f in self._fits]
        return Strip([Segment(" " * (len(CURSOR) + GAP) + "".join(words), style)])

    def _line_style(self, index: int) -> Style:
        if index != self.cursor or index >= self.count:
            return self._style
        return self.get_component_rich_style("ledger--cursor" if self.has_focus else "ledger--cursor-away")

    def _line(self, index: int, style: Style) -> Strip:
        if index >= self.count:
            return Strip([])
        mark = CURSOR if index == self.cursor else " "
        row = self.row(index)
        if self._line_of is None and (row is None or index // PAGE in self._stale):
            self._want(index)
        if row is None:
            return Strip([Segment(f"{mark} …", style)])
        segments = [Segment(mark + " " * GAP, style)]
        for f, cell in spread(self._fits, row):
            tone = self.get_component_rich_style(f"ledger--{cell.tone}", partial=True) if cell.tone else Style.null()
            at_cursor = index == self.cursor and self.has_focus
            text = pad(cell.text, f.width, f.column.right, f.column.name) + " " * GAP
            segments.append(Segment(text, (style if at_cursor else style + tone) + place_of(f.index)))
        return Strip(segments)

    def _want(self, index: int) -> None:
        page = index // PAGE
        if page not in self._asked:
            self._asked.add(page)
            # Lines are drawn on the screen's behalf; a message sent by the parent would not reach the parent.
            self.post_message(self.PageWanted(self, page * PAGE).set_sender(self))

    def on_click(self, event: events.Click) -> None:
        """Move to the clicked row; a click on the row under the cursor chooses it."""
        row = event.y + int(self.scroll_y) - 1
        if event.y == 0:
            self._click_title(event.x + int(self.scroll_x))
        if event.y < 1 or row >= self.count:
            return
        if row == self.cursor and event.chain > 1:
            self.post_message(self.Chosen(self, row))
        self.cursor = row

    def _click_title(self, x: int) -> None:
        left = len(CURSOR) + GAP
        for f in self._fits:
            if left <= x < left + f.width:
                self.post_message(self.TitleClicked(f.column))
            left += f.width + GAP

    def action_move(self, step: int) -> None:
        """Go up or down."""
        self.cursor += step

    def action_page(self, direction: int) -> None:
        """Go up or down by what is in sight."""
        self.cursor += direction * max(self.size.height - 2, 1)

    def action_first(self) -> None:
        """Go to the first row."""
        self.cursor = 0

    def action_last(self) -> None:
        """Go to the last row."""
        self.cursor = self.count - 1
