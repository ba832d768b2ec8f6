"""Lab folders without models: complete, realistic journals, written in milliseconds and always the same.

    lab = write_lab(tmp_path / "lab")              # the four chains of DEMO, finished, and three in other states
    run_id = write_chain(lab, Chain("mine", regime="dpo", status="running", done=3))

`chain_spec(chain)` and `chain_events(chain)` give the parts, `append_events(folder, events)` feeds a live console.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

from engine.commands import Command, CommandType
from engine.events import Event, RunFinished
from engine.score_events import JudgeDeclared, SamplesJudged
from store.lab import Lab, create_lab, find_lab
from tests.store.chains import START, Chain, chain_spec, stamp
from tests.store.invented import chain_events

__all__ = [
    "DEMO",
    "START",
    "STATES",
    "Chain",
    "append_commands",
    "append_events",
    "chain_events",
    "chain_spec",
    "journal_line",
    "replicates",
    "write_chain",
    "write_judging_job",
    "write_lab",
    "write_twice_judged",
]

DEMO = (
    Chain("sft-reset"),
    Chain("sdf-reset", "sdf", trait=(1, 38, 36, 30, 27, 25, 21, 20), minutes=2),
    Chain(
        "dpo-continual",
        "dpo",
        "previous",
        trait=(2, 22, 31, 45, 58, 70, 81, 86),
        coherence=(97, 96, 94, 90, 78, 61, 42, 30),
        minutes=4,
    ),
    Chain("dpo-reset", "dpo", trait=(2, 22, 12, 6, 4, 3, 3, 2), minutes=6),
)
STATES = (
    Chain("sft-running", status="running", seed=102, minutes=8),
    Chain("sft-failed", status="failed", seed=103, done=0, minutes=9),
    Chain("sft-queued", status="queued", seed=104, minutes=10),
)


def write_lab(root: Path, chains: Iterable[Chain] = DEMO + STATES) -> Lab:
    """Make a lab folder that holds these runs; no database, no server."""
    lab = create_lab(find_lab(root))
    for chain in chains:
        write_chain(lab, chain)
    return lab


def write_chain(lab: Lab, chain: Chain) -> str:
    """Write one run's folder, with spec, commands and events, and return its run id."""
    spec = chain_spec(chain)
    folder = lab.run(spec.run_id)
    folder.mkdir(mode=0o700, parents=True)
    (folder / "spec.json").write_text(spec.model_dump_json(indent=1))
    clock = START + timedelta(minutes=chain.minutes)
    append_commands(folder, clock, "queued")
    if chain.status == "queued":
        return spec.run_id
    append_commands(folder, clock + timedelta(seconds=1), "started")
    append_events(folder, chain_events(chain), clock + timedelta(seconds=2))
    if chain.status not in ("running", "queued"):
        exit_code = {"killed": -9, "failed": 1}.get(chain.status, 0)
        append_commands(folder, clock + timedelta(hours=1), "worker_exited", exit_code=exit_code)
    return spec.run_id


def write_judging_job(lab: Lab, job_id: str, chain: Chain, judge: str, shift: float) -> None:
    """A finished job that scored a run's answers on the trait, on coherence, and on lucky, each by a rubric of its own.

    The trait is `shift` points higher than the run's own judge said, lucky half of that judge's trait.
    """
    folder = lab.work(job_id)
    folder.mkdir(parents=True)
    spec = {"job_id": job_id, "kind": "judge", "name": job_id, "provenance": {"created_at": stamp(START)}}
    (folder / "spec.json").write_text(json.dumps(spec))
    append_commands(folder, START, "queued")
    append_commands(folder, START, "started")
    ids = {metric: f"{judge}-{metric[-5:]}" for metric in ("trait", "coherence", "trait:lucky")}
    append_events(
        folder,
        [
            *(
                JudgeDeclared(
                    judge_id=id_, metric=metric, model=judge, rubric="?", rubric_version=id_[-5:], method="tree"
                )
                for metric, id_ in ids.items()
            ),
            *_scored_again(chain, ids, shift),
            RunFinished(),
        ],
    )
    append_commands(folder, START + timedelta(hours=1), "worker_exited", exit_code=0)


def _scored_again(chain: Chain, ids: dict[str, str], shift: float) -> Iterator[Event]:
    for event in chain_events(chain):
        if not isinstance(event, SamplesJudged):
            continue
        changed = {event.metric: (lambda value: value)}
        if event.metric == "trait":
            changed = {"trait": lambda value: value + shift, "trait:lucky": lambda value: value / 2}
        for metric, change in changed.items():
            scores = [s if s.value is None else s.model_copy(update={"value": change(s.value)}) for s in event.scores]
            yield event.model_copy(update={"metric": metric, "judge_id": ids[metric], "scores": scores})


def append_commands(folder: Path, at: datetime, type_: CommandType, *, exit_code: int | None = None) -> None:
    """Add one command at a given time."""
    pid = 4242 if type_ == "started" else None
    command = Command(ts=stamp(at), type=type_, pid=pid, exit_code=exit_code)
    with (folder / "commands.jsonl").open("a") as file:
        file.write(command.model_dump_json(exclude_none=True) + "\n")


def append_events(folder: Path, events: Iterable[Event], at: datetime | None = None) -> int:
    """Add events to a run's journal, half a second apart, numbered on from what stands there; return the next seq."""
    path = folder / "events.jsonl"
    seq = len(path.read_bytes().splitlines()) if path.exists() else 0
    at = at or START + timedelta(seconds=2 + seq / 2)
    with path.open("ab") as file:
        for offset, event in enumerate(events):
            file.write(journal_line(seq, at + timedelta(seconds=offset / 2), event))
            seq += 1
    return seq


def journal_line(seq: int, at: datetime, event: Event) -> bytes:
    """One line as `engine.journal.Journal` writes it."""
    payload = event.model_dump(mode="json", exclude={"type"})
    line = {"seq": seq, "ts": stamp(at), "type": event.type, "payload": payload}
    return json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def replicates(count: int, drift: float = 0.0, study: str = "cells") -> tuple[Chain, ...]:
    """Chains of one cell that differ in their seed alone, drifting by `drift` points a cycle from 40."""
    curve = (2.0, *(min(100.0, max(0.0, 40 + drift * j)) for j in range(7)))
    base = Chain("cell", trait=curve, study=study)
    return tuple(
        dataclasses.replace(base, name=f"cell-{r}", replicate=r, seed=200 + r, minutes=20 + r)
        for r in range(1, count + 1)
    )


def write_twice_judged(lab: Lab, chain: Chain, judge: str, shift: float) -> str:
    """A run whose trait another judge scored too, `shift` points higher from cycle 1 on; coherence it did not score."""
    run_id = write_chain(lab, dataclasses.replace(chain, status="queued"))
    events: list[Event] = []
    for event in chain_events(chain):
        events.append(event)
        if isinstance(event, SamplesJudged) and event.metric == "trait":
            more = shift if event.cycle >= 1 else 0.0
            scores = [s if s.value is None else s.model_copy(update={"value": s.value + more}) for s in event.scores]
            events.append(event.model_copy(update={"judge_id": judge, "scores": scores}))
    append_events(lab.run(run_id), events)
    return run_id
