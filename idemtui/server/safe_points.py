"""When a run will next look whether it should stop: an estimate from the end of its journal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

TAIL_BYTES = 1_048_576
PACE = 8
"""How many of the last steps of a stage tell its pace."""
PURPOSES = {"seed_rows": "seed", "sample_train": "train", "sample_rejected": "rejected", "sample_eval": "eval"}
BATCHED = {
    "select": ("samples_judged", "scores"),
    "judge": ("samples_judged", "scores"),
    "likelihood": ("likelihoods_measured", "likelihoods"),
}
"""What else goes batch by batch: the event of a batch, and the field that holds its items."""


def next_safe_point(folder: Path, now: datetime | None = None) -> str:
    """One line: `after the batch under way (M2, sample_train 64/200), in about 3 s`."""
    lines = list(_tail(folder / "events.jsonl"))
    start = next((line for line in reversed(lines) if line["type"] == "stage_started"), None)
    if start is None:
        return _of_job(lines)
    cycle, stage, total = (start["payload"][key] for key in ("cycle", "stage", "total"))
    steps = [line for line in lines if _belongs(line, cycle, stage)]
    model = "base" if cycle < 0 else f"M{cycle}"
    place = f"{model}, {stage} {_done(steps, stage)}/{total}" if stage != "train" else f"{model}, {_step(steps)}"
    what = "training step" if stage == "train" else "batch" if stage in PURPOSES or stage in BATCHED else "step"
    return f"after the {what} under way ({place})" + _in_about(lines, steps, now or datetime.now(UTC))


def _of_job(lines: list[dict[str, Any]]) -> str:
    """A job without stages tells only how far it is; so does a run that has not begun one."""
    told = next((line["payload"] for line in reversed(lines) if line["type"] == "job_progressed"), None)
    if told is not None:
        return f"after the step under way ({told.get('done')}/{told.get('total')})"
    return "after the step under way" if lines else "as soon as its worker has loaded the models"


def _tail(journal: Path) -> Iterator[dict[str, Any]]:
    """The last events; a line cut in half at the beginning, or torn at the end, is left out."""
    try:
        with journal.open("rb") as file:
            start = max(journal.stat().st_size - TAIL_BYTES, 0)
            file.seek(start)
            text = file.read().split(b"\n")[1 if start else 0 : -1]
    except OSError:
        return
    for line in text:
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict) and isinstance(event.get("payload"), dict) and "type" in event:
            yield event


def _belongs(line: dict[str, Any], cycle: int, stage: str) -> bool:
    payload: dict[str, object] = line["payload"]
    if payload.get("cycle") != cycle:
        return False
    match line["type"]:
        case "samples_drawn":
            return stage in PURPOSES and payload.get("purpose") == PURPOSES[stage]
        case "samples_judged" | "likelihoods_measured":
            return stage in BATCHED and BATCHED[stage][0] == line["type"]
        case "train_stepped":
            return stage == "train"
        case _:
            return False


def _done(steps: list[dict[str, Any]], stage: str) -> int:
    name = BATCHED[stage][1] if stage in BATCHED else "samples"
    return sum(len(step["payload"].get(name, ())) for step in steps)


def _step(steps: list[dict[str, Any]]) -> str:
    return f"train, step {steps[-1]['payload'].get('step')}" if steps else "train"


def _in_about(lines: list[dict[str, Any]], steps: list[dict[str, Any]], now: datetime) -> str:
    """From the median gap between the last steps of the stage, less what has gone by since the last event."""
    times = [at for step in steps[-PACE - 1 :] if (at := _time(step)) is not None]
    gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(times)]
    last = _time(lines[-1])
    if not gaps or last is None:
        return ""
    left = median(gaps) - max((now - last).total_seconds(), 0.0)
    return f", in about {max(left, 1):.0f} s" if left < 100 else f", in about {left / 60:.0f} min"


def _time(line: dict[str, Any]) -> datetime | None:
    try:
        at = datetime.fromisoformat(line["ts"])
    except (KeyError, TypeError, ValueError):
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
