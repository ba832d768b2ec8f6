"""The lab server: `python -m idemtui.server.main --lab PATH`, one per lab, started on demand, gone when idle.

The lock on the lab comes first, then the queue as the files tell it, then the service (database, ingest, socket).
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from engine.errors import IdemtuiError, LabError, LockedError
from engine.locks import FileLock, holder_pid
from idemtui.server.options import ServerOptions, parse_options
from idemtui.server.privacy import close_to_others
from idemtui.server.server import Server
from idemtui.server.start import ALREADY_SERVED
from store.lab import Lab, create_lab, find_lab

log = logging.getLogger("idemtui.server")
Announce = Callable[[str], object]
LOOKS = 20
"""How often a lock is tried that was held only by somebody who looked at it."""


def serve_lab(lab: Lab, options: ServerOptions, announce: Announce) -> int:
    """Serve until SIGTERM, SIGINT, `stop` or idleness; LockedError where the lab has a server."""
    create_lab(lab)
    with _held(lab):
        os.umask(0o077)
        opened = close_to_others(lab)
        if opened:
            announce(opened)
        server = Server(lab, options)

        def end(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
            server.end()

        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, end)
        places = server.places
        on = "GPUs, one worker each" if places.device == "cuda" else "workers side by side"
        announce(f"Serving {lab.root} as process {os.getpid()}: {places.count} {on}, {places.threads} threads each.")
        closed = server.run()
        announce("Ended; workers go on.")
    if not closed:
        sys.stdout.flush()
        os._exit(0)
    return 0


@contextmanager
def _held(lab: Lab) -> Iterator[None]:
    """The lab's lock; a client that looks who holds it has it for a moment, which is no reason to give way."""
    for look in range(LOOKS):
        try:
            lock = FileLock(lab.lock, f"lab {lab.root}").__enter__()
            break
        except LockedError:
            if look == LOOKS - 1 or holder_pid(lab.lock) is not None:
                raise
            time.sleep(0.01)
        except OSError as error:
            raise LabError(f"{lab.lock}: {error.strerror}; the lab's server cannot run without it.") from None
    try:
        yield
    finally:
        lock.__exit__(None, None, None)


def main(arguments: Sequence[str] | None = None) -> int:
    """A detached server process; its prints are `server.log`."""
    path, options = parse_options(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stdout)
    try:
        return serve_lab(find_lab(Path(path)), options, announce=log.info)
    except LockedError:
        return ALREADY_SERVED
    except IdemtuiError as error:
        print(f"idemtui: {error}", flush=True)
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
