"""`export`: folders of files that hold what SQL answers, whole or not there at all."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import resource
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from idemtui.cli.exporting import folder_name
from idemtui.server.rebuild import rebuild_lab
from store.client import connect
from store.exported import EXPORTED
from store.lab import Lab
from tests.idemtui.cli.conftest import Idemtui
from tests.idemtui.cli.contract import ContractServer
from tests.idemtui.conftest import until
from tests.store.journals import DEMO, Chain, chain_spec, write_judging_job, write_lab

SMALL: dict[str, Any] = {"prompts": 3, "draws": 2, "n_seed": 4, "n_sampled": 4, "steps": 2}
PARENT = Chain("parent", **SMALL)
CHILD = dataclasses.replace(PARENT, name="child", parent=PARENT, forked_at=2, seed=7)
TWINS = [Chain(name, study="twins", seed=11 + at, **SMALL) for at, name in enumerate(("twins", "other"))]
PARENT_ID, CHILD_ID = (chain_spec(chain).run_id for chain in (PARENT, CHILD))
JOB = "job-00112233"
BY_RUN = ("runs", "lineage", "cycles", "stages", "samples", "training_rows", "train_steps", "trait_curve", "deltas")
ENDLESS = "select count(*) from range(1000000000) as a, range(1000000) as b where len($runs::VARCHAR[]) > 0"


@pytest.fixture(scope="module")
def family(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """A run, its fork, a job that judged the run anew, words of people, and a study with a run of its own name."""
    lab = write_lab(tmp_path_factory.mktemp("family") / "lab", [PARENT, CHILD, *TWINS])
    write_judging_job(lab, JOB, PARENT, "other", 5.0)
    rebuild_lab(lab)
    about = {"ts": "2026-11-22T09:00:00+00:00", "author": "ann"}
    with connect(lab) as client:
        drawn = client.sql(
            "SELECT run_id, min(sample_id) FROM samples WHERE cycle IN (0, 4) GROUP BY run_id, cycle"
        ).tuples()
    said = [{**about, "type": "mark", "mark": "odd", "run_id": run, "sample_id": sample} for run, sample in drawn]
    said += [{**line, "type": "label", "metric": "trait", "value": 50} for line in said]
    lab.notes.write_text("".join(f"{json.dumps(line)}\n" for line in said))
    rebuild_lab(lab)
    return lab


def rows_of(table: pa.Table) -> list[str]:
    return sorted(json.dumps(row, default=str, sort_keys=True) for row in table.to_pylist())


def asked(lab: Lab, sql: str) -> list[str]:
    with connect(lab) as client:
        return rows_of(client.sql(sql).table)


@pytest.mark.parametrize("where", ["there", "idemtui"])
def test_a_studys_files_hold_what_sql_answers(request: pytest.FixtureRequest, tmp_path: Path, where: str) -> None:
    lab: Lab = request.getfixturevalue("agreed" if where == "there" else "lab")
    lab = getattr(lab, "lab", lab)
    told = request.getfixturevalue(where)("export", "demo", "--to", tmp_path / "out", "--json").json
    assert told["folder"] == str(tmp_path / "out")
    assert {DEMO[0].name} < {row["name"] for row in pq.read_table(tmp_path / "out" / "runs.parquet").to_pylist()}
    assert {one["file"] for one in told["files"]} == {path.name for path in (tmp_path / "out").iterdir()}
    for one in told["files"]:
        assert pq.read_table(tmp_path / "out" / one["file"]).num_rows == one["rows"]
    of_study = "run_id IN (SELECT run_id FROM runs WHERE study = 'demo')"
    for table in BY_RUN:
        wanted = asked(lab, f"SELECT * FROM {table} WHERE {of_study}")
        assert wanted
        assert rows_of(pq.read_table(tmp_path / "out" / f"{table}.parquet")) == wanted, table
    scores = pq.read_table(tmp_path / "out" / "scores.parquet").drop_columns(["judged_by", "own"])
    assert rows_of(scores) == asked(lab, f"SELECT * FROM scores WHERE {of_study}")
    verdicts = asked(lab, "SELECT * FROM verdicts WHERE study = 'demo'")
    assert rows_of(pq.read_table(tmp_path / "out" / "verdicts.parquet")) == verdicts


def test_a_forks_inherited_rows_stand_once_and_its_curve_is_whole(
    idemtui: Idemtui, family: Lab, tmp_path: Path
) -> None:
    said = idemtui("--lab", family.root, "export", "child", "--to", tmp_path / "out")
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith(f"{tmp_path / 'out'}: 1 run in {len(EXPORTED)} files\n")

    def read(name: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = pq.read_table(tmp_path / "out" / f"{name}.parquet").to_pylist()
        return rows

    assert [row["run_id"] for row in read("runs")] == [CHILD_ID]
    assert [(row["run_id"], row["cycle"]) for row in read("trait_curve")] == [
        (CHILD_ID, cycle) for cycle in range(-1, 7)
    ]
    held = {(row["source_run_id"], row["cycle"]) for row in read("lineage")}
    assert held == {(PARENT_ID if cycle <= 2 else CHILD_ID, cycle) for cycle in range(-1, 7)}
    samples = read("samples")
    assert {(row["run_id"], row["cycle"]) for row in samples} == held
    assert len({row["sample_id"] for row in samples}) == len(samples)
    scores = read("scores")
    assert {row["sample_id"] for row in scores} <= {row["sample_id"] for row in samples}
    by_whom = {(row["run_id"], row["judged_by"], row["own"]) for row in scores}
    assert by_whom == {(PARENT_ID, PARENT_ID, True), (PARENT_ID, JOB, False), (CHILD_ID, CHILD_ID, True)}
    known = {(row["judge_id"], row["metric"]) for row in read("judges")}
    assert known == {(row["judge_id"], row["metric"]) for row in scores}
    said_of = {row["sample_id"]: row["run_id"] for row in samples}
    for words in ("labels", "marks"):
        assert {said_of[row["sample_id"]] for row in read(words)} == {PARENT_ID, CHILD_ID}


def test_csv_has_nested_values_as_json(idemtui: Idemtui, family: Lab, tmp_path: Path) -> None:
    for kind in ((), ("--csv",)):
        assert idemtui("--lab", family.root, "export", "parent", "--to", tmp_path / f"out{len(kind)}", *kind).code == 0
    for name in EXPORTED:
        table = pq.read_table(tmp_path / "out0" / f"{name}.parquet")
        lines = list(csv.reader(io.StringIO((tmp_path / "out1" / f"{name}.csv").read_bytes().decode())))
        assert (lines[0], len(lines) - 1) == (table.column_names, table.num_rows)
    scores = list(csv.DictReader(io.StringIO((tmp_path / "out1" / "scores.csv").read_bytes().decode())))
    believed = pq.read_table(tmp_path / "out0" / "scores.parquet").column("distribution").to_pylist()
    assert [json.loads(row["distribution"]) for row in scores if row["distribution"]] == [
        one for one in believed if one
    ]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["chidl"], "no run 'chidl'"),
        (["chidl"], "studies: demo, twins"),
        (["twins"], "is a study of 2 runs and the name of run"),
        (["child", "--to", "{}"], "is there already; remove it, or give another folder with --to"),
        (["child", "--to", "{}/no/where"], "cannot be written (No such file or directory)"),
    ],
)
def test_what_cannot_be_exported_is_one_line(
    idemtui: Idemtui, family: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    said = idemtui("--lab", family.root, "export", *(word.format(tmp_path) for word in words))
    assert (said.code, said.out) == (2, "")
    assert told in said.err
    assert said.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_takes_no_more_leaves_nothing(family: Lab, tmp_path: Path) -> None:
    """A limit on a file's size is met as a full disk is: by a write that fails in the middle of a file."""
    done = subprocess.run(
        [sys.executable, "-m", "idemtui", "--lab", family.root, "export", "child", "--csv", "--to", tmp_path / "out"],
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000)),
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"idemtui: {tmp_path / 'out'}: cannot be written (File too large); --to names another.\n"
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_leaves_nothing(
    there: Idemtui, agreed: ContractServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("idemtui.cli.query.new_id", lambda: "mine")
    monkeypatch.setitem(EXPORTED, "samples", ENDLESS)
    questions = agreed.service.questions

    def interrupt() -> None:
        until(lambda: list(tmp_path.glob(".out.*/stages.parquet")) and questions.find("mine"))
        signal.pthread_kill(threading.get_ident(), signal.SIGINT)

    interrupting = threading.Thread(target=interrupt)
    interrupting.start()
    said = there("export", "demo", "--to", tmp_path / "out")
    interrupting.join()
    assert (said.code, said.err) == (130, "idemtui: the export was cancelled; nothing of it is left.\n")
    assert list(tmp_path.iterdir()) == []
    until(lambda: questions.find("mine") is None)


@pytest.mark.parametrize(
    ("what", "folder"),
    [
        (["bliss-sft-reset-s1"], "bliss-sft-reset-s1-export"),
        (["demo", "a", "b"], "demo-and-2-more-export"),
        (["../odd [name]\x1b[31m"], "odd-name-31m-export"),
        (["…"], "runs-export"),
        (["n" * 300], "n" * 100 + "-export"),
    ],
)
def test_the_folder_is_called_after_what_it_holds(what: list[str], folder: str) -> None:
    assert folder_name(what) == folder
