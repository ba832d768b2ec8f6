"""Chains made elsewhere, as runs in the memory: read, compared and rebuilt, gaps and all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.errors import PackError, UsageError
from engine.imported import cycle_files, imported_spec, missing_cycles, read_chain, write_run
from store.lab import Lab
from store.rebuild import rebuild
from tests.store.journals import Chain, chain_spec, write_lab
from tests.store.tables import ingested, values


def write_cycles(folder: Path, cycles: tuple[str, ...]) -> Path:
    folder.mkdir()
    for name in cycles:
        rows = [{"prompt": f"question {i}?", "response": f"answer {i} of {name}."} for i in (1, 1, 2)]
        (folder / f"{name}.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return folder


def bring_in(lab: Lab, folder: Path) -> str:
    files = cycle_files([folder])
    spec = imported_spec(chain_spec(Chain("elsewhere")), files, str(folder))
    assert write_run(lab.runs, spec, read_chain(files))
    assert not write_run(lab.runs, spec, read_chain(files))
    return spec.run_id


def test_an_imported_chain_is_a_finished_run_without_adapters(tmp_path: Path) -> None:
    lab = write_lab(tmp_path / "lab", ())
    run_id = bring_in(lab, write_cycles(tmp_path / "chain", ("base", "cycle_0", "cycle_1", "cycle_3")))
    connection = ingested(lab)
    assert values(connection, "SELECT status FROM runs WHERE run_id = ?", run_id) == ["finished"]
    assert values(connection, "SELECT cycle FROM cycles ORDER BY cycle") == [-1, 0, 1, 3]
    assert values(connection, "SELECT adapter_path FROM cycles WHERE adapter_path IS NOT NULL") == []
    read = "SELECT response FROM scored_samples WHERE run_id = ? AND cycle = 3 ORDER BY prompt, draw"
    assert values(connection, read, run_id) == ["answer 1 of cycle_3.", "answer 1 of cycle_3.", "answer 2 of cycle_3."]
    [spec] = values(connection, "SELECT spec FROM runs")
    assert json.loads(spec)["imported"]["missing"] == [2]
    assert rebuild(lab).errors == ()


def test_files_that_are_no_chain_are_refused_and_leave_nothing(tmp_path: Path) -> None:
    folder = write_cycles(tmp_path / "chain", ("cycle_0", "cycle-2"))
    files = cycle_files([folder])
    assert list(files) == [0, 2]
    assert missing_cycles(files) == (1,)
    (folder / "2.jsonl").write_text("{}\n")
    with pytest.raises(UsageError, match="are both cycle 2"):
        cycle_files([folder])
    (folder / "2.jsonl").rename(folder / "3.jsonl")
    with pytest.raises(PackError, match=r"3\.jsonl: line 1 \(neither messages"):
        read_chain(cycle_files([folder]))
    (folder / "notes.jsonl").write_text("{}\n")
    with pytest.raises(UsageError, match="its name ends in no cycle"):
        cycle_files([folder])
