import sys
from typing import Any

import pytest

from tests.idemtui.cli.conftest import OPEN, Idemtui
from tests.idemtui.cli.contract import ContractServer
from tests.store.journals import DEMO, chain_spec

RUNNING = chain_spec(OPEN[0]).run_id
SFT, SDF = (chain_spec(chain).run_id for chain in DEMO[:2])
BYTES = 4_200_000


def removing(fields: dict[str, Any]) -> dict[str, Any]:
    going = [run_id for run_id in fields["run_ids"] if run_id != RUNNING]
    refused = [{"run_id": RUNNING, "reason": "it runs"}] if RUNNING in fields["run_ids"] else []
    return {"removed": going, "refused": refused, "bytes": BYTES}


@pytest.fixture
def full(agreed: ContractServer) -> ContractServer:
    agreed.answers["remove"] = removing
    agreed.answers["clean"] = {
        "runs": [{"run_id": SFT, "name": "sft-reset", "cycles": [1, 2, 3], "bytes": BYTES}],
        "bytes": BYTES,
    }
    return agreed


def asked_to_remove(server: ContractServer) -> list[bool]:
    return [bool(fields.get("dry_run")) for name, fields in server.asked if name in ("remove", "clean")]


def test_nothing_is_removed_where_nobody_can_be_asked(there: Idemtui, full: ContractServer) -> None:
    for words in (("rm", "sft-reset"), ("gc",), ("rm", "sft-reset", "--json")):
        said = there(*words)
        assert said.code == 2
        assert "--yes" in said.err
    assert full.asked == []


def test_a_dry_run_shows_what_would_go(there: Idemtui, full: ContractServer) -> None:
    said = there("rm", "sft-reset", "sdf-reset", "--dry-run")
    assert said.code == 0
    assert said.out.endswith("Would delete 2 runs with 14 trained cycles, 4.2 MB.\n")
    assert "sft-reset  finished       7" in said.out
    assert "M1 M2 M3" in there("gc", "--keep", "last", "--dry-run").out
    assert asked_to_remove(full) == [True, True]


def test_what_people_said_of_a_run_is_told_before_it_goes(there: Idemtui, full: ContractServer) -> None:
    sample = there("samples", "sdf-reset", "--limit", "1", "--json").json[0]["sample_id"]
    assert "notes.jsonl" not in there("rm", "sdf-reset", "--dry-run").out
    there("mark", sample, "strange", "--note", "reads like a prayer")
    out = there("rm", "sdf-reset", "sft-reset", "--dry-run").out
    assert "What people said of their samples (2 labels, marks and remarks) stays in notes.jsonl" in out
    assert there("rm", "sdf-reset", "--dry-run", "--json").json["notes_kept"] == 2
    assert there("rm", "sft-reset", "--dry-run", "--json").json["notes_kept"] == 0
    there("mark", sample, "strange", "--note", "", "--remove")
    assert there("rm", "sdf-reset", "--dry-run", "--json").json["notes_kept"] == 0


def test_what_is_refused_stays_and_says_why(there: Idemtui, full: ContractServer) -> None:
    said = there("rm", "sft-reset", "sft-running", "--yes")
    assert said.code == 1
    assert said.err == "idemtui: sft-running stays: it runs\n"
    assert said.out.endswith("Deleted 1 run with 7 trained cycles, 4.2 MB.\n")
    assert asked_to_remove(full) == [True, False]
    assert full.asked[-1][1]["run_ids"] == [SFT]
    answer = there("rm", "sft-running", "--yes", "--json")
    assert (answer.code, answer.json["removed"]) == (1, [])


@pytest.mark.parametrize(("typed", "gone"), [("y", True), ("", False), ("no", False)])
def test_a_person_is_asked(
    there: Idemtui, full: ContractServer, monkeypatch: pytest.MonkeyPatch, typed: str, gone: bool
) -> None:
    monkeypatch.setattr("idemtui.cli.freeing.someone_there", lambda: True)
    monkeypatch.setattr("builtins.input", lambda question: sys.stdout.write(question) and typed)
    said = there("rm", "sft-reset")
    assert "Delete 1 run with 7 trained cycles, 4.2 MB, for good? [y/N]" in said.out
    assert said.code == (0 if gone else 1)
    assert asked_to_remove(full) == ([True, False] if gone else [True])
    assert ("Nothing was deleted." in said.out) is not gone


def test_gc_keeps_what_the_lab_says(there: Idemtui, full: ContractServer) -> None:
    full.status["settings"] = {"keep": "ends"}
    there("gc", "--yes")
    assert [fields["keep"] for name, fields in full.asked] == ["ends", "ends"]
    assert there("gc", "--keep", "some").code == 2
    full.answers["clean"] = {"runs": [], "bytes": 0}
    assert there("gc", "--yes").out == "Nothing to delete: keep = ends.\n"
    assert there("gc", "--keep", "all", "--yes", "--json").json == {
        "runs": [],
        "bytes": 0,
        "keep": "all",
        "dry_run": False,
    }
