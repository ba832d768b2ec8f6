"""The preflight of resolved runs: counted work, the lab's past, the machine, put together."""

from __future__ import annotations

import os
import shutil
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from engine.disk import reserve_bytes
from engine.errors import IdemtuiError
from engine.gpus import VISIBLE
from engine.memory import CONTEXT
from engine.spec import RunSpec
from idemtui.preflight.costs import (
    disk_bytes,
    guessed_seconds,
    judge_price,
    judge_times,
    judge_tokens,
    memory_bytes,
    speed,
)
from idemtui.preflight.facts import Machine, Preflight, Source, StageEstimate
from idemtui.preflight.models import model_words, named_models
from idemtui.preflight.past import Key, Peak, Rate, held, peaks, rates
from idemtui.preflight.placing import gpu_bytes, placing_words
from idemtui.preflight.shape import Shape, shape_of
from idemtui.preflight.work import Work, work_of
from store.client import Client
from store.lab import Lab

ModelWords = Callable[[str], tuple[str, bool]]
STAGES = ("sample_train", "sample_rejected", "train", "sample_eval", "likelihood", "judge")


@dataclass(frozen=True)
class Past:
    """What the lab knows already; empty where it has no database yet."""

    rates: Mapping[Key, Rate] = field(default_factory=dict)
    held: Mapping[str, str] = field(default_factory=dict)
    peaks: Mapping[tuple[str, str], Peak] = field(default_factory=dict)


def past_of(client: Client) -> Past:
    """The lab's past; nothing where it cannot be asked, since a preflight must not need a lab."""
    try:
        return Past(rates(client), held(client), peaks(client))
    except IdemtuiError:
        return Past()


def machine_of(lab: Lab, status: Mapping[str, object] | None) -> Machine:
    """The machine as the lab's server says, or as one would find it where none runs."""
    import psutil

    folder = next(path for path in (lab.root, *lab.root.parents) if path.exists())
    said = status or _seen(lab)
    device = str(said["device"])
    memory, name = psutil.virtual_memory().available, "memory"
    gpus = _gpus() if device != "cpu" else []
    if gpus:
        memory, name = max(gpus)
    return Machine(
        disk_free=shutil.disk_usage(folder).free,
        disk_reserve=reserve_bytes(),
        memory_free=memory,
        memory_of=name,
        device=device,
        threads=int(str(said["threads"])),
        slots=int(str(said["slots"])),
    )


def _seen(lab: Lab) -> Mapping[str, object]:
    from idemtui.server.seen import places_seen

    places = places_seen(lab)
    return {"device": places.device, "threads": places.threads, "slots": places.count}


def _gpus() -> list[tuple[int, str]]:
    """Free bytes and name of every GPU that this process may use."""
    from idemtui.server.devices import DevicesError, NvmlReader, visible

    try:
        seen = visible(NvmlReader().read(), os.environ.get(VISIBLE))
    except DevicesError:
        return []
    return [(gpu.total - gpu.used, f"{gpu.name} {gpu.index}") for gpu in seen]


def preflight(
    specs: Sequence[RunSpec], past: Past, machine: Machine, *, models: ModelWords | None = model_words
) -> Preflight:
    """What queueing these runs would ask of the machine; imports no torch and reads no weights.

    `models` says of each model what stands in its files, and asks the hub for those not here; None looks at none.
    """
    statuses = [past.held.get(spec.run_id) for spec in specs]
    new = [spec for spec, status in zip(specs, statuses, strict=True) if status != "finished"]
    kinds = _kinds(new)
    shapes = cache(shape_of)
    memory = [_memory(s, machine, past) for s, _, _ in kinds]
    disk = [(disk_bytes(s, work, shapes(s.run.model)), count) for s, work, count in kinds]
    known = [size for size in memory if size is not None]
    words = [models(name) for name in named_models(new)] if models else []
    return Preflight(
        runs=len(specs),
        controls=sum(spec.run.control is not None for spec in specs),
        finished=statuses.count("finished"),
        unfinished=sum(status not in (None, "finished") for status in statuses),
        stages=_stages(kinds, past, machine),
        judgements=sum(work.judgements * count for _, work, count in kinds),
        judge_tokens=sum(judge_tokens(spec, work) * count for spec, work, count in kinds),
        judge_requests=sum(w.judgements * judge_times(s) * n for s, w, n in kinds if s.judge.server is not None),
        judge_price=_price([(judge_price(spec, work), count) for spec, work, count in kinds]),
        judges=tuple(sorted({spec.judge.model for spec in specs})),
        memory_source=_remembered(new, past),
        memory=max(known) if known and len(known) == len(memory) else None if memory else 0,
        disk=None if any(size is None for size, _ in disk) else sum((size or 0) * count for size, count in disk),
        machine=machine,
        models=tuple(line for line, fine in words if fine),
        unfit=tuple(line for line, fine in words if not fine),
        assumed=_assumed(new, machine) + (placing_words(new, machine) if machine.device != "cpu" else ()),
        short=_short(new),
    )


def _short(specs: Sequence[RunSpec]) -> str:
    from store.statistics.chain import LATE

    short = sum(spec.run.cycles < LATE for spec in specs)
    runs = f"{short} run{' ends' if short == 1 else 's end'}"
    return f"{runs} before cycle {LATE} and will have no verdict; run.cycles says how long" if short else ""


def _memory(spec: RunSpec, machine: Machine, past: Past) -> int | None:
    """By shape, times what such a run took before over what its shape said, where the lab has had one."""
    guessed = _guessed_memory(spec, machine)
    peak = past.peaks.get((spec.run.model, spec.run.regime))
    if guessed is None or peak is None:
        return guessed
    before = RunSpec.model_validate_json(peak.spec)
    if before.execution.device.partition(":")[0] != machine.device.partition(":")[0]:
        return guessed
    expected = _guessed_memory(before, machine)
    taken = peak.memory + (0 if machine.device == "cpu" else CONTEXT)
    return guessed if not expected else int(guessed * taken / expected)


def _remembered(specs: Sequence[RunSpec], past: Past) -> Source:
    """Whether the lab has had runs like these, all or some of them."""
    had = {(spec.run.model, spec.run.regime) in past.peaks for spec in specs}
    return "measured" if had == {True} else "mixed" if True in had else "shape"


def _guessed_memory(spec: RunSpec, machine: Machine) -> int | None:
    needed = gpu_bytes(spec) if machine.device != "cpu" else None
    if needed is not None:
        return needed
    return memory_bytes(spec, shape_of(spec.run.model), _judge(spec, shape_of), machine.device)


def _price(prices: Sequence[tuple[float | None, int]]) -> float | None:
    known = [price * count for price, count in prices if price is not None]
    return sum(known) if known else None


def _judge(spec: RunSpec, shapes: Callable[[str], Shape | None]) -> Shape | None:
    """The shape of a judge that this machine loads; None where a server judges."""
    return shapes(spec.judge.local_model) if spec.judge.local_model else None


def _kinds(specs: Sequence[RunSpec]) -> list[tuple[RunSpec, Work, int]]:
    """Runs that differ in their seed alone cost the same: one of each kind, its work, and how many there are."""
    kinds: dict[str, list[RunSpec]] = defaultdict(list)
    for spec in specs:
        same = spec.run.model_copy(update={"seed": 0})
        parts = (same, spec.data, spec.train, spec.seed_train, spec.sample, spec.eval, spec.judge, spec.forked_at_cycle)
        kinds[repr(parts)].append(spec)
    return [(alike[0], work_of(alike[0]), len(alike)) for alike in kinds.values()]


def _stages(kinds: Sequence[tuple[RunSpec, Work, int]], past: Past, machine: Machine) -> tuple[StageEstimate, ...]:
    shapes = cache(shape_of)
    at = speed(machine.device, machine.threads)
    totals: dict[str, list[StageEstimate]] = {stage: [] for stage in STAGES}
    for spec, work, count in kinds:
        items = {
            "sample_train": work.drawn,
            "sample_rejected": work.rejected,
            "train": work.rows,
            "sample_eval": work.answers,
            "likelihood": work.measured,
            "judge": work.judgements,
        }
        guessed = guessed_seconds(spec, work, shapes(spec.run.model), _judge(spec, shapes), at)
        for stage, number in items.items():
            by = spec.judge.model if stage == "judge" else spec.run.model
            rate = past.rates.get((stage, by, spec.run.regime))
            totals[stage].append(_estimate(stage, number, count, rate, guessed.get(stage)))
    return tuple(_together(stage, parts) for stage, parts in totals.items())


def _estimate(stage: str, items: int, count: int, rate: Rate | None, guess: float | None) -> StageEstimate:
    if rate is not None:
        return StageEstimate(stage, items * count, rate.seconds_per_item * items * count, "measured", rate.runs)
    if guess is None:
        return StageEstimate(stage, items * count, None if items else 0.0, "unknown" if items else "shape")
    return StageEstimate(stage, items * count, guess * count, "shape")


def _together(stage: str, parts: Sequence[StageEstimate]) -> StageEstimate:
    sources: set[Source] = {part.source for part in parts if part.items}
    unknown = any(part.seconds is None for part in parts)
    source: Source = "unknown" if unknown else sources.pop() if len(sources) == 1 else "mixed" if sources else "shape"
    return StageEstimate(
        stage,
        sum(part.items for part in parts),
        None if unknown else sum(part.seconds or 0.0 for part in parts),
        source,
        max((part.runs for part in parts), default=0),
    )


def _assumed(specs: Sequence[RunSpec], machine: Machine) -> tuple[str, ...]:
    lines = ["every answer is as long as max_tokens allows, where its stage was never measured here"]
    for name in sorted({name for spec in specs for name in (spec.run.model, spec.judge.local_model) if name}):
        shape = shape_of(name)
        if shape is None:
            lines.append(f"{name} is not on this machine and its name gives no size: time and memory are unknown")
        elif shape.by_name:
            lines.append(f"{name} is not on this machine: {shape.parameters / 1e9:.3g} B parameters by its name")
    if any(spec.judge.server for spec in specs):
        lines.append(
            "a server's judging takes as long as this lab's past questions to it; unknown where there are none"
        )
    if machine.device == "cpu":
        lines.append(f"unmeasured stages: {machine.threads} threads of 12 GFLOP/s drawing, 8 training")
    else:
        lines.append("unmeasured stages: a GPU of 15 TFLOP/s drawing, 60 judging, 80 training")
    return tuple(lines)
