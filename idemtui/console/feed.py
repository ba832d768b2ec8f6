"""The console's pulse: asks the lab a few times a second whether anything happened, and reads it anew if so.

Nothing is posted while nothing happens, so an idle console sends nothing to the terminal. States that follow each
other faster than they are read become one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from textual.message import Message

from engine.errors import IdemtuiError
from idemtui.console.asking import in_thread
from idemtui.console.messages import GlanceRead, LabFound, LabLost
from idemtui.console.reader import Reader

POLL_SECONDS = 0.3
RETRY_SECONDS = 2.0


async def feed(
    reader: Reader,
    post: Callable[[Message], object],
    poll_seconds: float = POLL_SECONDS,
    retry_seconds: float = RETRY_SECONDS,
) -> None:
    """Post GlanceRead whenever the lab changed, LabLost when it cannot be asked, LabFound when it can again."""
    seen: int | None = None
    trouble: str | None = None
    while True:
        try:
            pulse = await in_thread(partial(reader.pulse, -1 if seen is None else seen))
            if pulse.version != seen:
                post(GlanceRead(await in_thread(reader.glance)))
                seen = pulse.version
            if pulse.trouble != trouble:
                post(LabLost(pulse.trouble) if pulse.trouble else LabFound())
                trouble = pulse.trouble
            await asyncio.sleep(poll_seconds)
        except IdemtuiError as error:
            if str(error) != trouble:
                post(LabLost(str(error)))
            seen, trouble = None, str(error)
            await in_thread(reader.disconnect)
            await asyncio.sleep(retry_seconds)
