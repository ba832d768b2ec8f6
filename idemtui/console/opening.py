"""Opening the console over a lab, as a user left it."""

from __future__ import annotations

import gc

from idemtui.console.app import Console
from idemtui.console.remembered import memory_path, recall, remember
from idemtui.console.settings import settings_path, usable_settings
from store.lab import Lab


def open_console(lab: Lab, follow: str | None = None) -> int:
    """Show the lab until the user leaves; `follow` names the study to begin with. Returns the exit code."""
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
