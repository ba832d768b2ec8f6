"""Hearing Ctrl-C while a server works: waiting is done on a thread, and the query is cancelled on the server."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from engine.errors import IdemtuiError
from idemtui.cli.output import tell

if TYPE_CHECKING:
    from store.client import Client

T = TypeVar("T")
AHEAD = 2
"""Items made before the first is taken: what bounds the memory."""
FAREWELL_SECONDS = 2.0


class _Ended:
    """The last item of a stream, with what it raised."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


def heard(client: Client, query_id: str, work: Callable[[], Iterator[T]]) -> Iterator[T]:
    """What `work` yields; Ctrl-C, or not taking all of it, cancels the query `query_id` on the server."""
    items: queue.Queue[T | _Ended] = queue.Queue(AHEAD)
    leaving = threading.Event()
    thread = threading.Thread(target=_make, args=(items, leaving, work), name="query", daemon=True)
    thread.start()
    ended = False
    try:
        while True:
            item = items.get()
            if isinstance(item, _Ended):
                ended = True
                if item.error is not None:
                    raise item.error
                return
            yield item
    except KeyboardInterrupt:
        tell("the query was cancelled.")
        raise
    finally:
        if not ended:
            leaving.set()
            with suppress(IdemtuiError):
                client.cancel_query(query_id)
            with suppress(queue.Empty):
                while True:
                    items.get_nowait()
            thread.join(FAREWELL_SECONDS)


def _make(items: queue.Queue[T | _Ended], leaving: threading.Event, work: Callable[[], Iterator[T]]) -> None:
    try:
        for item in work():
            items.put(item)
            if leaving.is_set():
                return
        items.put(_Ended())
    except BaseException as error:
        items.put(_Ended(error))
