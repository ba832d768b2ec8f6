"""The machine as a lab's server would find it, where none is up."""

from __future__ import annotations

from idemtui.server.devices import NvmlReader
from idemtui.server.holds import Holds
from idemtui.server.places import Places
from idemtui.server.settings import read_settings
from store.lab import Lab


def places_seen(lab: Lab) -> Places:
    """Its CPU slots and GPUs. UsageError or JournalError where the lab's own files of them cannot be read."""
    settings = read_settings(lab)
    return Places(settings.slots, settings.gpu_free_share, NvmlReader(), Holds(lab))
