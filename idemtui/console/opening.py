"""Opening the console over a lab, as a user left it."""

from __future__ import annotations

import ctypes
import gc
import os
from contextlib import suppress

from idemtui.console.app import Console
from idemtui.console.remembered import memory_path, recall, remember
from idemtui.console.settings import settings_path, usable_settings
from store.lab import Lab

M_ARENA_MAX = -8
"""Of glibc's malloc.h; other C libraries have no such thing."""


def open_console(lab: Lab, follow: str | None = None) -> int:
    """Show the lab until the user leaves; `follow` names the study to begin with. Returns the exit code."""
    _keep_small()
    # What is loaded by now stays; to look through it for garbage costs a key 40 ms every now and then.
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    memory = memory_path()
    settings, trouble = usable_settings(settings_path())
    console = Console(lab, follow, settings=settings, remembered=recall(memory, lab.root), notice=trouble)
    console.run()
    console.reader.close()
    remember(memory, lab.root, console.remembered)
    return console.return_code or 0


def _keep_small() -> None:
    """Give freed memory back: one heap for all threads, and none of Arrow's own, save some 10 MB after a long list."""
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 1)
