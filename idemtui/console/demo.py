"""The pocket study, queued from the console as `idemtui demo --detach` does."""

from __future__ import annotations

from store.lab import Lab


def queue_demo(lab: Lab) -> int:
    """Queue the demo's runs and return how many there are; blocks, and may start the server."""
    from engine.study import resolve_study
    from idemtui.cli.studies import DEMO, submit

    return len(submit(lab, resolve_study(DEMO), again=False))
