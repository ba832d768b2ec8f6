"""Where a fork comes from: the cycles that it takes over from its ancestors, by reference.

A fork's run folder holds only what the fork did itself. What it goes on from is read from its ancestors' journals, cut
to the cycles up to the fork, and their adapters are used where they lie: nothing is copied, computed or written again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from engine.adapter_files import weights_file
from engine.errors import ResumeError, SpecError
from engine.events import AdapterTrained, CycleFinished, CycleStarted, SamplesDrawn, SamplesSelected
from engine.journal import read_some
from engine.lineage import BASE, lineage, measured
from engine.prompt_plan import training_draws
from engine.run_folder import read_spec
from engine.spec import RunSettings, RunSpec
from engine.state import State

INHERITED = ("cycle_started", "cycle_finished", "adapter_trained")
TEXTS = (*INHERITED, "samples_drawn", "samples_selected")
Inherited = CycleStarted | CycleFinished | AdapterTrained | SamplesDrawn | SamplesSelected


def adapters_needed(run: RunSettings, at: int) -> frozenset[int]:
    """The cycles ≤ `at` whose adapters making the cycles after `at` still takes; none where nothing comes after it."""
    needed: set[int | None] = set()
    for cycle in range(max(at, BASE) + 1, min(run.cycles, at + 2) + 1):
        needed.add(measured(run, cycle))
        models = lineage(run, cycle)
        if models is not None:
            needed |= {models.init, models.reference, models.writer, models.rejected}
    return frozenset(cycle for cycle in needed if cycle is not None and BASE < cycle <= at)


def inherited_events(runs: Path, spec: RunSpec, *, texts: bool = False) -> Iterator[Inherited]:
    """What the ancestors of a fork did up to the fork, oldest first, adapters by absolute path; nothing for others.

    `runs` is the folder of all run folders; `texts` adds what was trained on. ResumeError where an ancestor is gone.
    """
    if spec.parent_run_id is not None and spec.forked_at_cycle is not None:
        yield from _events_of(runs, spec.parent_run_id, spec.forked_at_cycle, spec, texts)


def _events_of(runs: Path, run_id: str, at: int, fork: RunSpec, texts: bool) -> Iterator[Inherited]:
    folder = runs / run_id
    for event in inherited_events(runs, _ancestor(folder, fork), texts=texts):
        if event.cycle <= at:
            yield event
    for event in _own_events(folder, texts):
        if event.cycle <= at:
            yield event


def _own_events(folder: Path, texts: bool) -> Iterator[Inherited]:
    path = folder / "events.jsonl"
    for event in read_some(path, TEXTS if texts else INHERITED) if path.exists() else ():
        if isinstance(event, AdapterTrained):
            yield event.model_copy(update={"path": str(folder.absolute() / event.path)})
        elif isinstance(event, CycleStarted | CycleFinished | SamplesDrawn | SamplesSelected) and not _measures(event):
            yield event


def _measures(event: Inherited) -> bool:
    return isinstance(event, SamplesDrawn) and event.purpose == "eval"


def _ancestor(folder: Path, fork: RunSpec) -> RunSpec:
    try:
        return read_spec(folder)
    except SpecError as error:
        raise ResumeError(f"{fork.name} goes on from run {folder.name}, which cannot be read: {error}") from None


def check_parent(runs: Path, spec: RunSpec) -> None:
    """Raise ResumeError where the run is a fork and what it goes on from is missing: run, cycle or adapter."""
    at = spec.forked_at_cycle
    if spec.parent_run_id is None or at is None:
        return
    state = _inherited_state(runs, spec)
    if at not in state.cycles_finished:
        done = sorted(state.cycles_finished)
        raise ResumeError(
            f"{spec.name} goes on from cycle {at} of run {spec.parent_run_id}, which has not finished it "
            f"(finished up to it: {', '.join(map(str, done)) or 'none'}); finish that run, or fork at an earlier cycle."
        )
    for cycle in sorted(adapters_needed(spec.run, at)):
        _check_there(spec, state, cycle)


def can_begin(runs: Path, spec: RunSpec) -> bool:
    """Whether the cycle that a fork goes on from is finished; True for a run that is no fork."""
    return spec.forked_at_cycle is None or spec.forked_at_cycle in _inherited_state(runs, spec).cycles_finished


def _inherited_state(runs: Path, spec: RunSpec) -> State:
    state = State()
    for event in inherited_events(runs, spec):
        state.apply(event)
    return state


def _check_there(spec: RunSpec, state: State, cycle: int) -> None:
    trained = state.adapters.get(cycle)
    if trained is None or not weights_file(Path(trained.path)).is_file():
        where = "was never trained" if trained is None else f"is gone ({trained.path})"
        raise ResumeError(
            f"{spec.name} needs the adapter of cycle {cycle} that run {spec.parent_run_id} has or inherits, which "
            f"{where}; restore it, or fork at another cycle."
        )


def repeated_prompts(runs: Path, spec: RunSpec, pool: Sequence[str]) -> int:
    """How many of the fork's own training prompts stood in its inherited cycles too; 0 for a run that is no fork.

    That happens where `run.seed` or `run.n_sampled` differ from an ancestor's, and where prompts are reused anyway.
    """
    if spec.forked_at_cycle is None:
        return 0
    used: set[str] = set()
    for ancestor, cycles in _inherited_cycles(runs, spec):
        used |= _prompts(pool, ancestor, cycles)
    return len(used & _prompts(pool, spec, range(spec.forked_at_cycle + 1, spec.run.cycles + 1)))


def _prompts(pool: Sequence[str], spec: RunSpec, cycles: range) -> set[str]:
    plans = (training_draws(pool, spec.run.seed, cycle, spec.run.n_sampled) for cycle in cycles if cycle > 0)
    return {draw.prompt_id for plan in plans for draw in plan}


def _inherited_cycles(runs: Path, spec: RunSpec) -> Iterator[tuple[RunSpec, range]]:
    """Each ancestor with those of its own cycles that the fork takes over."""
    last = spec.run.cycles
    while spec.parent_run_id is not None and spec.forked_at_cycle is not None:
        last = min(last, spec.forked_at_cycle)
        spec = _ancestor(runs / spec.parent_run_id, spec)
        first = BASE if spec.forked_at_cycle is None else spec.forked_at_cycle + 1
        yield spec, range(first, last + 1)
