"""Hearing Ctrl-C while a server works: waiting is done on a thread, and the query is cancelled on the server."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from engine.errors import IdemtuiError

if TYPE_CHECKING:
    from store.client import Client

T = TypeVar("T")
THREAD = "query"
AHEAD = 2
"""Items made before the first is taken: what bounds the memory."""
FAREWELL_SECONDS = 2.0
LISTEN_SECONDS = 0.1
"""A Ctrl-C that meets another thread, or this one just before it waits, wakes nobody: it is heard as the wait ends."""


class _Ended:
    """The last item of a stream, with what it raised."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


def heard(client: Client, query_id: str, work: Callable[[], Iterator[T]]) -> Generator[T, None, None]:
    """What `work` yields; Ctrl-C, or closing this before its end, cancels the query `query_id` on the server."""
    items: queue.Queue[T | _Ended] = queue.Queue(AHEAD)
    leaving = threading.Event()
    thread = threading.Thread(target=_make, args=(items, leaving, work), name=THREAD, daemon=True)
    ended = False
    try:
        thread.start()
        while not ended:
            try:
                item = items.get(timeout=LISTEN_SECONDS)
            except queue.Empty:
                continue
            if not isinstance(item, _Ended):
                yield item
                continue
            ended = True
            if item.error is not None:
                raise item.error
    finally:
        if not ended and thread.ident is not None:
            leaving.set()
            _part(client, query_id, items, thread)


def _part(client: Client, query_id: str, items: queue.Queue[T | _Ended], thread: threading.Thread) -> None:
    """Cancel until the thread has ended: the server may not have met the question yet."""
    deadline = time.monotonic() + FAREWELL_SECONDS
    while thread.is_alive() and time.monotonic() < deadline:
        with suppress(IdemtuiError):
            client.cancel_query(query_id)
        with suppress(queue.Empty):
            while True:
                items.get_nowait()
        thread.join(0.1)


def still_asking() -> bool:
    """Whether a thread of `heard` could not be stopped, such as one that asks the file itself: end with `os._exit`."""
    return any(thread.name == THREAD for thread in threading.enumerate())


def _make(items: queue.Queue[T | _Ended], leaving: threading.Event, work: Callable[[], Iterator[T]]) -> None:
    try:
        for item in work():
            items.put(item)
            if leaving.is_set():
                return
        items.put(_Ended())
    except BaseException as error:
        items.put(_Ended(error))
