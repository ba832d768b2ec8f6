"""Events and commands of one run or job, folded into rows: the big tables grow, the small ones remember where it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any

import msgspec

from engine import events as ev
from engine.commands import Command
from engine.errors import JournalError
from engine.journal import Entry
from store.reading import event_structs
from store.run_state import CycleRow, RunState
from store.status import LIFECYCLE, pause_message
from store.tables import Batch

TEXTS = {"samples", "scores", "likelihoods", "rows", "values", "dropped"}
LEFT = {
    type_: [name for name in struct.__struct_fields__ if name not in ("type", "rubric")]
    for type_, struct in event_structs().items()
}
"""Fields of each event that its log keeps, texts as counts."""
SAMPLE = attrgetter(
    "sample_id", "prompt_id", "draw", "prompt", "response", "tokens", "stop_reason", "kept", "kept_reason", "words",
    "sentences", "mean_sentence_length", "repeat_4gram", "echo",
)  # fmt: skip
SCORE = attrgetter("sample_id", "value", "mass", "variance", "label", "distribution")
LIKELIHOOD = attrgetter("sample_id", "tokens", "nll", "init_nll", "kl", "block_tokens", "block_nll")
ROW = attrgetter("position", "sample_id", "role", "pair")


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
    batch.add("stored_events", state.run_no, entry.seq, at, event.type, _payload(event))
    _fold_texts(state, batch, event)
    _fold_progress(state, batch, event, at)
    if event.type in LIFECYCLE:
        _fold_lifecycle(state, event, at)


def _fold_texts(state: RunState, batch: Batch, event: ev.Event) -> None:
    run_no = state.run_no
    if event.type == "samples_drawn" and event.samples:
        ids, prompt_ids, draws, *rest = _transposed(SAMPLE, event.samples)
        head = run_no, ids, event.cycle, event.purpose, prompt_ids, draws, event.drawn_by
        batch.extend("stored_samples", len(ids), *head, *rest)
    elif event.type == "samples_judged" and event.scores:
        ids, *rest = _transposed(SCORE, event.scores)
        batch.extend("stored_scores", len(ids), run_no, ids, event.metric, event.judge_id, *rest, event.cycle)
        if event.requests or event.known:
            batch.add(
                "stored_judging", run_no, event.cycle, event.metric, event.judge_id, event.batch, len(ids),
                event.requests, event.prompt_tokens, event.completion_tokens, event.known, event.cost,
            )  # fmt: skip
    elif event.type == "samples_selected":
        batch.dropped += [(run_no, event.cycle, each.sample_id, each.reason) for each in event.dropped]
        batch.size += len(event.dropped)
    elif event.type == "likelihoods_measured" and event.likelihoods:
        ids, *rest = _transposed(LIKELIHOOD, event.likelihoods)
        batch.extend("stored_likelihoods", len(ids), run_no, ids, event.cycle, *rest)
    elif event.type == "diversity_measured":
        distinct = event.distinct_1, event.distinct_2, event.distinct_3
        batch.add("cycle_diversity", state.run_id, event.cycle, event.budget, event.words, *distinct)
    elif event.type == "rows_built" and event.rows:
        rows = _transposed(ROW, event.rows)
        batch.extend("stored_training_rows", len(rows[0]), run_no, event.cycle, *rows)
    elif event.type == "train_stepped":
        names, values = list(event.values), list(event.values.values())
        batch.extend("stored_train_steps", len(names), run_no, event.cycle, event.step, names, values)


def _transposed(getter: Callable[[Any], tuple[Any, ...]], items: Sequence[Any]) -> list[tuple[Any, ...]]:
    return list(zip(*map(getter, items), strict=True))


def _fold_progress(state: RunState, batch: Batch, event: ev.Event, at: datetime) -> None:
    if event.type == "cycle_started":
        row = state.cycle(event.cycle)
        row.started_at = row.started_at or at
    elif event.type == "cycle_finished":
        row = state.cycle(event.cycle)
        row.status, row.finished_at = "finished", at
        state.closed_cycles.append(event.cycle)
    elif event.type == "stage_started":
        _start_stage(state, batch, event.cycle, event.stage, event.total, at)
    elif event.type == "stage_finished":
        done = state.stage(event.cycle, event.stage)
        done.finished_at, done.seconds, done.tokens, done.memory = at, event.seconds, event.tokens, event.memory
    elif event.type == "rows_built":
        state.cycle(event.cycle).training_rows = len(event.rows)
    elif event.type == "adapter_trained":
        _fold_adapter(state, event)
    elif event.type == "chain_marked":
        state.cycle(event.cycle).stop_rules.append(f"{event.rule}: {event.message}")
    elif event.type == "job_progressed":
        state.progress, state.changed = (event.done, event.total), True
    elif event.type == "dose_measured":
        batch.add(
            "doses", state.run_id, event.n_seed, event.seed, event.trait, event.coherence, list(event.prompt_means),
            event.n, event.nulls,
        )  # fmt: skip
    elif event.type == "judge_declared" and state.judges.get(event.metric) != event.judge_id:
        state.judges[event.metric] = event.judge_id
        state.declared.append(event)


def _start_stage(state: RunState, batch: Batch, cycle: int, stage: ev.Stage, total: int, at: datetime) -> None:
    again = state.began(cycle, stage)
    row = state.stage(cycle, stage)
    row.started_at = row.started_at or at
    row.total, row.device = total, state.device
    if again and stage == "train":
        batch.discard("stored_train_steps", state.run_no, cycle)
    if again and stage == "rows":
        batch.discard("stored_training_rows", state.run_no, cycle)


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
    if event.type == "run_started":
        state.device, pid = event.device, event.pid
    elif event.type == "run_failed":
        message, pid = event.message, event.pid
    elif event.type == "run_cancelled":
        message, pid = event.reason, event.pid
    elif event.type == "run_paused":
        message, pid = pause_message(event.cause, event.message), event.pid
    elif event.type == "run_finished":
        state.finished = True
    state.standing.lifecycle(event.type, at, message=message, pid=pid)
    state.changed = True


def _payload(event: ev.Event) -> str:
    """The event without its texts: how many there were, and everything else; what is no number becomes null."""
    plain: dict[str, Any] = {}
    for name in LEFT[event.type]:
        value = getattr(event, name)
        plain[name] = len(value) if name in TEXTS and isinstance(value, list | dict) else value
    return msgspec.json.encode(plain).decode()
