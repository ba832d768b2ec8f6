"""The study that Launch writes: its text, and what is known of it so far.

The text is the truth. What a form, runs and costs say is of the text that they were read from: `read` tells whether
that is the one that stands there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from idemtui.console.launching import StudyResolved, read_typed, with_text
from idemtui.launch.study_text import Edited, typed, with_values

if TYPE_CHECKING:
    from idemtui.launch.resolution import Line, Resolution
    from idemtui.preflight.facts import Preflight


class Draft:
    """One study file; nothing of it is on a screen."""

    def __init__(self) -> None:
        self.text = ""
        self.found: Resolution | None = None
        self.costs: Preflight | None = None
        self._read = ""

    @property
    def read(self) -> bool:
        """Whether what is known is of the text as it stands."""
        return self._read == self.text

    def take(self, text: str) -> None:
        """Another text; the form says of it what it can before it is resolved."""
        self.text = text
        if self.found is not None:
            self.found = with_text(self.found, text)

    def learn(self, message: StudyResolved) -> bool:
        """Take what was found out; False where it is about a text that is no longer there."""
        if message.text != self.text:
            return False
        self.found, self.costs, self._read = message.resolution, message.costs, message.text
        return True

    def line(self, at: int) -> Line | None:
        """The setting in a line of the form."""
        return self.found.lines[at] if self.found and at < len(self.found.lines) else None

    def says(self, key: str) -> str:
        """A setting as it is written there."""
        return typed(self.text, key)

    def with_typed(self, key: str, words: str) -> Edited | None:
        """The text with a setting as it was typed, None where it says so already; SpecError where that cannot be."""
        return None if words.strip() == self.says(key) else with_values(self.text, key, read_typed(key, words))

    def without(self, key: str) -> Edited:
        """The text without a setting; SpecError as above."""
        return with_values(self.text, key, None)
