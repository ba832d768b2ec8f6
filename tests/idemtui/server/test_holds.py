"""A device that a person keeps free for somebody else."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import JournalError, UsageError
from idemtui.server.holds import Holds, named_device
from store.lab import Lab
from tests.idemtui.server.bench import PAUSED, Bench, FakeGpus, gpu, new_run

GPUS = [gpu(0), gpu(1)]
ROWS = [{"device": one.uuid, "name": f"GPU {one.index}: {one.name}"} for one in GPUS]


def test_a_held_device_takes_no_further_run_until_it_is_released(lab: Lab) -> None:
    bench = Bench(lab, slots=1)
    first, second = new_run(lab, "a"), new_run(lab, "b")
    bench.ask(first, second)
    bench.holds.hold("cpu")
    bench.asking.pause(first)
    bench.let_go(first, PAUSED)
    bench.tick()
    assert bench.running == []
    assert bench.reason(second) == "the CPU is held; `idemtui release cpu` gives it back"
    assert bench.workers == [], "nothing lingers on a held device"
    assert bench.queue.devices()[0]["state"] == "held"
    bench.holds.release(["cpu"])
    bench.tick()
    assert bench.running == [second]


def test_what_runs_on_a_held_device_goes_on(lab: Lab) -> None:
    bench = Bench(lab, slots=1)
    run = new_run(lab, "a")
    bench.ask(run)
    bench.holds.hold("cpu")
    bench.tick()
    assert bench.running == [run]
    assert not bench.workers[0].leaving


def test_one_of_two_gpus_is_held(lab: Lab) -> None:
    bench = Bench(lab, slots=2, gpus=FakeGpus(GPUS))
    bench.holds.hold(GPUS[0].uuid)
    runs = [new_run(lab, name, device="cuda") for name in "ab"]
    bench.ask(*runs)
    assert [worker.device for worker in bench.launcher.started] == [GPUS[1].uuid]
    assert "GPU 0 is held; `idemtui release 0` gives it back" in bench.reason(runs[1])
    assert [row["state"] for row in bench.queue.devices()] == ["held", "busy"]


def test_the_next_server_still_knows(lab: Lab) -> None:
    Holds(lab).hold("cpu")
    assert "cpu" in Holds(lab)
    assert Holds(lab).devices == ["cpu"]


def test_a_broken_file_of_held_devices_is_named(lab: Lab) -> None:
    (lab.root / "held.json").write_text("{")
    with pytest.raises(JournalError, match=r"held\.json.*remove it"):
        Holds(lab)


@pytest.mark.parametrize(("said", "meant"), [("0", 0), ("1", 1), (GPUS[1].uuid, 1)])
def test_a_gpu_is_named_by_number_or_uuid(said: str, meant: int) -> None:
    assert named_device(said, ROWS) == GPUS[meant].uuid


def test_a_device_that_is_none_is_answered_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"device '7': this lab has 0, 1; give one of them\."):
        named_device("7", ROWS)
