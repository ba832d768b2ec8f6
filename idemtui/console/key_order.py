"""Keys one after the other: the next goes to what has the focus once the one before has done its work.

Textual hands every key at once to whatever has the focus just then. An action is run only when its key has risen from
there to the app, so of "Enter, some text" sent by a paste, a macro or a slow line the text went to the list that Enter
was about to leave, where `[` and `c` are commands.
"""

from __future__ import annotations

import asyncio
from collections import deque

from textual import events
from textual.app import App
from textual.message_pump import MessagePump
from textual.screen import Screen
from textual.widget import Widget

from idemtui.console.screens.room import Room

PATIENCE_SECONDS = 1.0
"""A handler that takes longer holds up no key: better in the wrong place than never."""


class KeyOrder:
    """Keeps keys and pastes back while another is at work."""

    def __init__(self, app: App[None]) -> None:
        self._app = app
        self._waiting: deque[events.Event] = deque()
        self._next: events.Event | None = None
        self._watch: asyncio.Task[None] | None = None

    @property
    def busy(self) -> bool:
        """Whether a key is at work or about to be."""
        return self._watch is not None or self._next is not None

    def keeps(self, event: events.Event) -> bool:
        """Whether an event has to wait; it is posted to the app again when its turn comes."""
        if not isinstance(event, (events.Key, events.Paste)) or event.is_forwarded:
            return False
        if self._watch is not None or self._next not in (None, event):
            self._waiting.append(event)
            return True
        self._next = None
        begun = self._app.screen
        self._watch = asyncio.create_task(self._until_done(begun, self._app.focused or begun))
        return False

    async def _until_done(self, screen: Screen[object], target: Widget) -> None:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await _done(self._app, screen, target)
        except TimeoutError:
            pass
        self._watch = None
        if self._waiting:
            self._next = self._waiting.popleft()
            self._app.post_message(self._next)


async def _done(app: App[None], screen: Screen[object], target: Widget) -> None:
    """The key was sent and rose, and was acted on; what that said to others rose too, and what it opened is there."""
    await _handled(app)
    path = [*target.ancestors_with_self]
    for node in (*path, *path):
        await _handled(node)
    opened = app.screen
    if opened is not screen:
        await _handled(opened)
        await _handled(app)
        if isinstance(opened, Room):
            await opened.opened()


async def _handled(pump: MessagePump) -> None:
    """All that a node had before it is done."""
    done = asyncio.Event()
    if pump.call_later(done.set):
        await done.wait()
