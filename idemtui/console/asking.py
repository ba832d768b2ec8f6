"""Blocking questions, asked in a thread that nobody waits for: quitting never hangs on a slow query.

Textual's thread workers live in an executor that the event loop joins at its end; these threads are daemons, and an
answer that comes too late is dropped.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

Answer = TypeVar("Answer")


async def in_thread(question: Callable[[], Answer]) -> Answer:
    """What `question` returns or raises, worked out beside the event loop; cancelling returns at once."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Answer] = loop.create_future()

    def work() -> None:
        try:
            answer = question()
        except BaseException as error:  # handed to whoever awaits
            _hand_over(loop, future, future.set_exception, error)
        else:
            _hand_over(loop, future, future.set_result, answer)

    threading.Thread(target=work, name="console-question", daemon=True).start()
    return await future


def _hand_over(
    loop: asyncio.AbstractEventLoop, future: asyncio.Future[Answer], settle: Callable[..., None], value: object
) -> None:
    def settle_if_wanted() -> None:
        if not future.done():
            settle(value)

    if not loop.is_closed():
        loop.call_soon_threadsafe(settle_if_wanted)
