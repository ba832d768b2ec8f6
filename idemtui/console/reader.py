"""Questions of the screens, put to the lab and answered in facts; every method blocks and is called from a thread.

The client is made by the first question, since connecting may start a server, and importing Arrow is slow.
"""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from time import monotonic
from typing import TYPE_CHECKING, Any

from idemtui.console import facts, queries
from idemtui.console.words import NONE, event_words, time_of_day
from store.lab import Lab

if TYPE_CHECKING:
    from store.client import Client

Connect = Callable[[Lab], "Client"]
NUMERIC = ("int", "float", "double", "decimal", "halffloat")


def connect_through_server(lab: Lab) -> Client:
    """The lab's server, started where it is not up."""
    from idemtui.server.start import ensure_server

    return ensure_server(lab)


class Reader:
    """One lab, asked by many threads."""

    def __init__(self, lab: Lab, connect: Connect = connect_through_server) -> None:
        self._lab = lab
        self._connect = connect
        self._client: Client | None = None
        self._lock = threading.Lock()

    def client(self) -> Client:
        """The living client, connected now if need be."""
        with self._lock:
            if self._client is None:
                self._client = self._connect(self._lab)
            return self._client

    def disconnect(self) -> None:
        """Forget the client; the next question connects anew."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def close(self) -> None:
        """The console ends."""
        self.disconnect()

    def _rows(self, query: str, params: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        return self.client().sql(query, list(params)).tuples()

    def pulse(self, since: int) -> facts.Pulse:
        """Which change is the newest, and what troubles the server."""
        changes = self.client().changes(since)
        return facts.Pulse(changes.version, changes.trouble or "")

    def command(self, name: str, **fields: object) -> dict[str, Any]:
        """Ask the server to do something."""
        return dict(self.client().command(name, **fields))

    def glance(self) -> facts.Glance:
        """Every run of the lab with its curve, its verdict and what it is doing."""
        points: dict[str, list[facts.Point]] = defaultdict(list)
        for run_id, *values in self._rows(queries.CURVES):
            points[run_id].append(facts.Point(*values))
        verdicts = {
            run_id: facts.Verdict(amplified, a, late, low, high, tuple(suffixes or ()))
            for run_id, amplified, a, late, low, high, suffixes in self._rows(queries.VERDICTS)
        }
        stages = {row[0]: facts.Stage(*row[1:]) for row in self._rows(queries.STAGES)}
        runs = tuple(
            replace(
                facts.Run(*values),
                points=tuple(points[values[0]]),
                stage=stages.get(values[0]),
                verdict=verdicts.get(values[0]),
                message=message or "",
            )
            for *values, message in self._rows(queries.RUNS)
        )
        return facts.Glance(runs)

    def run_detail(self, run_id: str) -> facts.RunDetail:
        """One run's trainings, logged quantities, events and settings."""
        adapters = tuple(facts.Adapter(*row) for row in self._rows(queries.ADAPTERS, [run_id]))
        steps = self._rows(queries.TRAIN_STEPS, [run_id])
        traces, starts = traces_of(steps)
        events = tuple(
            facts.Logged(time_of_day(ts), event_words(type_, json.loads(payload or "{}")))
            for ts, type_, payload in reversed(self._rows(queries.EVENTS, [run_id]))
        )
        spec = self._rows(queries.SPEC, [run_id])
        settings = settings_of(json.loads(spec[0][0])) if spec and spec[0][0] else ()
        return facts.RunDetail(run_id, adapters, traces, starts, events, settings)

    def count_samples(self, asked: facts.SampleFilter) -> int:
        """How many samples a filter holds."""
        where, params = queries.where(asked)
        return int(self._rows(queries.COUNT.format(where=where), params)[0][0])

    def samples(self, asked: facts.SampleFilter, offset: int, size: int) -> tuple[facts.SampleLine, ...]:
        """One page of a filter's samples."""
        where, params = queries.where(asked)
        query = queries.SAMPLES.format(where=where, order=queries.ORDERS[asked.order])
        return tuple(facts.SampleLine(*row) for row in self._rows(query, [*params, size, offset]))

    def sample(self, sample_id: str) -> facts.SampleText | None:
        """One sample in full with every judgement of it; None where the lab does not hold it."""
        rows = self._rows(queries.SAMPLE, [sample_id])
        if not rows:
            return None
        judgements = tuple(facts.Judgement(*row) for row in self._rows(queries.JUDGEMENTS, [sample_id]))
        return replace(facts.SampleText(*rows[0]), judgements=judgements)

    def prompts(self, run_id: str) -> tuple[facts.Prompt, ...]:
        """The prompts that a run is measured with."""
        return tuple(facts.Prompt(*row) for row in self._rows(queries.PROMPTS, [run_id]))

    def rungs(self, run_id: str, prompt: facts.Prompt) -> facts.Rungs:
        """All answers to one prompt, every generation and draw."""
        rows = self._rows(queries.RUNGS, [run_id, prompt.prompt_id])
        return facts.Rungs(run_id, prompt, tuple(facts.Answer(*row) for row in rows))

    def schema(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Tables and views by name, each with its columns."""
        return tuple((name, tuple(columns)) for name, columns in self._rows(queries.SCHEMA))

    def table(self, query: str, most: int) -> facts.Table:
        """A person's own statement, at most `most` rows of its answer."""
        started = monotonic()
        result = self.client().sql(query, limit=most)
        rows = tuple(result.tuples())
        seconds = monotonic() - started
        fields = list(result.table.schema)
        numeric = frozenset(field.name for field in fields if str(field.type).startswith(NUMERIC))
        return facts.Table(tuple(result.columns), rows, seconds, result.truncated, numeric)


def traces_of(
    steps: Sequence[tuple[int, int, str, float]],
) -> tuple[tuple[facts.Trace, ...], tuple[tuple[float, int], ...]]:
    """Logged quantities of consecutive trainings on one axis, and where each cycle begins on it."""
    lengths: dict[int, int] = defaultdict(int)
    for cycle, step, _, _ in steps:
        lengths[cycle] = max(lengths[cycle], step)
    starts, at = {}, 0
    for cycle in sorted(lengths):
        starts[cycle] = at
        at += lengths[cycle]
    values: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for cycle, step, name, value in steps:
        values[name].append((float(starts[cycle] + step), value))
    traces = tuple(facts.Trace(name, tuple(points)) for name, points in values.items())
    return traces, tuple((float(start), cycle) for cycle, start in starts.items())


def settings_of(spec: dict[str, Any]) -> tuple[facts.Setting, ...]:
    """Every value of a frozen spec by its dotted name, with its origin."""
    origins = spec.pop("origins", {})
    return tuple(
        facts.Setting(name, NONE if value is None else str(value), origins.get(name, "")) for name, value in flat(spec)
    )


def flat(value: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Leaves of nested objects by dotted name."""
    leaves: list[tuple[str, Any]] = []
    for key, inner in value.items():
        leaves += flat(inner, f"{prefix}{key}.") if isinstance(inner, dict) else [(f"{prefix}{key}", inner)]
    return leaves
