"""Looking for the samples of a list, part by part, in a thread; leaving off ends the query in the server, too."""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import Callable
from contextlib import suppress
from time import monotonic

from textual.message import Message

from engine.errors import IdemtuiError
from idemtui.console.messages import Refused
from idemtui.console.reader import Reader
from idemtui.console.sample_messages import PlacesFound
from idemtui.console.text_facts import Listing
from store.listing import find_places

TOLD_EVERY = 0.15
"""Seconds between two messages of one search."""


async def search(reader: Reader, asked: Listing, number: int, post: Callable[[Message], object]) -> None:
    """Post PlacesFound until all are found, or Refused; cancelled, it stops the query and posts nothing more."""
    loop, query_id, left = asyncio.get_running_loop(), uuid.uuid4().hex, threading.Event()
    told: asyncio.Queue[Message | None] = asyncio.Queue()

    def tell(message: Message | None) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(told.put_nowait, message)

    def work() -> None:
        try:
            _look(reader, asked, number, query_id, left, tell)
        except IdemtuiError as error:
            if not left.is_set():
                tell(Refused("places", str(error)))
        finally:
            tell(None)

    threading.Thread(target=work, name="console-search", daemon=True).start()
    try:
        while (message := await told.get()) is not None:
            post(message)
    except asyncio.CancelledError:
        left.set()
        threading.Thread(target=_stop, args=(reader, query_id), name="console-stop", daemon=True).start()
        raise


def _look(
    reader: Reader, asked: Listing, number: int, query_id: str, left: threading.Event, tell: Callable[[Message], object]
) -> None:
    parts, told_at = [], 0.0
    for found, share in find_places(reader.client(), asked.wanted, asked.order, query_id=query_id):
        if left.is_set():
            return
        parts.append(found)
        if share >= 1 or (len(found) and monotonic() - told_at > TOLD_EVERY):
            tell(PlacesFound(asked, number, parts, share))
            parts, told_at = [], monotonic()


def _stop(reader: Reader, query_id: str) -> None:
    with suppress(IdemtuiError):
        reader.client().cancel_query(query_id)
