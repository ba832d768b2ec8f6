"""Where 50 chains are killed: a seeded plan by stage and journal position, and its carrying out."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from engine.events import (
    AdapterTrained,
    Event,
    RunFinished,
    RunStarted,
    SamplesDrawn,
    StageFinished,
    StageStarted,
    TrainStepped,
)
from engine.score_events import LikelihoodsMeasured, SamplesJudged
from tests.proofs.labs import ProofLab, alive, kill, until

REGIMES = ("sft", "sdf", "dpo")
CYCLES = 3
PLACES = (
    "loading", "seed_rows", "sample_train", "sample_rejected", "rows", "train", "adapter", "sample_eval", "likelihood",
    "judge",
)  # fmt: skip
"""Every stage of a chain, the loading of models, and the writing of an adapter until the journal knows of it."""
WRITES = {"sample_eval": "samples_drawn", "likelihood": "likelihoods_measured", "judge": "samples_judged"}
"""The event that each batch of a measuring stage ends in."""
BEGUN = (SamplesDrawn, LikelihoodsMeasured, SamplesJudged, TrainStepped)


@dataclass(frozen=True)
class Kill:
    """One SIGKILL: from outside `delay` seconds after `steps` batches or steps of a stage, or inside at an instant."""

    place: str
    cycle: int
    steps: int = 0
    delay: float = 0.0
    instant: dict[str, Any] | None = None
    server: str = ""
    """`before`, `after` or `with`: whether and when the server is killed too."""


@dataclass(frozen=True)
class ChainPlan:
    """One chain and what befalls it."""

    number: int
    regime: str
    kills: tuple[Kill, ...]
    again: str
    """How it goes on: `resume` names the run, `run` gives the study once more."""

    @property
    def server_killed(self) -> bool:
        return any(kill.server for kill in self.kills)


def plans(count: int = 50) -> list[ChainPlan]:
    """The first `count` chains, always the same: places are dealt from a shuffled deck, so that none is left out."""
    chance = random.Random("kill test")
    deck: Iterator[str] = _deck(chance)
    return [_plan(number, chance, deck) for number in range(count)]


def _deck(chance: random.Random) -> Iterator[str]:
    while True:
        cards = list(PLACES)
        chance.shuffle(cards)
        yield from cards


def _plan(number: int, chance: random.Random, deck: Iterator[str]) -> ChainPlan:
    regime = REGIMES[number % 3]
    places = [place for place, _ in zip(deck, range(1 + number % 4), strict=False)]
    if regime != "dpo":
        places = ["sample_train" if place == "sample_rejected" else place for place in places]
    elif "sample_rejected" not in places:
        places[0] = "sample_rejected"
    found = sorted((_kill(place, regime, chance) for place in places), key=_position)
    if number % 2:
        found = [_with_server(kill, chance) for kill in found]
    return ChainPlan(number, regime, tuple(found), chance.choice(["resume", "run"]))


def _position(kill: Kill) -> tuple[int, int]:
    return kill.cycle, PLACES.index(kill.place)


def _with_server(kill_: Kill, chance: random.Random) -> Kill:
    return replace(kill_, server=chance.choice(["before", "after", "with"]))


def _kill(place: str, regime: str, chance: random.Random) -> Kill:
    cycle = chance.randint(1, CYCLES)
    delay = chance.uniform(0.0, 0.15)
    match place:
        case "loading":
            return Kill(place, chance.randint(-1, CYCLES), delay=chance.uniform(0.0, 1.5))
        case "seed_rows":
            return Kill(place, 0, instant=_line("samples_drawn", 0, chance) | {"purpose": "seed"})
        case "rows":
            cycle = chance.randint(0, CYCLES)
            return Kill(place, cycle, instant=_line("rows_built", cycle, chance))
        case "adapter":
            cycle = chance.randint(0, CYCLES)
            choices = [{"rename": "adapter"}, _line("adapter_trained", cycle, chance)]
            return Kill(place, cycle, instant=chance.choice(choices))
        case "train":
            return Kill(place, chance.randint(0, CYCLES), steps=chance.randint(0, 1), delay=delay)
        case "sample_eval" | "likelihood" | "judge":
            torn = {"event": WRITES[place], "cycle": cycle, "when": "torn"}
            if place == "sample_eval":
                torn["purpose"] = "eval"
            return Kill(place, cycle, chance.randint(0, 1), delay, torn if chance.random() < 0.25 else None)
    lowest = 0 if place == "sample_rejected" and regime == "dpo" else 1
    return Kill(place, chance.randint(lowest, CYCLES), chance.randint(0, 1), delay)


def _line(event: str, cycle: int, chance: random.Random) -> dict[str, Any]:
    return {"event": event, "cycle": cycle, "when": chance.choice(["before", "torn", "after"])}


@dataclass(frozen=True)
class Hit:
    """What a kill really met: the place that the journal ends in, and whether a batch may have been under way."""

    place: str
    cycle: int | None
    batch_open: bool
    training_open: bool


def carry_out(lab: ProofLab, run_id: str, kill_: Kill) -> tuple[Hit, set[int]]:
    """Kill the run's worker (started already, or about to be) where planned; returns once it is gone.

    Also returns which events the server had told a client of before it was killed itself.
    """
    starts = count(lab.events(run_id), RunStarted)
    worker = until(lambda: _started(lab, run_id), "the worker's start")
    told: set[int] = set()
    if kill_.server == "before":
        told = _kill_server(lab, run_id)
    if kill_.instant is not None:
        _meet_instant(lab, kill_, worker)
    else:
        until(lambda: _reached(lab, run_id, kill_, starts, worker), f"{kill_}", tick=0.005)
        _delay(lab, run_id, kill_, worker)
        if kill_.server == "with":
            told = _kill_server(lab, run_id)
        kill(worker)
    if kill_.server == "after" or (kill_.server == "with" and kill_.instant is not None):
        told = _kill_server(lab, run_id)
    return where(lab.events(run_id), starts, kill_), told


def _delay(lab: ProofLab, run_id: str, kill_: Kill, worker: int) -> None:
    """Let the worker go on for a moment, unless its run is at its end: a busy machine makes moments long."""
    os.kill(worker, signal.SIGSTOP)
    last = any(isinstance(e, SamplesJudged) and e.cycle == CYCLES for e in lab.events(run_id))
    assert count(lab.events(run_id), RunFinished) == 0, f"the run ended before {kill_}"
    if not last:
        os.kill(worker, signal.SIGCONT)
        time.sleep(kill_.delay)


def _meet_instant(lab: ProofLab, kill_: Kill, worker: int) -> None:
    done = Path(f"{lab.plan}.done")
    until(lambda: done.exists() or not alive(worker), f"the instant {kill_.instant}")
    assert done.exists(), f"the worker ended without meeting its instant {kill_.instant}"
    done.unlink()
    until(lambda: not alive(worker), "the worker's end")


def still_ahead(kill_: Kill, events: list[Event]) -> Kill:
    """The kill itself, or one while models load where the instant that it waits for has passed already."""
    if kill_.instant is None:
        return kill_
    if "rename" in kill_.instant:
        passed = count(events, AdapterTrained) > CYCLES
    else:
        wanted = {key: value for key, value in kill_.instant.items() if key not in ("event", "when")}
        passed = any(
            event.type == kill_.instant["event"]
            and all(getattr(event, key, value) == value for key, value in wanted.items())
            for event in events
        )
    return replace(kill_, place="loading", instant=None, delay=0.1) if passed else kill_


def prepare(lab: ProofLab, kill_: Kill) -> None:
    """Put up the instant at which the next worker is to end."""
    if kill_.instant is not None:
        lab.plan.write_text(json.dumps(kill_.instant))


def _started(lab: ProofLab, run_id: str) -> int | None:
    """The living worker of the last `started` line."""
    pids = [command.pid for command in lab.commands(run_id) if command.type == "started"]
    return pids[-1] if pids and lab.commands(run_id)[-1].type == "started" else None


def _reached(lab: ProofLab, run_id: str, kill_: Kill, starts: int, worker: int) -> bool:
    assert alive(worker), f"worker {worker} ended before {kill_}; {lab.server_log()}"
    if kill_.place == "loading":
        return _loads(worker)
    events = since_start(lab.events(run_id), starts)
    begun = [i for i, e in enumerate(events) if isinstance(e, StageStarted) and _at(e, kill_)]
    return bool(begun) and sum(isinstance(e, BEGUN) for e in events[begun[0] :]) >= kill_.steps


def _at(event: StageStarted, kill_: Kill) -> bool:
    return event.stage == kill_.place and event.cycle == kill_.cycle


def _loads(worker: int) -> bool:
    """Whether a worker has begun to load the heavy libraries."""
    try:
        return "libtorch" in Path(f"/proc/{worker}/maps").read_text()
    except OSError:
        return False


def _kill_server(lab: ProofLab, run_id: str) -> set[int]:
    """Kill the server, having asked it which events it knows."""
    pid = until(lab.server, "the server")
    told = {int(seq) for (seq,) in lab.ask("SELECT seq FROM events WHERE run_id = ?", run_id)}
    kill(pid)
    return told


def count(events: Iterable[Event], kind: type) -> int:
    """How many events are of a kind."""
    return sum(isinstance(event, kind) for event in events)


def since_start(events: list[Event], starts: int) -> list[Event]:
    """The events after the run's `starts`-th start (counted from 0); none where it has not come."""
    places = [i for i, event in enumerate(events) if isinstance(event, RunStarted)]
    return events[places[starts] :] if len(places) > starts else []


def where(events: list[Event], starts: int, kill_: Kill) -> Hit:
    """Which place the journal ends in, told by its last stage; instants at their own place."""
    if count(events, RunStarted) == starts:
        return Hit("loading", None, batch_open=False, training_open=False)
    stage = next((e for e in reversed(events) if isinstance(e, StageStarted | StageFinished)), None)
    opened = stage if isinstance(stage, StageStarted) else None
    sampling = opened is not None and opened.stage != "train" and opened.stage != "seed_rows"
    training = opened is not None and opened.stage == "train"
    if kill_.instant is not None and kill_.place in ("seed_rows", "rows", "adapter"):
        return Hit(kill_.place, kill_.cycle, batch_open=False, training_open=training)
    if opened is None:
        return Hit("between stages", None, batch_open=False, training_open=False)
    return Hit(opened.stage, opened.cycle, batch_open=sampling, training_open=training)
