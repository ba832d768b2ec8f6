"""An editor of SQL that offers words: Tab takes the first, Tab again the next."""

from __future__ import annotations

from textual import events, on
from textual.message import Message
from textual.theme import Theme
from textual.widgets import TextArea

from idemtui.sql.completion import NOTHING, Offer, Vocabulary, offer


class SqlEditor(TextArea):
    """Highlighted SQL; single keys are text, Tab completes where there is something to complete."""

    class Offered(Message):
        """Other words than before can stand at the cursor."""

        def __init__(self, found: Offer) -> None:
            super().__init__()
            self.offer = found

    def __init__(self, text: str, *, id: str) -> None:
        super().__init__(text, language="sql", id=id, theme="css", show_line_numbers=False, tab_behavior="focus")
        self.cursor_blink = False
        self.vocabulary = Vocabulary()
        self._offer = NOTHING
        self._turn: tuple[Offer, int] | None = None

    def on_mount(self) -> None:
        """Words are as dark as the colours that somebody chose are light."""
        self._take_colours(self.app.current_theme)
        self.app.theme_changed_signal.subscribe(self, self._take_colours)

    def _take_colours(self, theme: Theme) -> None:
        self.theme = "css" if theme.dark else "github_light"

    @on(TextArea.SelectionChanged)
    def look(self) -> None:
        """See what may stand at the cursor."""
        if self._turn is not None:
            return
        row, column = self.cursor_location
        lines = self.text.split("\n")[: row + 1]
        before = "\n".join([*lines[:-1], lines[-1][:column]]) if lines else ""
        found = offer(before, self.text, self.vocabulary)
        if found != self._offer:
            self._offer = found
            self.post_message(self.Offered(found))

    def on_key(self, event: events.Key) -> None:
        """Tab goes through the words on offer; any other key ends that."""
        if event.key == "tab" and (self._turn or self._offer.words):
            event.prevent_default()
            event.stop()
            self._complete()
        else:
            self._turn = None

    def _complete(self) -> None:
        found, at = self._turn or (self._offer, -1)
        put = found.words[at] if at >= 0 else found.typed
        at = (at + 1) % len(found.words)
        self._turn = (found, at)
        row, column = self.cursor_location
        self.replace(found.words[at], (row, column - len(put)), (row, column))
