"""Devices held for somebody else, and steering while another program holds the database; by a real server."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from store.lab import Lab
from tests.idemtui.cli.conftest import Idemtui
from tests.store.journals import DEMO, write_chain

HOLD = "import duckdb, sys; held = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"


@pytest.fixture
def served(idemtui: Idemtui, lab_to_write: Lab) -> Iterator[Idemtui]:
    write_chain(lab_to_write, DEMO[0])

    def call(*words: str) -> object:
        return idemtui("--lab", lab_to_write.root, *words)

    yield call  # type: ignore[misc]
    call("stop")


def test_a_device_is_held_and_released(served: Idemtui) -> None:
    assert served("hold").out == "Held: nothing.\n"
    assert served("hold", "cpu").err == "cpu is held; `idemtui release cpu` gives it back.\n"
    assert served("hold", "--json").json == {"devices": ["cpu"]}
    wrong = served("hold", "7")
    assert (wrong.code, wrong.err) == (2, "idemtui: device '7': this lab has cpu; give one of them.\n")
    assert served("release").code == 2
    assert served("release", "--all").out == "Released: cpu.\n"
    assert served("release", "cpu").out == "Released: nothing was held.\n"


def test_a_run_that_is_on_no_device_holds_none(served: Idemtui) -> None:
    said = served("pause", DEMO[0].name, "--hold")
    assert "is on no device now" in said.err
    assert "already finished" in said.out


def test_runs_are_steered_while_another_program_holds_the_database(served: Idemtui, lab_to_write: Lab) -> None:
    command = [sys.executable, "-c", HOLD, str(lab_to_write.database)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        assert f"(process {holder.pid})" in served("ls").err
        assert "already finished" in served("pause", DEMO[0].name).out
        assert "did you mean" in served("pause", DEMO[0].name[:-1] + "x").err
        holder.communicate()
    assert DEMO[0].name in served("ls").out
