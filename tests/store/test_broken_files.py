from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.events import TrainStepped
from store.ingest import Ingest
from store.lab import Lab
from tests.store.journals import DEMO, Chain, append_events, chain_spec, write_lab
from tests.store.tables import dump, ingested, memory, values

SMALL: dict[str, Any] = {"prompts": 3, "draws": 2, "n_seed": 4, "n_sampled": 4, "steps": 2}
CHAINS = (
    Chain("sft", trait=(2, 40, 30, 20, 15, 10), coherence=(97,) * 6, **SMALL),
    Chain("dpo", "dpo", "previous", trait=(2, 40, 30), coherence=(97,) * 3, status="failed", done=0, **SMALL),
)


def file_of(lab: Lab, chain: Chain, name: str = "events.jsonl") -> Path:
    return lab.run(chain_spec(chain).run_id) / name


def test_a_torn_last_line_waits_for_its_rest(tmp_path: Path) -> None:
    lab = write_lab(tmp_path / "lab", DEMO[:1])
    journal = file_of(lab, DEMO[0])
    content = journal.read_bytes()
    journal.write_bytes(content[:-5])
    connection = memory()
    ingest = Ingest(connection, lab)
    ingest.poll()
    assert values(connection, "SELECT status FROM runs") != ["finished"]
    journal.write_bytes(content)
    assert ingest.poll() == 1
    assert values(connection, "SELECT status FROM runs") == ["finished"]
    assert values(connection, "SELECT count(*) FROM ingest_errors") == [0]


def test_a_corrupt_middle_line_stops_its_run_alone_and_until_it_is_restored(tmp_path: Path) -> None:
    lab = write_lab(tmp_path / "lab", CHAINS)
    journal = file_of(lab, CHAINS[0])
    content = journal.read_bytes()
    lines = content.splitlines(keepends=True)
    journal.write_bytes(b"".join([*lines[:10], b"{}" + lines[10][2:], *lines[11:]]))
    connection = memory()
    ingest = Ingest(connection, lab)
    ingest.poll()
    [(run_id, error)] = connection.execute("SELECT run_id, error FROM ingest_errors").fetchall()
    assert run_id == chain_spec(CHAINS[0]).run_id
    assert "event 10" in error
    assert "\n" not in error
    assert values(connection, "SELECT count(*) FROM events WHERE run_id = ?", run_id) == [10]
    assert values(connection, "SELECT status FROM runs WHERE run_id <> ?", run_id) == ["failed"]
    assert ingest.poll() == 0
    journal.write_bytes(content)
    assert ingest.poll() == len(lines) - 10
    assert dump(connection) == dump(ingested(write_lab(tmp_path / "again", CHAINS)))


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("spec.json", "{", "is not a run's spec"),
        ("spec.json", '{"run_id": "another", "run": {}}', "is not"),
        ("commands.jsonl", "{}\n", "line 1 is no command"),
        ("commands.jsonl", '{"ts": "yesterday", "type": "queued"}\n', "yesterday"),
    ],
)
def test_other_broken_files_are_named(tmp_path: Path, file: str, text: str, said: str) -> None:
    lab = write_lab(tmp_path / "lab", CHAINS)
    file_of(lab, CHAINS[0], file).write_text(text)
    connection = ingested(lab)
    [error] = values(connection, "SELECT error FROM ingest_errors")
    assert said in error
    assert values(connection, "SELECT status FROM runs WHERE name = 'dpo'") == ["failed"]


def test_a_value_that_no_column_holds_stops_its_run_alone(tmp_path: Path) -> None:
    lab = write_lab(tmp_path / "lab", CHAINS)
    journal = file_of(lab, CHAINS[0])
    journal.write_bytes(journal.read_bytes().replace(b'"total":6', b'"total":99999999999', 1))
    connection = memory()
    ingest = Ingest(connection, lab)
    ingest.poll()
    [error] = values(connection, "SELECT error FROM ingest_errors")
    assert "no column can hold" in error
    assert values(connection, "SELECT status FROM runs WHERE name = 'dpo'") == ["failed"]
    assert ingest.poll() == 0


def test_a_journal_that_was_cut_is_named(tmp_path: Path) -> None:
    lab = write_lab(tmp_path / "lab", CHAINS[:1])
    connection = memory()
    Ingest(connection, lab).poll()
    journal = file_of(lab, CHAINS[0])
    journal.write_bytes(journal.read_bytes()[:500])
    Ingest(connection, lab).poll()
    [error] = values(connection, "SELECT error FROM ingest_errors")
    assert "it was cut" in error


def test_not_a_number_is_remembered(tmp_path: Path) -> None:
    chain = Chain("nan", status="running", done=0, **SMALL)
    lab = write_lab(tmp_path / "lab", [chain])
    append_events(file_of(lab, chain).parent, [TrainStepped(cycle=1, step=99, values={"loss": float("nan")})])
    connection = ingested(lab)
    assert values(connection, "SELECT error FROM ingest_errors") == []
    [loss] = values(connection, "SELECT value FROM train_steps WHERE step = 99")
    assert loss != loss
