"""What a list says to the screen that it is in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from idemtui.console.widgets.columns import Column
    from idemtui.console.widgets.ledger import Ledger


class OfLedger(Message):
    """Said by one list."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__()
        self.ledger = ledger

    @property
    def control(self) -> Ledger:
        """The list that says so."""
        return self.ledger


class PageWanted(OfLedger):
    """Rows from `offset` on are in sight, or soon may be, and unknown."""

    def __init__(self, ledger: Ledger, offset: int) -> None:
        super().__init__(ledger)
        self.offset = offset


class Moved(OfLedger):
    """The cursor came to a row."""

    def __init__(self, ledger: Ledger, row: int) -> None:
        super().__init__(ledger)
        self.row = row

    def can_replace(self, message: Message) -> bool:
        """Only the newest place of a cursor matters."""
        return isinstance(message, Moved) and message.ledger is self.ledger


class Chosen(OfLedger):
    """A row was clicked twice; screens treat it as Enter."""

    def __init__(self, ledger: Ledger, row: int) -> None:
        super().__init__(ledger)
        self.row = row


class TitleClicked(Message):
    """A column's title was clicked."""

    def __init__(self, column: Column) -> None:
        super().__init__()
        self.column = column
