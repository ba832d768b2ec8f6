"""A database that DuckDB declares invalid, for want of room at a checkpoint, is opened again, and whole at last.

The limit of a process on the size of its files stands for the full disk: it needs no mount and no root.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.store.journals import Chain, write_chain, write_lab

pytestmark = pytest.mark.proof

LATE = 12
SERVER = """
import logging, resource, signal, sys
from store import database
from store.client import connect
from store.lab import find_lab
from store.service import LabService

logging.basicConfig(level=logging.ERROR, stream=sys.stdout)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
database.SETTINGS["checkpoint_threshold"] = "50KB"
lab = find_lab(sys.argv[1])
service = LabService(lab, poll_seconds=0.05)
service.start()
with connect(lab) as client:
    assert client.sync(60)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (lab.database.stat().st_size + 200_000, hard))
    print("full", flush=True)
    sys.stdin.readline()
    for _ in range(5):
        client.sync(60)
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    while client.changes().trouble or client.sql("SELECT count(*) FROM runs").tuples() != [(int(sys.argv[2]),)]:
        assert client.sync(60)
    print(client.sql("SELECT count(*) = count(DISTINCT sample_id) FROM samples").tuples())
    print(client.sql("SELECT count(*) = count(DISTINCT (run_id, seq)) FROM events").tuples())
assert service.close()
"""


def test_a_database_without_room_is_opened_again_and_whole_at_last(tmp_path: Path) -> None:
    lab = write_lab(tmp_path / "lab", [Chain("held")])
    command = [sys.executable, "-c", SERVER, str(lab.root), str(1 + LATE)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        assert server.stdout.readline() == "full\n"
        for number in range(LATE):
            write_chain(lab, Chain(f"late-{number}", seed=500 + number))
        printed, _ = server.communicate("go\n")
    assert server.returncode == 0, printed
    assert "Failed to create checkpoint" in printed
    assert "the database is closed, to be opened again" in printed
    assert printed.endswith("[(True,)]\n[(True,)]\n"), printed
