"""The questions of the Run room, put to the lab; every function blocks and is called from a thread."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from idemtui.console import facts, queries
from idemtui.console.reader import Reader
from idemtui.console.words import NONE, event_words, time_of_day
from idemtui.logs import end_of_log
from idemtui.speed import speed_of
from store import queries as stored
from store.compare import flat
from store.controls import beside
from store.measures import coherence_bounds, measures

if TYPE_CHECKING:
    from store.client import Client

LOG_LINES, LOG_BYTES = 200, 64 * 1024
"""How much of a worker's log is shown."""


def run_detail(reader: Reader, run_id: str) -> facts.RunDetail:
    """One run's trainings, logged quantities, measures, speed, events, settings, and the end of its worker's log."""
    client, judge = reader.client(), reader.judging.judge
    traces, starts = traces_of(stored.train_steps(client, run_id))
    return facts.RunDetail(
        run_id,
        adapters=tuple(stored.read(facts.Adapter, client, queries.ADAPTERS, [run_id])),
        traces=traces,
        starts=starts,
        events=tuple(_events(client, run_id)),
        settings=settings_of(json.loads(reader.spec(run_id))),
        log=last_lines(client.lab.run(run_id) / "worker.log"),
        measures=tuple(measures(client, run_id)),
        coherence=tuple((cycle, *ends) for cycle, ends in coherence_bounds(client, run_id, judge).items()),
        speed=tuple(speed_of(client, run_id)),
        beside=beside(client, [run_id], judge).get(run_id),
    )


def _events(client: Client, run_id: str) -> list[facts.Logged]:
    found = stored.read(stored.LoggedEvent, client, queries.EVENTS, [run_id])
    return [facts.Logged(time_of_day(event.ts), event_words(event.type, event.payload)) for event in reversed(found)]


def last_lines(log: Path) -> tuple[str, ...]:
    """The end of a log; nothing where there is none yet."""
    return tuple(end_of_log(log, LOG_BYTES).splitlines()[-LOG_LINES:])


def traces_of(steps: Sequence[stored.Step]) -> tuple[tuple[facts.Trace, ...], tuple[tuple[float, int], ...]]:
    """Logged quantities of consecutive trainings on one axis, and where each cycle begins on it."""
    lengths: dict[int, int] = defaultdict(int)
    for step in steps:
        lengths[step.cycle] = max(lengths[step.cycle], step.step)
    starts, at = {}, 0
    for cycle in sorted(lengths):
        starts[cycle] = at
        at += lengths[cycle]
    values: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for step in steps:
        values[step.name].append((float(starts[step.cycle] + step.step), step.value))
    traces = tuple(facts.Trace(name, tuple(points)) for name, points in values.items())
    return traces, tuple((float(start), cycle) for cycle, start in starts.items())


def settings_of(spec: dict[str, Any]) -> tuple[facts.Setting, ...]:
    """Every value of a frozen spec by its dotted name, with its origin, but for what nobody set and says nothing."""
    origins = spec.pop("origins", {})
    return tuple(
        facts.Setting(name, NONE if value is None else str(value), origins.get(name, ""))
        for name, value in flat(spec)
        if name in origins or value not in (None, [])
    )
