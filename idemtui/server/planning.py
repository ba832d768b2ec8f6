"""Who works on what next: a pure function of what waits, which workers live and what is free.

Higher priority first, then first come, first served; at equal priority a free worker takes the oldest run of the model
that it holds before another model is loaded, but no run is passed by others that were asked for long after it. Where no
slot is free, a worker that idles on another model is told to go.

A run that needs several GPUs at once gathers them: from when its turn has come, what becomes free is kept for it
until there are enough, so that runs that need one each do not go before it for ever. They wait for that time alone. One
that needs more than this server could ever free keeps nothing from anybody.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from idemtui.server.model_keys import ModelKey

CPU = "cpu"
PASSED_BY = 20
"""By how many places in the queue a run of a loaded model may go before an older run of another model."""


@dataclass(frozen=True)
class Asked:
    """One waiting run."""

    run_id: str
    key: ModelKey
    priority: int = 0
    order: int = 0
    """Its place among all that were asked for."""
    held: str | None = None
    """Why it cannot start now whatever is free."""


@dataclass(frozen=True)
class Hand:
    """One living worker that may take a run, now or after it was told to go."""

    pid: int
    key: ModelKey | None
    """None for a worker that takes no further run."""
    idle: bool = False
    leaving: bool = False


@dataclass
class Plan:
    """What to do now; every other run has a reason to wait."""

    assigned: dict[str, int] = field(default_factory=dict)
    """Worker's process id by run id."""
    started: dict[str, str] = field(default_factory=dict)
    """Device of a new worker by run id; several GPUs with commas between them."""
    dismissed: list[int] = field(default_factory=list)
    """Idle workers that are told to go, so that another model finds room."""
    reasons: dict[str, str] = field(default_factory=dict)


def plan(
    waiting: Iterable[Asked],
    hands: Iterable[Hand],
    free: Mapping[str, Sequence[str]],
    full: Mapping[str, str],
    reach: int = 0,
) -> Plan:
    """`free`: devices to start a worker on, and `full`: why there is no more, by kind (`cpu`, `cuda`).

    `reach`: GPUs that one worker could hold once all others let go.
    """
    room = _Room(list(hands), {kind: list(devices) for kind, devices in free.items()}, dict(full), reach)
    made = Plan()
    ordered = sorted(waiting, key=lambda asked: (-asked.priority, asked.order))
    for _, level in groupby(ordered, key=lambda asked: asked.priority):
        for asked in list(room.take_loaded(list(level), made)):
            room.place(asked, made)
    return made


class _Room:
    """What is left while the plan is made."""

    def __init__(self, hands: list[Hand], free: dict[str, list[str]], full: dict[str, str], reach: int) -> None:
        self._idle = [hand for hand in hands if hand.idle and not hand.leaving and hand.key is not None]
        self._coming = [hand.key.device for hand in hands if hand.leaving and hand.key is not None]
        self._free, self._full, self._reach = free, full, reach

    def take_loaded(self, level: list[Asked], made: Plan) -> Iterator[Asked]:
        """Give idle workers the oldest run of their model; yield the runs that nobody took."""
        passed: dict[str, int] = {}
        for asked in level:
            if asked.held is not None:
                made.reasons[asked.run_id] = asked.held
            elif asked.order > passed.get(asked.key.device, asked.order) + PASSED_BY or not self._assign(asked, made):
                passed.setdefault(asked.key.device, asked.order)
                yield asked

    def _assign(self, asked: Asked, made: Plan) -> bool:
        hand = next((hand for hand in self._idle if hand.key == asked.key), None)
        if hand is not None:
            self._idle.remove(hand)
            made.assigned[asked.run_id] = hand.pid
        return hand is not None

    def place(self, asked: Asked, made: Plan) -> None:
        """Find a slot for a run that nobody took; a worker of its model may be left when those before it are placed."""
        if self._assign(asked, made):
            return
        kind = asked.key.device
        if asked.key.gpus > 1:
            self._gather(asked, made)
            return
        other = next((hand for hand in self._idle if hand.key is not None and hand.key.device == kind), None)
        if self._free.get(kind):
            made.started[asked.run_id] = self._free[kind].pop(0)
            return
        made.reasons[asked.run_id] = self._full.get(kind, "waits for a free slot")
        if kind in self._coming:
            self._coming.remove(kind)
        elif other is not None:
            self._idle.remove(other)
            made.dismissed.append(other.pid)
        else:
            return
        made.reasons[asked.run_id] = "waits for a free slot: a worker is letting go of another model"

    def _gather(self, asked: Asked, made: Plan) -> None:
        """Start a run on several GPUs at once, or keep what is free for it and have idle workers leave theirs."""
        kind, needed = asked.key.device, asked.key.gpus
        free = self._free.get(kind, [])
        if len(free) >= needed:
            made.started[asked.run_id] = ",".join(free[:needed])
            del free[:needed]
            return
        if needed > self._reach:
            why = f": {self._full[kind]}" if self._full.get(kind) else ""
            made.reasons[asked.run_id] = f"needs {needed} GPUs at once, this server can use {self._reach}{why}"
            return
        made.reasons[asked.run_id] = f"gathers {needed} GPUs: {len(free)} free and kept for it"
        self._full[kind] = f"waits while run {asked.run_id} gathers {needed} GPUs"
        self._free[kind] = []
        missing = needed - len(free) - sum(device == kind for device in self._coming)
        for hand in [hand for hand in self._idle if hand.key is not None and hand.key.device == kind][
            : max(missing, 0)
        ]:
            self._idle.remove(hand)
            made.dismissed.append(hand.pid)
