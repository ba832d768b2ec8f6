"""What live runs are doing and how long they still have: the console's Runs and `idemtui ls`."""

from __future__ import annotations

from collections.abc import Mapping

from idemtui.console.facts import Stage
from store.eta import remaining_seconds
from store.queries import progress
from store.result import Asked


def stages_of(lab: Asked, live: Mapping[str, int]) -> dict[str, Stage]:
    """The stages under way, by run id, of live runs given with their last cycle."""
    doing = {run_id: (cycles, progress(lab, run_id)) for run_id, cycles in live.items()}
    left = remaining_seconds(lab, doing)
    return {
        run_id: Stage(now.cycle, now.stage, now.done, now.total, left.get(run_id))
        for run_id, (_, now) in doing.items()
        if now is not None and not now.finished
    }
