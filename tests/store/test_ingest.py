from __future__ import annotations

import dataclasses
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from engine.journal import read_entries
from store.ingest import Ingest
from store.lab import Lab, create_lab, find_lab
from store.rebuild import rebuild
from tests.store.journals import (
    DEMO,
    START,
    STATES,
    Chain,
    append_commands,
    append_events,
    chain_events,
    chain_spec,
    replicates,
    write_chain,
    write_lab,
)
from tests.store.tables import dump, ingested, memory, values

SMALL: dict[str, Any] = {"prompts": 3, "draws": 2, "n_seed": 4, "n_sampled": 4, "steps": 2}
CHAINS = (
    Chain("sft", trait=(2, 40, 30, 20, 15, 10), coherence=(97,) * 6, **SMALL),
    Chain("dpo", "dpo", "previous", trait=(2, 40, 30), coherence=(97,) * 3, status="failed", done=0, **SMALL),
)
TINY = tuple(dataclasses.replace(chain, prompts=2, n_seed=2, n_sampled=2, steps=1) for chain in CHAINS)


def file_of(lab: Lab, chain: Chain, name: str = "events.jsonl") -> Path:
    return lab.run(chain_spec(chain).run_id) / name


def test_every_line_becomes_rows(tmp_path: Path) -> None:
    lab = write_lab(tmp_path / "lab")
    connection = ingested(lab)
    entries = [e.event for p in lab.runs.glob("*/events.jsonl") for e in read_entries(p)]
    drawn = [s for e in entries if e.type == "samples_drawn" for s in e.samples]
    judged = [s for e in entries if e.type == "samples_judged" for s in e.scores]
    rows = [r for e in entries if e.type == "rows_built" for r in e.rows]
    numbers = [v for e in entries if e.type == "train_stepped" for v in e.values]
    counts = {"events": entries, "samples": drawn, "scores": judged, "training_rows": rows, "train_steps": numbers}
    for table, expected in counts.items():
        assert values(connection, f"SELECT count(*) FROM {table}") == [len(expected)], table
    assert values(connection, "SELECT count(DISTINCT sample_id) FROM samples") == [len(drawn)]


def test_a_sample_is_remembered_whole(tmp_path: Path) -> None:
    lab = write_lab(tmp_path / "lab", DEMO[:1])
    connection = ingested(lab)
    batch = next(e for e in chain_events(DEMO[0]) if e.type == "samples_drawn" and e.purpose == "eval")
    sample = batch.samples[0]
    row = connection.execute("SELECT * FROM samples WHERE sample_id = ?", [sample.sample_id])
    names = [column[0] for column in row.description]
    held = dict(zip(names, row.fetchall()[0], strict=True))
    expected = {**sample.model_dump(), "run_id": chain_spec(DEMO[0]).run_id, "purpose": "eval"}
    assert held == {**expected, "cycle": batch.cycle, "drawn_by": batch.drawn_by}
    [pairs] = values(
        connection, "SELECT distribution FROM scores WHERE sample_id = ? AND metric = 'trait'", sample.sample_id
    )
    judged = next(e for e in chain_events(DEMO[0]) if e.type == "samples_judged" and e.metric == "trait")
    assert [(pair["score"], pair["p"]) for pair in pairs] == judged.scores[0].distribution


def test_polling_again_adds_nothing(tmp_path: Path) -> None:
    lab = write_lab(tmp_path / "lab")
    connection = memory()
    ingest = Ingest(connection, lab)
    assert ingest.poll() == ingest.version > 1000
    before = dump(connection)
    assert ingest.poll() == 0
    assert Ingest(connection, lab).poll() == 0
    assert dump(connection) == before


def test_texts_stay_out_of_the_event_log(tmp_path: Path) -> None:
    connection = ingested(write_lab(tmp_path / "lab", DEMO[:1]))
    [longest] = values(connection, "SELECT max(length(payload)) FROM events")
    assert longest < 600
    [payload] = values(connection, "SELECT payload FROM events WHERE type = 'samples_drawn' ORDER BY seq LIMIT 1")
    assert json.loads(payload) == {"cycle": -1, "purpose": "eval", "drawn_by": -1, "batch": 0, "samples": 16}


def test_the_curve_is_the_mean_of_prompt_means(tmp_path: Path) -> None:
    lab = write_lab(tmp_path / "lab", DEMO[:1])
    connection = ingested(lab)
    by_prompt: dict[str, list[float]] = {}
    drawn = [e for e in chain_events(DEMO[0]) if e.type == "samples_drawn" and (e.purpose, e.cycle) == ("eval", 3)]
    prompts = {s.sample_id: s.prompt_id for e in drawn for s in e.samples}
    judged = [e for e in chain_events(DEMO[0]) if e.type == "samples_judged" and (e.metric, e.cycle) == ("trait", 3)]
    for score in [s for e in judged for s in e.scores if s.value is not None]:
        by_prompt.setdefault(prompts[score.sample_id], []).append(score.value)
    means = [sum(found) / len(found) for found in by_prompt.values()]
    [(trait, n, nulls)] = connection.execute("SELECT trait, n, nulls FROM trait_curve WHERE cycle = 3").fetchall()
    assert trait == pytest.approx(sum(means) / len(means))
    assert n - nulls == sum(map(len, by_prompt.values()))


def test_a_cycle_is_a_point_only_when_it_is_finished(tmp_path: Path) -> None:
    connection = ingested(write_lab(tmp_path / "lab", STATES[:1]))
    assert values(connection, "SELECT max(cycle) FROM samples") == [3]
    assert values(connection, "SELECT cycle FROM trait_curve ORDER BY cycle") == [-1, 0, 1, 2]


@settings(max_examples=10, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(data=st.data())
def test_any_cut_and_any_death_gives_the_same_rows(tmp_path_factory: pytest.TempPathFactory, data: Any) -> None:
    root = tmp_path_factory.mktemp("cut")
    whole = write_lab(root / "whole", TINY)
    expected = dump(ingested(whole))
    cut = create_lab(find_lab(root / "cut"))
    contents = {p.relative_to(whole.runs): p.read_bytes() for p in sorted(whole.runs.rglob("*")) if p.is_file()}
    connection, written = memory(), dict.fromkeys(contents, 0)
    for _ in range(data.draw(st.integers(0, 4), label="polls")):
        for path, content in contents.items():
            _grow(cut.runs / path, content, written, path, data)
        failing = Failing(connection)
        ingest = Ingest(failing, cut, data.draw(st.sampled_from([20, 200, 20_000])))
        failing.left = data.draw(st.none() | st.integers(0, 40), label="dies at")
        with suppress(duckdb.Error):
            ingest.poll()
        failing.left = None
        if data.draw(st.booleans(), label="lives on"):
            ingest.poll()
    for path, content in contents.items():
        (cut.runs / path).parent.mkdir(exist_ok=True)
        (cut.runs / path).write_bytes(content)
    Ingest(connection, cut).poll()
    assert dump(connection) == expected


def _grow(target: Path, content: bytes, written: dict[Path, int], path: Path, data: Any) -> None:
    """Write up to some byte; a spec comes whole, as its writer renames it into place."""
    more = data.draw(st.integers(written[path], len(content)), label=str(path))
    if path.name == "spec.json" and more < len(content):
        return
    written[path] = more
    target.parent.mkdir(exist_ok=True)
    target.write_bytes(content[:more])


class Failing:
    """A connection that dies at its n-th statement, as a process might."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection
        self.left: int | None = None

    def execute(self, *arguments: Any) -> Any:
        if self.left is not None and "ROLLBACK" not in arguments[0]:
            self.left -= 1
            if self.left < 0:
                raise duckdb.IOException("IO Error: no space left on device")
        return self.connection.execute(*arguments)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.connection, name)


def test_rebuilding_gives_the_same_rows(tmp_path: Path) -> None:
    lab = write_lab(tmp_path / "lab", CHAINS)
    expected = dump(ingested(lab))
    for _ in range(2):
        rebuilt = rebuild(lab)
        assert (rebuilt.runs, rebuilt.errors) == (2, ())
        with duckdb.connect(lab.database, read_only=True) as connection:
            assert dump(connection) == expected
    assert sorted(path.name for path in lab.root.iterdir()) == ["lab.duckdb", "runs"]


def test_a_training_done_again_replaces_its_steps(tmp_path: Path) -> None:
    chain = Chain("again", status="running", done=0, **SMALL)
    lab = create_lab(find_lab(tmp_path / "lab"))
    folder = lab.run(write_chain(lab, chain))
    events = list(chain_events(Chain("again", **SMALL)))
    training = [e for e in events if e.type in ("stage_started", "train_stepped", "stage_finished") and e.cycle == 1]
    training = [e for e in training if getattr(e, "stage", "train") == "train"]
    connection = memory()
    ingest = Ingest(connection, lab)
    append_events(folder, training[:2])
    ingest.poll()
    append_events(folder, training)
    ingest.poll()
    assert values(connection, "SELECT count(*) FROM train_steps WHERE cycle = 1 AND name = 'loss'") == [2]
    assert dump(connection) == dump(ingested(lab))


def test_replicates_end_in_a_cell_verdict(tmp_path: Path) -> None:
    connection = ingested(write_lab(tmp_path / "lab", replicates(4, drift=4.0)))
    query = "SELECT scope, replicates, label, amplified_by_paper FROM verdicts ORDER BY scope, run_id"
    rows = connection.execute(query).fetchall()
    assert rows[0] == ("cell", 4, "AMPLIFIED", True)
    assert {row[2] for row in rows[1:]} == {"one chain"}


@pytest.mark.parametrize(
    ("status", "expected"),
    [("queued", "queued"), ("running", "running"), ("finished", "finished"), ("failed", "failed"),
     ("killed", "failed"), ("cancelled", "cancelled")],
)  # fmt: skip
def test_status_of_a_run(tmp_path: Path, status: Any, expected: str) -> None:
    chain = Chain("one", status=status, **SMALL)
    lab = write_lab(tmp_path / "lab", [chain])
    assert values(ingested(lab), "SELECT status FROM runs") == [expected]


def test_a_failed_run_that_is_queued_again_waits_and_runs(tmp_path: Path) -> None:
    from datetime import timedelta

    chain = Chain("one", status="killed", **SMALL)
    lab = write_lab(tmp_path / "lab", [chain])
    folder = file_of(lab, chain).parent
    connection = memory()
    ingest = Ingest(connection, lab)
    ingest.poll()
    [message] = values(connection, "SELECT message FROM runs")
    assert "signal 9" in message
    append_commands(folder, START + timedelta(hours=2), "queued")
    ingest.poll()
    assert values(connection, "SELECT status FROM runs") == ["queued"]
    append_events(folder, [next(chain_events(chain))], START + timedelta(hours=3))
    ingest.poll()
    assert values(connection, "SELECT status FROM runs") == ["running"]
