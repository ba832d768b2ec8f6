"""Whole chains made elsewhere: one JSONL file of texts a cycle becomes a finished run without adapters.

    base.jsonl or -1.jsonl    what M_init wrote (may be missing)
    cycle_0.jsonl, 1.jsonl …  what M_0, M_1, … wrote; the number at the end of a name is the cycle

A row is {"prompt", "completion"} (or "response"), {"messages": [user, assistant]}, or {"text"}. Every file is read
before anything is written; a cycle that is missing is named and refused, or kept as a gap where that is asked for.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from engine.errors import PackError, UsageError
from engine.events import CycleFinished, CycleStarted, Event, RunFinished, Sample, SamplesDrawn, prompt_id, sample_id
from engine.journal import Journal
from engine.lineage import BASE
from engine.lines import write_lines
from engine.measures import measure_text
from engine.seed_files import SeedRow, file_sha256, read_seed_file
from engine.spec import Imported, RunSpec, spec_identity

NUMBER = re.compile(r"\d{1,4}$")


def cycle_files(paths: Sequence[Path]) -> dict[int, Path]:
    """Files by cycle, of folders and files; UsageError for a name without a cycle, or two files of one."""
    files = [file for path in paths for file in (sorted(path.glob("*.jsonl")) if path.is_dir() else [path])]
    found: dict[int, Path] = {}
    for file in files:
        cycle = _cycle(file)
        if cycle in found:
            raise UsageError(f"{file} and {found[cycle]} are both cycle {cycle}; give one file a cycle.")
        found[cycle] = file
    if not found:
        raise UsageError(f"no .jsonl file in {', '.join(map(str, paths))}; give one file a cycle.")
    return dict(sorted(found.items()))


def _cycle(file: Path) -> int:
    if file.stem in ("base", "-1"):
        return BASE
    number = NUMBER.search(file.stem)
    if number is None:
        raise UsageError(f"{file}: its name ends in no cycle; call it base.jsonl, cycle_0.jsonl, cycle_1.jsonl, …")
    return int(number[0])


def missing_cycles(files: dict[int, Path]) -> tuple[int, ...]:
    """Cycles from 0 to the last that have no file."""
    return tuple(cycle for cycle in range(max(files) + 1) if cycle not in files)


def read_chain(files: dict[int, Path]) -> dict[int, list[SeedRow]]:
    """Every text by cycle; PackError with every bad line of the first file that has any."""
    return {cycle: read_seed_file(file) for cycle, file in files.items()}


def imported_spec(spec: RunSpec, files: dict[int, Path], source: str) -> RunSpec:
    """The resolved spec as that of an imported run: where from, which bytes, which cycles are missing."""
    hashes = {str(cycle): file_sha256(file) for cycle, file in files.items()}
    told = Imported(source=source, files=hashes, missing=missing_cycles(files))
    run = spec.run.model_copy(update={"cycles": max(max(files), 0)})
    spec = spec.model_copy(update={"run": run, "imported": told})
    return spec.model_copy(update={"run_id": spec_identity(spec)})


def write_run(runs: Path, spec: RunSpec, rows: dict[int, list[SeedRow]]) -> bool:
    """Make the run's folder whole or not at all; False where the lab holds it already."""
    folder = runs / spec.run_id
    if folder.exists():
        return False
    draft = runs / f".import-{spec.run_id}-{os.getpid()}"
    try:
        draft.mkdir(mode=0o700, parents=True)
        write_lines(draft / "spec.json", spec.model_dump_json(indent=2).split("\n"))
        with Journal(draft / "events.jsonl") as journal:
            for event in _events(spec, rows):
                journal.append(event, durable=isinstance(event, RunFinished))
        draft.rename(folder)
    except OSError as error:
        raise PackError(f"{folder}: {error.strerror}; nothing was imported.") from None
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return True


def _events(spec: RunSpec, rows: dict[int, list[SeedRow]]) -> Iterator[Event]:
    for cycle, texts in rows.items():
        yield CycleStarted(cycle=cycle)
        samples = _samples(spec, cycle, texts)
        yield SamplesDrawn(cycle=cycle, purpose="eval", drawn_by=cycle, batch=0, samples=samples)
        yield CycleFinished(cycle=cycle)
    yield RunFinished(cycles_done=spec.run.cycles)


def _samples(spec: RunSpec, cycle: int, rows: Sequence[SeedRow]) -> list[Sample]:
    met: dict[str, int] = {}
    samples = []
    for row in rows:
        name = prompt_id(row.prompt)
        draw = met[name] = met.get(name, -1) + 1
        samples.append(
            Sample(
                sample_id=sample_id(spec.run_id, cycle, "eval", name, draw),
                prompt_id=name,
                draw=draw,
                prompt=row.prompt,
                response=row.response,
                tokens=0,
                stop_reason="given",
                **asdict(measure_text(row.prompt, row.response)),
            )
        )
    return samples
