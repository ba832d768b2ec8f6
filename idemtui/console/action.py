"""One thing a user can ask for; the rooms' own lists are in `keys/`, all of them together in `actions`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from textual.binding import Binding

Room = Literal["everywhere", "runs", "run", "samples", "ladder", "compare", "sql", "launch"]
Page = Literal["list", "field", "reading", "question", "line", "choice", "statements", "fork", "interrupted", "label"]
"""What has keys of its own beside rooms."""

ROOMS: dict[Room, str] = {
    "everywhere": "Everywhere",
    "runs": "1 Runs",
    "run": "2 Run",
    "samples": "3 Samples",
    "ladder": "4 Ladder",
    "compare": "5 Compare",
    "sql": "6 SQL",
    "launch": "7 Launch",
}

PAGES: dict[Page, str] = {
    "list": "In lists",
    "field": "In a setting of Launch",
    "reading": "Pages to be read",
    "question": "Questions",
    "line": "A line to be typed",
    "choice": "One of several",
    "statements": "Saved statements and history",
    "fork": "Fork",
    "interrupted": "Interrupted runs",
    "label": "Labelling blind",
}


def title_of(place: Room | Page) -> str:
    """What a room or page is called, without the room's number."""
    return next(title for other, title in [*ROOMS.items(), *PAGES.items()] if other == place).lstrip("1234567 ")


@dataclass(frozen=True)
class Action:
    """Its room or page and keys, a word for the footer, a sentence for help and palette."""

    room: Room | Page
    keys: str
    name: str
    label: str
    sentence: str
    footer: bool = True
    shown_key: str | None = None
    priority: bool = False
    """Whether its key comes before what has the focus."""

    @property
    def id(self) -> str:
        """What it is called in a settings file: `runs.open`."""
        return f"{self.room}.{re.sub('[^a-z0-9]+', '-', self.label.lower())}"

    def binding(self) -> Binding:
        """The binding that Textual wants."""
        return Binding(
            self.keys,
            self.name,
            self.label,
            show=self.footer,
            key_display=self.shown_key,
            tooltip=self.sentence,
            id=self.id,
            priority=self.priority,
        )
