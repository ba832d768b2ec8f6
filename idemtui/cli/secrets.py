"""Secrets on their way to the server: from this environment, over the socket, into its memory; never printed."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from engine.errors import ServerError

if TYPE_CHECKING:
    from store.client import Client

NAMES = """
SELECT DISTINCT unnest(CAST(spec -> '$.execution.secrets' AS VARCHAR[])) AS name
FROM (SELECT run_id, status, spec FROM runs UNION ALL SELECT job_id, status, spec FROM jobs)
"""


def values_of(names: Iterable[str]) -> dict[str, str]:
    """What this environment has of these names."""
    return {name: os.environ[name] for name in sorted(set(names)) if os.environ.get(name)}


def needed_by(client: Client, run_ids: Sequence[str] | None) -> list[str]:
    """Names that these runs need, None: that any unfinished run needs."""
    from idemtui.cli.folders import secrets_by_folder
    from idemtui.cli.reading import rows

    try:
        if run_ids is None:
            found = rows(client, f"{NAMES} WHERE status <> 'finished'")
        else:
            found = rows(client, f"{NAMES} WHERE list_contains($runs, run_id)", runs=list(run_ids))
    except ServerError:
        return secrets_by_folder(client.lab, None if run_ids is None else list(run_ids))
    return sorted(row["name"] for row in found if row["name"])


def tell_missing(client: Client, names: Iterable[str]) -> None:
    """One line on stderr where neither this environment nor the server has a secret."""
    from idemtui.cli.output import tell
    from idemtui.cli.standing import lab_status

    wanted = set(names) - values_of(names).keys()
    missing = sorted(wanted - set(lab_status(client).get("secrets") or ())) if wanted else []
    if missing:
        listed = ", ".join(f"${name}" for name in missing)
        tell(f"{listed}: not set here, not held by the server; runs that need it wait. Set it, then `resume`.")
