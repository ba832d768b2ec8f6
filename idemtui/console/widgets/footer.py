"""The keys of a room along its lower edge."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.widgets import Footer
from textual.widgets._footer import FooterKey


class KeyFooter(Footer):
    """A footer whose way to all keys stays in sight where a narrow terminal cuts the others."""

    DEFAULT_CSS = """
    KeyFooter.-compact FooterKey.-help { dock: right; margin: 0; padding-left: 1; }
    """

    def compose(self) -> ComposeResult:
        """The keys as Textual has them, that for help held to the right."""
        for key in super().compose():
            if isinstance(key, FooterKey):
                key.set_class(key.action == "keys", "-help")
            yield key
