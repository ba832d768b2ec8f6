"""The keys of a room along its lower edge, in one widget: one for each key would cost a room a third of its opening.

Keys that do not fit are left out whole; the way to all keys stays in sight at the right.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, ClassVar

from rich.style import Style
from rich.text import Text
from textual import events
from textual.app import RenderResult
from textual.screen import Screen
from textual.widget import Widget

HELP = "keys"
FUNCTION_KEY = re.compile(r"f\d+")


@dataclass(frozen=True)
class FooterKey:
    """One key as it is shown: what to press, the word for it, its sentence, and whether it does anything now."""

    key: str
    shown: str
    label: str
    action: str
    sentence: str
    enabled: bool


class KeyFooter(Widget):
    """Keys and their words; a click is a key pressed."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"footer--key", "footer--off"}
    DEFAULT_CSS = """
    KeyFooter {
        dock: bottom; height: 1; color: $footer-description-foreground; background: $footer-background;
        & > .footer--key { color: $footer-key-foreground; text-style: bold; }
        & > .footer--off { text-style: dim; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self.keys: tuple[FooterKey, ...] = ()

    def on_mount(self) -> None:
        """Follow what can be pressed."""
        self.screen.bindings_updated_signal.subscribe(self, self.bindings_changed)

    def bindings_changed(self, screen: Screen[Any]) -> None:
        """Show the keys of now, where they are others."""
        keys = _keys_of(screen)
        if keys != self.keys and screen.app.app_focus:
            self.keys = keys
            self.refresh()

    def render(self) -> RenderResult:
        """As many keys as fit."""
        last = [key for key in self.keys if key.action == HELP]
        right = Text(" ").join(self._words(key) for key in last)
        line, room = Text(no_wrap=True, end=""), self.size.width - right.cell_len
        for key in self.keys:
            words = self._words(key)
            if key.action != HELP and line.cell_len + words.cell_len < room:
                line.append_text(words).append(" ")
        return line.append(" " * (room - line.cell_len)).append_text(right)

    def _words(self, key: FooterKey) -> Text:
        off = Style.null() if key.enabled else self.get_component_rich_style("footer--off", partial=True)
        press = self.get_component_rich_style("footer--key", partial=True) + off
        text = Text(end="").append(key.shown, press).append(f" {key.label}", off)
        text.apply_meta({"sentence": key.sentence, "key": key.key if key.enabled else None})
        return text

    def on_click(self, event: events.Click) -> None:
        """Press the key under the mouse."""
        if key := event.style.meta.get("key"):
            self.app.simulate_key(key)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Say in a sentence what the key under the mouse does."""
        self.tooltip = event.style.meta.get("sentence")


def _keys_of(screen: Screen[Any]) -> tuple[FooterKey, ...]:
    found: dict[str, FooterKey] = {}
    for _, binding, enabled, tooltip in screen.active_bindings.values():
        if binding.show and binding.action not in found:
            shown, sentence = screen.app.get_key_display(binding), tooltip or binding.description
            shown = shown.upper() if FUNCTION_KEY.fullmatch(shown) else shown
            key = FooterKey(binding.key, shown, binding.description, binding.action, sentence, enabled)
            found[binding.action] = key
    return tuple(found.values())
