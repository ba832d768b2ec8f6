"""Words that are drawn anew only where they changed."""

from __future__ import annotations

from textual.visual import VisualType
from textual.widgets import Static


class Still(Static):
    """A Static whose screen is not laid out again for what it shows already: a live lab says most things many times."""

    def update(self, content: VisualType = "", *, layout: bool = True) -> None:
        """Show other words; the same ones cost nothing."""
        if type(content) is not type(self.content) or content != self.content:
            super().update(content, layout=layout)
