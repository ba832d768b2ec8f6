"""The database deleted, with and without a server: the memory is made again from the truth, line for line."""

from __future__ import annotations

import os
from typing import Any

import pytest

from tests.proofs.broken_off import BrokenOff
from tests.proofs.labs import ProofLab, kill, until
from tests.proofs.works import check_memory, results

pytestmark = pytest.mark.proof
TABLES = ("runs", "cycles", "stages", "samples", "training_rows", "scores", "judges", "train_steps", "commands")


def remembered(lab: ProofLab) -> dict[str, list[tuple[Any, ...]]]:
    """All rows that come from the run's files, but where a run stands."""
    columns = {"runs": "run_id, name, spec"}
    return {name: sorted(lab.ask(f"SELECT {columns.get(name, '*')} FROM {name}"), key=repr) for name in TABLES}


def test_deleted_without_a_server_it_is_made_again(broken_off: BrokenOff) -> None:
    lab, run_id = broken_off.copy(), broken_off.run_id
    before = remembered(lab)
    lab.lab.database.unlink()
    lab.idemtui("ls")
    assert remembered(lab) == before, "whoever asks first has a server read the journals"
    lab.idemtui("stop")
    lab.lab.database.unlink()
    lab.idemtui("rebuild")
    assert remembered(lab) == before
    lab.lab.database.unlink()
    lab.idemtui("resume", run_id)
    lab.reach(run_id, "finished")
    assert results(lab, run_id) == broken_off.whole()
    check_memory(lab, run_id)


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_deleted_under_a_server_the_run_goes_on_and_all_is_remembered(broken_off: BrokenOff, end: str) -> None:
    lab, run_id = broken_off.copy(), broken_off.run_id
    lab.idemtui("resume", run_id)
    until(lambda: lab.worker(run_id), "the worker")
    lab.lab.database.unlink()
    lab.reach(run_id, "finished")
    check_memory(lab, run_id)
    if end == "kill":
        pid = lab.server()
        assert pid is not None
        kill(pid)
    else:
        lab.idemtui("stop")
    answered = lab.idemtui("run", lab_study(lab, broken_off), "--detach", "--json").json
    assert [run["answer"] for run in answered] == ["already finished"]
    assert lab.status(run_id) == "finished"
    check_memory(lab, run_id)
    assert results(lab, run_id) == broken_off.whole()


def lab_study(lab: ProofLab, broken_off: BrokenOff) -> str:
    path = lab.root.with_name("study.toml")
    path.write_text(broken_off.text)
    return str(path)


def test_half_a_database_is_named_and_made_again(broken_off: BrokenOff) -> None:
    lab, run_id = broken_off.copy(), broken_off.run_id
    before = remembered(lab)
    os.truncate(lab.lab.database, lab.lab.database.stat().st_size // 2)
    said = lab.idemtui("resume", run_id, code=1)
    assert "rebuild" in said.err
    assert said.err.count("\n") == 1, said.err
    lab.idemtui("rebuild")
    assert remembered(lab) == before
