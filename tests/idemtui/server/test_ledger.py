import errno
import os
from pathlib import Path
from typing import Any

import pytest

from engine.commands import append_command, read_commands
from engine.errors import LabError
from idemtui.server import ledger
from idemtui.server.ledger import Ledger
from store.lab import Lab
from tests.idemtui.server.bench import FINISHED, Bench, new_run, types


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """A disk that is full while this holds something; every line is cut in half then."""
    state: list[bool] = []

    def append(folder: Path, type_: Any, **values: Any) -> Any:
        if not state:
            return append_command(folder, type_, **values)
        with (folder / "commands.jsonl").open("ab") as file:
            file.write(b'{"ts": "2026')
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(ledger, "append_command", append)
    return state


def test_what_people_ask_of_a_full_disk_is_refused_and_changes_nothing(lab: Lab, full: list[bool]) -> None:
    bench = Bench(lab, slots=1)
    running, run = new_run(lab, "a"), new_run(lab, "b")
    bench.ask(running)
    full.append(True)
    with pytest.raises(LabError, match="No space left on device; nothing was changed"):
        bench.asking.enqueue(run)
    with pytest.raises(LabError, match="No space left"):
        bench.asking.pause(running)
    assert (bench.waiting, bench.running) == ([], [running])
    full.clear()
    assert bench.ask(run) == ["queued"]
    assert types(lab, run) == ["queued"]


def test_what_happened_on_a_full_disk_is_written_when_there_is_room(lab: Lab, full: list[bool]) -> None:
    bench = Bench(lab, slots=1)
    first, second = new_run(lab, "a"), new_run(lab, "b")
    bench.ask(first, second)
    full.append(True)
    bench.let_go(first, FINISHED)
    assert bench.running == [second], "the keeper goes on"
    assert bench.floor.ledger.owed == 2
    assert types(lab, first) == ["queued", "started"]
    with pytest.raises(LabError):
        bench.asking.pause(second)
    full.clear()
    bench.tick()
    assert types(lab, first) == ["queued", "started", "worker_exited"]
    assert types(lab, second) == ["queued", "started"]
    assert bench.floor.ledger.owed == 0


def test_a_line_that_a_crash_tore_is_cut_before_the_next(lab: Lab) -> None:
    run = new_run(lab, "a")
    append_command(lab.run(run), "queued")
    with (lab.run(run) / "commands.jsonl").open("ab") as file:
        file.write(b'{"ts": "20')
    Ledger().ask(lab.run(run), "cancel_requested")
    assert [command.type for command in read_commands(lab.run(run))] == ["queued", "cancel_requested"]


def test_a_short_write_counts_as_none(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    run = new_run(lab, "a")

    def short(folder: Path, type_: Any, **values: Any) -> None:
        (folder / "commands.jsonl").write_bytes(b'{"ts"')

    monkeypatch.setattr(ledger, "append_command", short)
    with pytest.raises(LabError, match="No space left"):
        Ledger().ask(lab.run(run), "queued")
    assert (lab.run(run) / "commands.jsonl").read_bytes() == b""


def test_a_run_whose_folder_is_gone_owes_nothing(tmp_path: Path) -> None:
    book = Ledger()
    book.note(tmp_path / "gone", "worker_exited", exit_code=1)
    assert book.owed == 0
