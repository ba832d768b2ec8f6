"""What a run recorded of how it was done: who draws and where, limits of its models, canaries, want of memory."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from store.client import Client

NOTES = """
SELECT type, payload FROM events WHERE run_id = $run AND type IN ('run_started', 'noted', 'adapter_trained')
ORDER BY seq
"""


def run_notes(client: Client, run_id: str) -> list[str]:
    """The notes of the last start, of trainings and of what came up, each once; of canaries the last alone."""
    from idemtui.cli.reading import rows

    started: list[str] = []
    later: dict[str, None] = {}
    canary: list[str] = []
    for row in rows(client, NOTES, run=run_id):
        payload: dict[str, Any] = json.loads(row["payload"])
        if row["type"] == "run_started":
            started = payload["notes"]
        elif row["type"] == "adapter_trained":
            later |= dict.fromkeys(payload["notes"])
        elif payload["topic"] == "canary":
            canary = [f"last canary: {payload['message']}"]
        else:
            later[payload["message"]] = None
    return list(dict.fromkeys([*started, *canary, *later]))
