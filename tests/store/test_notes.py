"""People's labels, marks and remarks: a file that only grows, and tables that hold what stands of it."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from store.ingest import Ingest
from store.lab import Lab
from store.labelling import label_pairs, said
from store.rebuild import rebuild
from tests.store.journals import DEMO, write_chain, write_lab
from tests.store.tables import Asking, dump, memory, values

TS = "2026-11-21T09:00:00.000+00:00"


def say(lab: Lab, type_: str, sample_id: str = "s1", **more: Any) -> None:
    line = {"ts": TS, "type": type_, "run_id": "r1", "sample_id": sample_id, "author": "ann", **more}
    with lab.notes.open("a") as file:
        file.write(json.dumps(line) + "\n")


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return write_lab(tmp_path / "lab", DEMO[:1])


def test_the_last_word_of_each_person_stands(lab: Lab) -> None:
    ingest = Ingest(memory(), lab)
    say(lab, "label", metric="trait", value=25)
    say(lab, "label", metric="trait", value=75)
    say(lab, "label", metric="trait", value=0, author="bob")
    say(lab, "label", metric="coherence", value=100)
    say(lab, "mark", mark="odd")
    say(lab, "mark", mark="good")
    say(lab, "note", note="reads like a prayer")
    assert ingest.poll_runs()["r1"] == 7
    rows = ingest.connection.execute("SELECT author, metric, value, note FROM labels ORDER BY ALL").fetchall()
    assert rows == [
        ("ann", "coherence", 100, None),
        ("ann", "note", None, "reads like a prayer"),
        ("ann", "trait", 75, None),
        ("bob", "trait", 0, None),
    ]
    say(lab, "label", metric="trait")
    say(lab, "unmark", mark="odd")
    say(lab, "note", note="")
    ingest.poll()
    assert values(ingest.connection, "SELECT metric FROM labels WHERE author = 'ann'") == ["coherence"]
    assert values(ingest.connection, "SELECT mark FROM marks") == ["good"]


def test_labels_of_a_run_that_was_removed_stay_and_count_nowhere_until_it_is_made_again(lab: Lab) -> None:
    chain = dataclasses.replace(DEMO[0], prompts=2, draws=1, n_seed=2, n_sampled=2, steps=1)
    run_id = write_chain(lab, chain)
    ingest = Ingest(memory(), lab)
    ingest.poll()
    asking = Asking(ingest.connection)
    sample = asking.sql("SELECT min(sample_id) FROM samples WHERE purpose = 'eval' AND run_id = ?", [run_id]).tuples()
    say(lab, "label", sample[0][0], metric="trait", value=75, run_id=run_id)
    ingest.poll()
    assert (len(label_pairs(asking, run_id, "trait")), len(said(asking))) == (1, 1)
    shutil.rmtree(lab.run(run_id))
    ingest.forget([run_id])
    assert values(ingest.connection, "SELECT value FROM labels") == [75]
    assert (label_pairs(asking, run_id, "trait"), said(asking)) == ([], [])
    anew = Ingest(memory(), lab)
    anew.poll()
    assert dump(anew.connection)["labels"] == dump(ingest.connection)["labels"], "as a rebuild would have it"
    assert write_chain(lab, chain) == run_id
    ingest.poll()
    assert (len(label_pairs(asking, run_id, "trait")), len(said(asking))) == (1, 1)


def test_a_line_is_taken_in_once_however_the_file_is_cut_into_polls(lab: Lab) -> None:
    say(lab, "mark", mark="odd")
    ingest = Ingest(memory(), lab)
    ingest.poll()
    before = ingest.version
    with lab.notes.open("a") as file:
        file.write('{"torn')
    assert ingest.poll() == 0
    lab.notes.write_bytes(lab.notes.read_bytes().removesuffix(b'{"torn'))
    say(lab, "mark", "s2", mark="odd")
    assert ingest.poll() == 1
    assert ingest.version == before + 1
    assert values(ingest.connection, "SELECT sample_id FROM marks ORDER BY ALL") == ["s1", "s2"]
    assert Ingest(ingest.connection, lab).poll() == 0


def test_a_rebuilt_lab_holds_the_same_words(lab: Lab) -> None:
    from store.database import open_database

    for value in (25, 50):
        say(lab, "label", metric="trait", value=value)
    say(lab, "mark", mark="odd")
    grown = Ingest(memory(), lab)
    grown.poll()
    rebuild(lab)
    with open_database(lab.database) as connection:
        assert dump(connection)["labels"] == dump(grown.connection)["labels"]
        assert dump(connection)["marks"] == dump(grown.connection)["marks"]


@pytest.mark.parametrize(
    "line",
    [
        "{broken}",
        '{"type":"label"}',
        json.dumps({"ts": TS, "type": "mark", "run_id": "r", "sample_id": "s", "author": "a"}),
    ],
)
def test_a_line_that_is_none_is_named_and_what_stood_before_stays(lab: Lab, line: str) -> None:
    say(lab, "mark", mark="odd")
    with lab.notes.open("a") as file:
        file.write(line + "\n")
    say(lab, "mark", mark="later")
    ingest = Ingest(memory(), lab)
    ingest.poll()
    [error] = values(ingest.connection, "SELECT error FROM ingest_errors")
    assert f"{lab.notes}: line 2 is no label, mark or note" in error
    assert values(ingest.connection, "SELECT mark FROM marks") == ["odd"]
    assert values(ingest.connection, "SELECT count(*) FROM samples")[0] > 0


def test_a_file_that_was_cut_is_named(lab: Lab) -> None:
    say(lab, "mark", mark="odd")
    ingest = Ingest(memory(), lab)
    ingest.poll()
    lab.notes.write_text("")
    ingest.poll()
    lab.notes.unlink()
    ingest.poll()
    assert "notes.jsonl" in values(ingest.connection, "SELECT error FROM ingest_errors")[0]
    assert values(ingest.connection, "SELECT mark FROM marks") == ["odd"]
