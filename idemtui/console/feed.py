"""The console's pulse: waits for the lab to say that something happened, and reads it anew then.

The server holds its answer back while nothing does, so that a console nobody touches costs next to nothing. Nothing is
posted then, and nothing sent to the terminal. States that follow each other faster than they are read become one. A
server that takes its time is named while it is waited for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import TypeVar

from textual.message import Message

from engine.errors import IdemtuiError
from idemtui.console.asking import in_thread
from idemtui.console.lab_facts import Server
from idemtui.console.messages import GlanceRead, LabFound, LabLost, ServerRead
from idemtui.console.reader import Reader

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Pace:
    """How often what is asked, in seconds."""

    poll: float = 1.0
    """Between two readings of the lab."""
    status: float = 1.0
    """Between looks at the server itself while runs are at work."""
    quiet: float = 5.0
    """The same while none is."""
    retry: float = 2.0
    """Before connecting again."""
    patience: float = 4.0
    """Until a server that does not answer is named."""


class Feed:
    """Posts GlanceRead and ServerRead where there is something new, LabLost and LabFound as the lab goes and comes."""

    def __init__(self, reader: Reader, post: Callable[[Message], object], pace: Pace) -> None:
        self._reader, self._post, self._pace = reader, post, pace
        self._seen: int | None = None
        self._server: Server | None = None
        self._status_due = 0.0
        self._live = False
        self._trouble: str | None = None

    async def run(self) -> None:
        """Go on until cancelled."""
        while True:
            try:
                if await self._look():
                    await asyncio.sleep(self._pace.poll)
            except IdemtuiError as error:
                self._say(str(error), gone=True)
                self._seen = self._server = None
                await in_thread(self._reader.disconnect)
                await asyncio.sleep(self._pace.retry)

    async def _look(self) -> bool:
        """Whether there was anything to say."""
        since, wait = (-1, 0.0) if self._seen is None else (self._seen, self._status_due - monotonic())
        pulse = await self._ask(partial(self._reader.pulse, since, min(max(wait, 0.0), 0.75 * self._pace.patience)))
        news = pulse.version != self._seen
        if news:
            glance = await self._ask(self._reader.glance)
            self._live = any(run.live for run in glance.runs)
            self._post(GlanceRead(glance))
            self._seen = pulse.version
        if news or monotonic() >= self._status_due:
            await self._look_at_server()
        self._say(pulse.trouble)
        return news or bool(pulse.trouble)

    async def _look_at_server(self) -> None:
        self._status_due = monotonic() + (self._pace.status if self._live else self._pace.quiet)
        server = await self._ask(self._reader.server)
        if server != self._server:
            self._server = server
            self._post(ServerRead(server))

    async def _ask(self, question: Callable[[], Answer]) -> Answer:
        asking = asyncio.ensure_future(in_thread(question))
        try:
            done, _ = await asyncio.wait({asking}, timeout=self._pace.patience)
            if not done:
                self._say(f"the lab server has not answered for {self._pace.patience:.0f} s.")
            return await asking
        finally:
            asking.cancel()

    def _say(self, trouble: str, gone: bool = False) -> None:
        if trouble != self._trouble:
            self._post(LabLost(trouble, gone) if trouble else LabFound())
            self._trouble = trouble
