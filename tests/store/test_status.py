"""Where a run stands: what people and queue asked, what workers said, and clocks that cannot be trusted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from engine.commands import Command
from engine.events import AdapterTrained, Event, RunCancelled, RunFailed, RunFinished, RunPaused, RunStarted
from store.ingest import Ingest
from store.lab import Lab, create_lab, find_lab
from tests.store.chains import START, stamp
from tests.store.journals import Chain, append_events, chain_events, chain_spec, write_chain
from tests.store.tables import dump, ingested, memory

SMALL: dict[str, Any] = {"prompts": 3, "draws": 2, "n_seed": 4, "n_sampled": 4, "steps": 2}
Line = tuple[str, dict[str, Any]] | Event
PAUSED = RunPaused(cause="asked", message="paused as asked")
CANCELLED = RunCancelled(reason="asked to")
FINISHED = RunFinished(cycles_done=3)
FAILED = RunFailed(error="GuardError", message="0 steps")


def said(pid: int) -> RunStarted:
    return RunStarted(pid=pid, host="box", device="cpu", threads=1, resumed=False)


def ended(event: RunFailed | RunCancelled | RunPaused, pid: int) -> Event:
    return event.model_copy(update={"pid": pid})


def command(type_: str, **values: Any) -> Line:
    return type_, values


QUEUED, PAUSE, CANCEL, DONE = (command(t) for t in ("queued", "pause_requested", "cancel_requested", "worker_exited"))
A, B = command("started", pid=1), command("started", pid=2)
ENDED = command("worker_exited", exit_code=0)
KILLED = command("worker_exited", exit_code=-9)
OUT_OF_MEMORY = command("worker_exited", exit_code=-9, message="killed for memory", log_tail=("loading", "Killed"))
SILENT = command("worker_silent", message="no word for 30 minutes")
STORIES: dict[str, tuple[Sequence[Line], str, str | None]] = {
    "asked for": ([QUEUED], "queued", None),
    "a worker that has not spoken": ([QUEUED, A], "queued", None),
    "at work": ([QUEUED, A, said(1)], "running", None),
    "finished": ([QUEUED, A, said(1), FINISHED, ENDED], "finished", None),
    "failed": ([QUEUED, A, said(1), FAILED, ENDED], "failed", "0 steps"),
    "paused": ([QUEUED, A, said(1), PAUSE, PAUSED], "paused", "paused as asked"),
    "paused and gone": ([QUEUED, A, said(1), PAUSE, PAUSED, ENDED], "paused", "paused as asked"),
    "paused and queued": ([QUEUED, A, said(1), PAUSE, PAUSED, ENDED, QUEUED], "queued", None),
    "paused, queued before its worker was gone": ([QUEUED, A, said(1), PAUSE, PAUSED, QUEUED, ENDED], "queued", None),
    "paused and at work again": ([QUEUED, A, said(1), PAUSE, PAUSED, ENDED, QUEUED, B, said(2)], "running", None),
    "taken up by the same worker": ([QUEUED, A, said(1), PAUSED, ENDED, QUEUED, A], "queued", None),
    "at work in the same worker": ([QUEUED, A, said(1), PAUSED, ENDED, QUEUED, A, said(1)], "running", None),
    "paused before a worker took it": ([QUEUED, PAUSE], "paused", "paused before it began"),
    "cancelled before a worker took it": ([QUEUED, CANCEL], "cancelled", "cancelled before it began"),
    "asked to pause, at work": ([QUEUED, A, said(1), PAUSE], "running", None),
    "asked to pause, then to go on": ([QUEUED, A, said(1), PAUSE, QUEUED], "running", None),
    "paused, then cancelled": (
        [QUEUED, A, said(1), PAUSED, ENDED, CANCEL], "cancelled", "cancelled while no worker had it",
    ),
    "cancelled": ([QUEUED, A, said(1), CANCEL, CANCELLED, ENDED], "cancelled", "asked to"),
    "cancelled and queued": ([QUEUED, A, said(1), CANCEL, CANCELLED, ENDED, QUEUED], "queued", None),
    "killed while pausing": ([QUEUED, A, said(1), PAUSE, KILLED], "failed", "(signal 9)"),
    "told to end while pausing": (
        [QUEUED, A, said(1), PAUSE, command("worker_exited", exit_code=143)], "paused", "paused; the",
    ),
    "killed while cancelling": ([QUEUED, A, said(1), CANCEL, KILLED], "cancelled", "cancelled; the worker ended"),
    "disk too full to say so": ([QUEUED, A, said(1), command("worker_exited", exit_code=75)], "paused", "disk"),
    "out of memory": ([QUEUED, A, said(1), OUT_OF_MEMORY], "failed", "killed for memory"),
    "died before it spoke": ([QUEUED, A, KILLED], "failed", "(signal 9)"),
    "failed, then died before it spoke": (
        [QUEUED, A, said(1), FAILED, ENDED, QUEUED, B, KILLED], "failed", "(signal 9)",
    ),
    "refused before it said that it started": (
        [QUEUED, A, said(1), KILLED, QUEUED, B, ended(FAILED, 2), command("worker_exited", exit_code=1)],
        "failed", "0 steps",
    ),
    "refused twice": (
        [QUEUED, A, ended(FAILED, 1), ENDED, QUEUED, B, ended(CANCELLED, 2), ENDED], "cancelled", "asked to",
    ),
    "paused while its models were loading": (
        [QUEUED, A, said(1), KILLED, QUEUED, B, PAUSE, ended(PAUSED, 2), ENDED], "paused", "paused as asked",
    ),
    "refused, queued again": ([QUEUED, A, ended(FAILED, 1), ENDED, QUEUED], "queued", None),
    "refused, then taken up": ([QUEUED, A, ended(FAILED, 1), ENDED, QUEUED, B, said(2)], "running", None),
    "nobody knows its end": ([QUEUED, A, said(1), DONE], "failed", "without a word;"),
    "no worker could be started": (
        [QUEUED, command("worker_exited", message="no such device")], "failed", "no such device",
    ),
    "silent": ([QUEUED, A, said(1), SILENT], "running", "no word for 30 minutes"),
    "silent from the start": ([QUEUED, A, SILENT], "running", "no word for 30 minutes"),
    "silent, then paused": ([QUEUED, A, said(1), SILENT, PAUSED, ENDED], "paused", "paused as asked"),
    "run by hand": ([QUEUED, said(7)], "running", None),
    "run by hand after its worker died": ([QUEUED, A, said(1), KILLED, said(7)], "running", None),
    "killed, run by hand, failed": ([QUEUED, A, said(1), KILLED, said(7), FAILED], "failed", "0 steps"),
    "disk full": (
        [QUEUED, A, said(1), RunPaused(cause="disk", message="12 MB left")], "paused", "disk is nearly full: 12",
    ),
}  # fmt: skip
BY_TIME = {"run by hand", "run by hand after its worker died", "killed, run by hand, failed", "silent"}
"""Stories whose end nothing but the clock tells."""


def write_story(lab: Lab, lines: Sequence[Line], clock: list[datetime]) -> str:
    spec = chain_spec(Chain("story", **SMALL))
    folder = lab.run(spec.run_id)
    folder.mkdir()
    (folder / "spec.json").write_text(spec.model_dump_json())
    for line, at in zip(lines, clock, strict=True):
        if isinstance(line, tuple):
            words = Command(ts=stamp(at), type=line[0], **line[1]).model_dump_json(exclude_defaults=True)  # type: ignore[arg-type]
            with (folder / "commands.jsonl").open("a") as file:
                file.write(words + "\n")
        else:
            append_events(folder, [line], at)
    return spec.run_id


def forwards(count: int) -> list[datetime]:
    return [START + timedelta(minutes=i) for i in range(count)]


def told(lab: Lab) -> tuple[str, str | None]:
    [row] = ingested(lab).execute("SELECT status, message FROM runs").fetchall()
    return row  # type: ignore[no-any-return]


def check(found: tuple[str, str | None], status: str, message: str | None) -> None:
    assert found[0] == status
    assert found[1] is None if message is None else message in str(found[1])


@pytest.mark.parametrize("name", STORIES)
def test_where_a_run_stands(tmp_path: Path, name: str) -> None:
    lines, status, message = STORIES[name]
    lab = create_lab(find_lab(tmp_path / "lab"))
    write_story(lab, lines, forwards(len(lines)))
    check(told(lab), status, message)


@pytest.mark.parametrize("jump", [1, 2, 3])
@pytest.mark.parametrize("name", [name for name in STORIES if name not in BY_TIME])
def test_a_clock_that_jumps_back_moves_no_status(tmp_path: Path, name: str, jump: int) -> None:
    lines, status, message = STORIES[name]
    clock = [at - timedelta(days=i // jump) for i, at in enumerate(forwards(len(lines)))]
    if name == "taken up by the same worker":
        clock = forwards(len(lines))
        clock[-1] += timedelta(days=1)
    lab = create_lab(find_lab(tmp_path / "lab"))
    write_story(lab, lines, clock)
    check(told(lab), status, message)


@pytest.mark.parametrize("name", STORIES)
def test_a_story_told_line_by_line_ends_the_same(tmp_path: Path, name: str) -> None:
    lines = STORIES[name][0]
    lab, connection = create_lab(find_lab(tmp_path / "lab")), memory()
    Ingest(connection, lab).poll()
    whole = write_story(lab, lines, forwards(len(lines)))
    parts = create_lab(find_lab(tmp_path / "parts"))
    folder = parts.run(whole)
    folder.mkdir()
    (folder / "spec.json").write_bytes((lab.run(whole) / "spec.json").read_bytes())
    texts = {name: (lab.run(whole) / name) for name in ("commands.jsonl", "events.jsonl")}
    held = {name: path.read_bytes().splitlines(keepends=True) if path.exists() else [] for name, path in texts.items()}
    for line in lines:
        name = "commands.jsonl" if isinstance(line, tuple) else "events.jsonl"
        with (folder / name).open("ab") as file:
            file.write(held[name].pop(0))
        Ingest(connection, parts).poll()
    assert dump(connection) == dump(ingested(lab))


def test_a_silent_worker_speaks_again(tmp_path: Path) -> None:
    lab, connection = create_lab(find_lab(tmp_path / "lab")), memory()
    lines = [QUEUED, A, said(1), SILENT]
    run_id = write_story(lab, lines, forwards(4))
    ingest = Ingest(connection, lab)
    ingest.poll()
    query = "SELECT status, message FROM runs"
    assert connection.execute(query).fetchall() == [("running", "no word for 30 minutes")]
    events = [event for event in chain_events(Chain("story", **SMALL)) if event.type == "cycle_started"]
    append_events(lab.run(run_id), events[:1], START + timedelta(hours=1))
    ingest.poll()
    assert connection.execute(query).fetchall() == [("running", None)]
    assert dump(connection) == dump(ingested(lab))


def test_the_last_lines_of_the_log_reach_the_run(tmp_path: Path) -> None:
    lab = create_lab(find_lab(tmp_path / "lab"))
    write_story(lab, STORIES["out of memory"][0], forwards(4))
    connection = ingested(lab)
    assert connection.execute("SELECT log_tail FROM runs").fetchall() == [(["loading", "Killed"],)]
    assert connection.execute("SELECT log_tail FROM commands WHERE type = 'worker_exited'").fetchall() == [
        (["loading", "Killed"],)
    ]


@pytest.mark.parametrize("first", ["events", "commands"])
def test_removed_adapters_have_no_path_any_more(tmp_path: Path, first: str) -> None:
    chain = Chain("cleaned", **SMALL)
    lab, connection = create_lab(find_lab(tmp_path / "lab")), memory()
    folder = lab.run(write_chain(lab, chain))
    ingest = Ingest(connection, lab)
    if first == "events":
        ingest.poll()
    with (folder / "commands.jsonl").open("a") as file:
        line = Command(ts=stamp(START + timedelta(hours=2)), type="adapters_removed", cycles=(0, 2, 3))
        file.write(line.model_dump_json(exclude_defaults=True) + "\n")
    ingest.poll()
    query = "SELECT cycle FROM cycles WHERE adapter_path IS NULL ORDER BY cycle"
    assert [row[0] for row in connection.execute(query).fetchall()] == [-1, 0, 2, 3]
    trained = [event for event in chain_events(chain) if isinstance(event, AdapterTrained)]
    kept = connection.execute("SELECT cycle, adapter_sha256 FROM cycles WHERE cycle >= 0 ORDER BY cycle").fetchall()
    assert kept == [(event.cycle, event.adapter_sha256) for event in trained]
    assert dump(connection) == dump(ingested(lab))
