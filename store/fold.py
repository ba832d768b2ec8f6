"""Events and commands of one run, folded into rows: the big tables grow, the small ones remember where the run is."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from typing import Any

from engine import events as ev
from engine.commands import Command
from engine.errors import JournalError
from engine.journal import Entry
from store.run_state import CycleRow, RunState
from store.status import LIFECYCLE, pause_message
from store.tables import Batch

TEXTS = {"samples", "scores", "rows", "values", "rubric"}


def utc(ts: str) -> datetime:
    """ISO 8601 as a UTC time without zone, as the tables hold it."""
    try:
        at = datetime.fromisoformat(ts)
    except ValueError:
        raise JournalError(f"{ts!r} is no time (ISO 8601); nothing after it was read.") from None
    return at.astimezone(UTC).replace(tzinfo=None) if at.tzinfo else at


def fold_command(state: RunState, batch: Batch, command: Command, position: int) -> None:
    """Take in one line of commands.jsonl."""
    at, c = utc(command.ts), command
    state.standing.command(c.type, at, pid=c.pid, exit_code=c.exit_code, message=c.message, log_tail=tuple(c.log_tail))
    state.changed = True
    if c.type == "adapters_removed":
        state.remove_adapters(c.cycles)
    batch.add(
        "commands", state.run_id, position, at, c.type, c.pid, c.exit_code, c.boot_id, c.device, c.priority, c.message,
        list(c.log_tail), list(c.cycles),
    )  # fmt: skip


def fold_entry(state: RunState, batch: Batch, entry: Entry) -> None:
    """Take in one line of events.jsonl."""
    at, event = utc(entry.ts), entry.event
    state.hear(at)
    batch.add("events", state.run_id, entry.seq, at, event.type, _payload(event))
    _fold_texts(state, batch, event)
    _fold_progress(state, batch, event, at)
    if event.type in LIFECYCLE:
        _fold_lifecycle(state, event, at)


def _fold_texts(state: RunState, batch: Batch, event: ev.Event) -> None:
    run_id = state.run_id
    match event:
        case ev.SamplesDrawn(cycle=cycle, purpose=purpose, drawn_by=drawn_by, samples=samples):
            batch.rows["samples"] += [
                (
                    s.sample_id, run_id, cycle, purpose, s.prompt_id, s.draw, drawn_by, s.prompt, s.response, s.tokens,
                    s.stop_reason, s.kept, s.kept_reason, s.words, s.sentences, s.mean_sentence_length,
                    s.repeat_4gram, s.echo,
                )
                for s in samples
            ]  # fmt: skip
        case ev.SamplesJudged(cycle=cycle, metric=metric, judge_id=judge_id, scores=scores):
            batch.rows["scores"] += [
                (s.sample_id, metric, judge_id, s.value, s.mass, s.variance, s.label, s.distribution, run_id, cycle)
                for s in scores
            ]
        case ev.RowsBuilt(cycle=cycle, rows=rows):
            batch.rows["training_rows"] += [(run_id, cycle, r.position, r.sample_id, r.role, r.pair) for r in rows]
        case ev.TrainStepped(cycle=cycle, step=step, values=values):
            batch.rows["train_steps"] += [(run_id, cycle, step, name, value) for name, value in values.items()]
        case _:
            pass


def _fold_progress(state: RunState, batch: Batch, event: ev.Event, at: datetime) -> None:
    match event:
        case ev.CycleStarted(cycle=cycle):
            row = state.cycle(cycle)
            row.started_at = row.started_at or at
        case ev.CycleFinished(cycle=cycle):
            row = state.cycle(cycle)
            row.status, row.finished_at = "finished", at
            state.closed_cycles.append(cycle)
        case ev.StageStarted(cycle=cycle, stage=stage, total=total):
            _start_stage(state, batch, cycle, stage, total, at)
        case ev.StageFinished(cycle=cycle, stage=stage, seconds=seconds, tokens=tokens):
            done = state.stage(cycle, stage)
            done.finished_at, done.seconds, done.tokens = at, seconds, tokens
        case ev.RowsBuilt(cycle=cycle, rows=rows):
            state.cycle(cycle).training_rows = len(rows)
        case ev.AdapterTrained():
            _fold_adapter(state, event)
        case ev.ChainMarked(cycle=cycle, rule=rule, message=message):
            state.cycle(cycle).stop_rules.append(f"{rule}: {message}")
        case ev.JudgeDeclared():
            if state.judges.get(event.metric) != event.judge_id:
                state.judges[event.metric] = event.judge_id
                state.declared.append(event)
        case _:
            pass


def _start_stage(state: RunState, batch: Batch, cycle: int, stage: ev.Stage, total: int, at: datetime) -> None:
    again = state.began(cycle, stage)
    row = state.stage(cycle, stage)
    row.started_at = row.started_at or at
    row.total, row.device = total, state.device
    if again and stage == "train":
        batch.discard("train_steps", state.run_id, cycle)
    if again and stage == "rows":
        batch.discard("training_rows", state.run_id, cycle)


def _fold_adapter(state: RunState, event: ev.AdapterTrained) -> None:
    row: CycleRow = state.cycle(event.cycle)
    row.status, row.adapter_path = "trained", None if event.cycle in state.removed else event.path
    for name in (
        "adapter_sha256", "init", "reference", "delta_norm", "gradient_norm_max", "trainable_parameters",
        "optimizer_steps", "logp_before", "logp_after", "rows_moved", "dropped_rows", "truncated_rows",
    ):  # fmt: skip
        setattr(row, name, getattr(event, name))
    row.notes = list(event.notes)


def _fold_lifecycle(state: RunState, event: ev.Event, at: datetime) -> None:
    message: str | None = None
    pid: int | None = None
    match event:
        case ev.RunStarted(device=device):
            state.device, pid = device, event.pid
        case ev.RunFailed(message=text):
            message = text
        case ev.RunCancelled(reason=text):
            message = text
        case ev.RunPaused(cause=cause, message=text):
            message = pause_message(cause, text)
        case ev.RunFinished():
            state.finished = True
        case _:
            pass
    state.standing.lifecycle(event.type, at, message=message, pid=pid)
    state.changed = True


def _payload(event: ev.Event) -> str:
    """The event without its texts: how many there were, and everything else."""
    plain: dict[str, Any] = {}
    for name, value in event:
        if name == "type":
            continue
        plain[name] = _plain(len(value) if name in TEXTS and isinstance(value, list | dict) else value)
    plain.pop("rubric", None)
    return json.dumps(plain, ensure_ascii=False, separators=(",", ":"))


def _plain(value: Any) -> Any:
    """JSON has no NaN; the number itself stands in its own table."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
