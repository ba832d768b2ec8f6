"""Disks without room, and labs that cannot be written: on a small tmpfs of their own, mounted as root."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.events import AdapterTrained, RunPaused
from tests.proofs.broken_off import BrokenOff
from tests.proofs.labs import ProofLab, new_lab, remove, until
from tests.proofs.works import check_memory, results

pytestmark = pytest.mark.proof
SIZE_MB, RESERVE_MB = 96, 24


def mount(*arguments: str) -> None:
    """Skip, with the reason, where this machine does not let its user mount."""
    done = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"mount {' '.join(arguments)}: {done.stderr.strip() or done.returncode}; it takes root")


@pytest.fixture
def small() -> Iterator[Callable[..., ProofLab]]:
    """Makes a lab whose folder lies on a tmpfs of 96 MB."""
    made: list[ProofLab] = []

    def make(**environment: str) -> ProofLab:
        lab = new_lab(**environment)
        mount("-t", "tmpfs", "-o", f"size={SIZE_MB}m", "proof", str(lab.root.parent))
        made.append(lab)
        return lab

    yield make
    for lab in made:
        lab.close()
        subprocess.run(["umount", "--lazy", str(lab.root.parent)], check=True)
        remove(lab)


def fill(lab: ProofLab, leave: int) -> Path:
    """Take all but `leave` bytes of the lab's disk, on which others write meanwhile."""
    ballast = lab.root.with_name("ballast")

    def taken() -> bool:
        free = shutil.disk_usage(lab.root).free
        try:
            with ballast.open("ab") as file:
                os.posix_fallocate(file.fileno(), 0, max(free - leave, 1))
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            return False
        return True

    until(taken, "the ballast")
    return ballast


def adapter_of(lab: ProofLab, run_id: str, cycle: int) -> Callable[[], bool]:
    return lambda: any(isinstance(e, AdapterTrained) and e.cycle == cycle for e in lab.events(run_id))


def test_a_disk_that_gets_full_pauses_the_run_which_goes_on_by_itself(
    broken_off: BrokenOff, small: Callable[..., ProofLab]
) -> None:
    lab, run_id = small(IDEMTUI_DISK_RESERVE_MB=str(RESERVE_MB)), broken_off.run_id
    lab.root.mkdir(mode=0o700)
    (lab.root / "server.toml").write_text(f"disk_reserve_mb = {RESERVE_MB}\n")
    lab.submit(broken_off.text)
    until(adapter_of(lab, run_id, 0), "the first adapter")
    ballast = fill(lab, leave=RESERVE_MB * 500_000)
    lab.reach(run_id, "paused")
    paused = lab.events(run_id)[-1]
    assert isinstance(paused, RunPaused)
    assert paused.cause == "disk"
    assert lab.worker(run_id) is None, "a paused run holds no process"
    assert "free" in paused.message
    ballast.unlink()
    lab.reach(run_id, "finished")
    assert results(lab, run_id) == broken_off.whole()
    check_memory(lab, run_id)


def test_a_disk_full_to_the_brim_corrupts_nothing(broken_off: BrokenOff, small: Callable[..., ProofLab]) -> None:
    lab, run_id = small(IDEMTUI_DISK_RESERVE_MB="0"), broken_off.run_id
    lab.root.mkdir(mode=0o700)
    (lab.root / "server.toml").write_text("disk_reserve_mb = 0\n")
    lab.submit(broken_off.text)
    until(adapter_of(lab, run_id, 0), "the first adapter")
    fill(lab, leave=0)
    until(lambda: lab.worker(run_id) is None, "the worker's end on the full disk")
    ended = len(lab.entries(run_id))
    server = lab.server()
    threading.Event().wait(1.0)
    assert len(lab.entries(run_id)) == ended, "nothing is started on a disk without room"
    lab.root.with_name("ballast").unlink()
    assert lab.server() == server, f"the server fell over a full disk: {lab.server_log()}"
    lab.reach(run_id, "finished")
    assert results(lab, run_id) == broken_off.whole()
    check_memory(lab, run_id)


@pytest.fixture
def read_only(broken_off: BrokenOff) -> Iterator[ProofLab]:
    """A lab seen through a mount that cannot be written."""
    lab = broken_off.copy()
    view = new_lab()
    view.root.mkdir()
    mount("--bind", str(lab.root), str(view.root))
    try:
        mount("-o", "remount,ro,bind", str(view.root))
        yield view
    finally:
        subprocess.run(["umount", "--lazy", str(view.root)], check=True)
        remove(view)


def test_a_lab_that_cannot_be_written_can_be_read(read_only: ProofLab, broken_off: BrokenOff) -> None:
    rows = read_only.idemtui("sql", "select count(*) n from samples", "--json").json
    assert rows[0]["n"] > 0
    assert broken_off.run_id in read_only.idemtui("ls").out
    read_only.idemtui("show", broken_off.run_id)


@pytest.mark.parametrize("command", [("resume", "--all"), ("rebuild",), ("serve",), ("resume", "RUN")])
def test_what_must_write_says_in_one_line_that_it_cannot(
    read_only: ProofLab, broken_off: BrokenOff, command: tuple[str, ...]
) -> None:
    words = [broken_off.run_id if word == "RUN" else word for word in command]
    said = read_only.idemtui(*words, code=1)
    assert said.err.startswith("idemtui: ")
    assert said.err.count("\n") == 1, said.err
    assert any(words in said.err for words in ("Read-only file system", "write permission", "read-only"))
