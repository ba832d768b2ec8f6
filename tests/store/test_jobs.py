"""Jobs in the memory: a table of their own, their texts beside those of runs, killed and rebuilt like them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb

from engine.commands import Command
from engine.events import Dropped, Event, RunFailed, RunFinished, RunStarted, SamplesDrawn, SamplesSelected
from engine.job_events import JobProgressed
from store.ingest import Ingest
from store.lab import Lab, is_job
from store.rebuild import rebuild
from tests.store.journals import DEMO, chain_events, journal_line, write_lab
from tests.store.tables import dump, ingested, memory, values

NOW = datetime(2026, 11, 21, 20, tzinfo=UTC)
STARTED = RunStarted(pid=7, host="here", device="cpu", threads=1, resumed=False)
DRAWN = next(event for event in chain_events(DEMO[0]) if isinstance(event, SamplesDrawn) and event.purpose == "seed")


def write_job(lab: Lab, job_id: str, events: tuple[Event, ...]) -> Path:
    folder = lab.work(job_id)
    folder.mkdir(parents=True)
    spec = {"job_id": job_id, "kind": "seed", "name": "seed-bliss", "provenance": {"created_at": NOW.isoformat()}}
    (folder / "spec.json").write_text(json.dumps(spec))
    asked = [Command(ts=NOW.isoformat(), type="queued"), Command(ts=NOW.isoformat(), type="started", pid=7)]
    (folder / "commands.jsonl").write_text("".join(f"{c.model_dump_json(exclude_defaults=True)}\n" for c in asked))
    append(folder, events, 0)
    return folder


def append(folder: Path, events: tuple[Event, ...], seq: int) -> None:
    with (folder / "events.jsonl").open("ab") as journal:
        for number, event in enumerate(events, seq):
            journal.write(journal_line(number, NOW + timedelta(seconds=number), event))


def test_a_job_is_no_run_but_its_texts_can_be_read(tmp_path: Path) -> None:
    lab = write_lab(tmp_path / "lab", DEMO[:1])
    write_job(lab, "jabcdef012", (STARTED, DRAWN, JobProgressed(done=8, total=20)))
    connection = ingested(lab)
    query = "SELECT job_id, kind, name, status, done, total, error FROM jobs"
    assert connection.execute(query).fetchall() == [("jabcdef012", "seed", "seed-bliss", "running", 8, 20, None)]
    assert len(values(connection, "SELECT run_id FROM runs")) == 1
    read = "SELECT response FROM scored_samples WHERE run_id = ? AND purpose = 'seed' ORDER BY sample_id"
    written = [sample.response for sample in sorted(DRAWN.samples, key=lambda sample: sample.sample_id)]
    assert values(connection, read, "jabcdef012") == written


def test_a_job_is_followed_from_where_it_was_left_and_owes_no_verdict(tmp_path: Path) -> None:
    lab = write_lab(tmp_path / "lab", ())
    folder = write_job(lab, "jabcdef012", (STARTED, JobProgressed(done=8, total=20)))
    connection = memory()
    assert Ingest(connection, lab).poll() == 5
    append(folder, (RunFailed(error="IdemtuiError", message="too few", pid=7),), 2)
    assert Ingest(connection, lab).poll() == 1
    query = "SELECT status, message, error, done, total FROM jobs"
    assert connection.execute(query).fetchall() == [("failed", "too few", "too few", 8, 20)]
    append(folder, (STARTED.model_copy(update={"resumed": True}), RunFinished()), 3)
    ingest = Ingest(connection, lab)
    assert ingest.poll() == 2
    assert ingest.poll() == 0
    assert values(connection, "SELECT status FROM jobs") == ["finished"]
    assert values(connection, "SELECT run_id FROM owed_verdicts") == []


def test_a_job_is_rebuilt_and_forgotten(tmp_path: Path) -> None:
    lab = write_lab(tmp_path / "lab", DEMO[:1])
    write_job(lab, "jabcdef012", (STARTED, DRAWN, RunFinished()))
    connection = ingested(lab)
    expected = dump(connection)
    assert rebuild(lab).errors == ()
    with duckdb.connect(lab.database, read_only=True) as rebuilt:
        assert dump(rebuilt) == expected
    ingest = Ingest(connection, lab)
    ingest.forget(["jabcdef012"])
    assert values(connection, "SELECT job_id FROM jobs") == []
    assert values(connection, "SELECT 1 FROM samples WHERE run_id = 'jabcdef012'") == []
    assert ingest.poll() == 6
    assert dump(connection)["jobs"] == expected["jobs"]


def test_texts_that_selection_dropped_say_why_whenever_they_were_read(tmp_path: Path) -> None:
    lab = write_lab(tmp_path / "lab", ())
    ids = [sample.sample_id for sample in DRAWN.samples]
    dropped = [
        Dropped(sample_id=ids[0], reason="coherence: 31.0 is below 50"),
        Dropped(sample_id=ids[2], reason="by lot"),
    ]
    selected = SamplesSelected(cycle=DRAWN.cycle, method="coherence", kept=len(ids) - 2, dropped=dropped)
    folder = write_job(lab, "jabcdef012", (STARTED, DRAWN))
    later = memory()
    Ingest(later, lab).poll()
    append(folder, (selected,), 2)
    Ingest(later, lab).poll()
    for connection in (later, ingested(lab)):
        query = "SELECT sample_id, kept_reason FROM samples WHERE NOT kept ORDER BY kept_reason"
        assert connection.execute(query).fetchall() == [(ids[2], "by lot"), (ids[0], "coherence: 31.0 is below 50")]
        [payload] = values(connection, "SELECT payload FROM events WHERE type = 'samples_selected'")
        assert json.loads(payload)["dropped"] == 2


def test_a_spec_that_is_no_jobs_is_named_and_the_others_go_on(tmp_path: Path) -> None:
    lab = write_lab(tmp_path / "lab", DEMO[:1])
    folder = write_job(lab, "jabcdef012", (STARTED,))
    (folder / "spec.json").write_text('{"job_id": "other"}')
    connection = ingested(lab)
    [error] = values(connection, "SELECT error FROM ingest_errors")
    assert "job_id 'other' is not the folder's name" in error
    assert len(values(connection, "SELECT run_id FROM runs")) == 1
    assert is_job("jabcdef012")
    assert not is_job("abcdef0123")
