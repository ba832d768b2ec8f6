"""Broken, cut and edited files of a run: refused with one clear line or borne, and nothing intact is lost."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.events import RunFailed
from tests.proofs.broken_off import BrokenOff, change_lines
from tests.proofs.labs import ProofLab
from tests.proofs.works import check_memory, results

pytestmark = pytest.mark.proof
ADAPTER = "cycles/00/adapter/adapter_model.safetensors"


def message(lab: ProofLab, run_id: str) -> str:
    """What the database says of a run; fails where that is not one line."""
    [(said,)] = lab.ask("SELECT message FROM runs WHERE run_id = ?", run_id)
    assert said, f"nothing is said of the run: {lab.commands(run_id)}"
    assert "\n" not in said
    return str(said)


def refused(lab: ProofLab, run_id: str) -> str:
    """Resume, wait for the refusal, and give its line; fails where anything was drawn, trained or printed besides."""
    before = len(lab.entries(run_id))
    lab.idemtui("resume", run_id)
    lab.reach(run_id, "failed")
    [failed] = lab.events(run_id)[before:]
    assert isinstance(failed, RunFailed)
    log = (lab.run_folder(run_id) / "worker.log").read_text(errors="replace")
    assert "Traceback" not in log
    assert message(lab, run_id) == failed.message
    return failed.message


def test_a_torn_last_line_is_cut_off_and_the_run_ends_the_same(broken_off: BrokenOff) -> None:
    lab, run_id = broken_off.copy(), broken_off.run_id
    for name in ("events.jsonl", "commands.jsonl"):
        with (lab.run_folder(run_id) / name).open("ab") as file:
            file.write(b'{"seq":70,"ts":"2026-01-01T00:00:00.000+00:00","type":"samples_dr\xc3')
    lab.idemtui("resume", run_id)
    lab.reach(run_id, "finished")
    assert results(lab, run_id) == broken_off.whole()
    check_memory(lab, run_id)


def test_a_corrupt_middle_line_is_refused_and_what_stands_before_it_is_kept(broken_off: BrokenOff) -> None:
    lab, run_id = broken_off.copy(), broken_off.run_id
    journal = lab.run_folder(run_id) / "events.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    lab.root.joinpath("lab.duckdb").unlink()
    journal.write_bytes(b"".join([*lines[:10], b"\x00\xff{]" + lines[10][4:], *lines[11:]]))
    kept = journal.read_bytes()
    lab.idemtui("resume", run_id, code=None)
    lab.reach(run_id, "failed")
    assert journal.read_bytes() == kept, "a journal that cannot be trusted is left as it is"
    assert lab.ask("SELECT count(*) FROM events WHERE run_id = ?", run_id) == [(10,)]
    [(error,)] = lab.ask("SELECT error FROM ingest_errors WHERE run_id = ?", run_id)
    assert "event 10" in error
    log = (lab.run_folder(run_id) / "worker.log").read_text(errors="replace")
    assert "event 10" in log
    assert "Traceback" not in log
    journal.write_bytes(b"".join(lines))
    lab.idemtui("resume", run_id)
    lab.reach(run_id, "finished")
    assert results(lab, run_id) == broken_off.whole()
    check_memory(lab, run_id)


@pytest.mark.parametrize("harm", ["cut", "changed", "gone"])
def test_a_harmed_adapter_is_refused_until_it_is_restored(broken_off: BrokenOff, harm: str) -> None:
    lab, run_id = broken_off.copy(), broken_off.run_id
    adapter = lab.run_folder(run_id) / ADAPTER
    weights = adapter.read_bytes()
    harms: dict[str, Callable[[], object]] = {
        "cut": lambda: os.truncate(adapter, len(weights) // 2),
        "changed": lambda: adapter.write_bytes(weights[:-1] + bytes([weights[-1] ^ 1])),
        "gone": adapter.unlink,
    }
    harms[harm]()
    said = refused(lab, run_id)
    assert "cycles/00/adapter" in said
    assert {"gone": "is gone", "cut": "was cut", "changed": "changed"}[harm] in said
    if harm == "cut":
        adapter.write_bytes(weights)
        lab.idemtui("resume", run_id)
        lab.reach(run_id, "finished")
        assert results(lab, run_id) == broken_off.whole()


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [("run", "init", "initial"), ("train", "learning_rate", 0.5), ("sample", "temperature", 0.1)],
)
def test_an_edited_spec_is_refused(broken_off: BrokenOff, section: str, key: str, value: object) -> None:
    lab, run_id = broken_off.copy(), broken_off.run_id
    path = lab.run_folder(run_id) / "spec.json"
    spec = json.loads(path.read_text())
    assert spec[section][key] != value
    spec[section][key] = value
    path.write_text(json.dumps(spec))
    assert "spec" in refused(lab, run_id)


def test_a_changed_pack_is_refused_until_it_is_restored(broken_off: BrokenOff) -> None:
    lab, run_id = broken_off.copy(), broken_off.run_id
    path = next(broken_off.pack.glob("traits/bliss.chat.jsonl"))
    before = path.read_bytes()
    path.write_bytes(before.replace(b"a", b"e", 1))
    try:
        said = refused(lab, run_id)
    finally:
        path.write_bytes(before)
    assert "bliss.chat.jsonl" in said
    assert "changed" in said


def test_a_changed_model_is_refused(broken_off: BrokenOff) -> None:
    lab, run_id = broken_off.copy(), broken_off.run_id
    path = lab.run_folder(run_id) / "spec.json"
    spec = json.loads(path.read_text())
    files = spec["provenance"]["model_files"]
    name = next(name for name in files if name.endswith(".safetensors"))
    files[name] = "0" * 64
    path.write_text(json.dumps(spec))

    def forget_spec(_: int, line: dict[str, object]) -> None:
        payload = line["payload"]
        assert isinstance(payload, dict)
        payload.pop("spec_sha256", None)

    change_lines(lab.run_folder(run_id) / "events.jsonl", forget_spec)
    lab.root.joinpath("lab.duckdb").unlink()
    assert Path(name).name in refused(lab, run_id)
