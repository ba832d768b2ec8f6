"""The console's pulse: asks the lab a few times a second whether anything happened, and reads it anew if so.

Nothing is posted while nothing happens, so an idle console sends nothing to the terminal. States that follow each
other faster than they are read become one. A server that takes its time is named while it is waited for.
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

    poll: float = 0.3
    """Between looks for changes."""
    status: float = 1.0
    """Between looks at the server itself."""
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
        self._trouble: str | None = None

    async def run(self) -> None:
        """Go on until cancelled."""
        while True:
            try:
                self._say(await self._look())
                await asyncio.sleep(self._pace.poll)
            except IdemtuiError as error:
                self._say(str(error), gone=True)
                self._seen = self._server = None
                await in_thread(self._reader.disconnect)
                await asyncio.sleep(self._pace.retry)

    async def _look(self) -> str:
        pulse = await self._ask(partial(self._reader.pulse, -1 if self._seen is None else self._seen))
        if pulse.version != self._seen:
            self._post(GlanceRead(await self._ask(self._reader.glance)))
            self._seen = pulse.version
        if monotonic() >= self._status_due or self._server is None:
            self._status_due = monotonic() + self._pace.status
            await self._look_at_server()
        return pulse.trouble

    async def _look_at_server(self) -> None:
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
