"""What becomes of a model's shards when one fails, memory runs out, the run stops, or the worker is killed."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import psutil
import pynvml
import pytest

from engine import children
from engine.errors import GuardError, ModelError, ShardError
from engine.failures import out_of_memory, with_notes
from engine.log import StopAsked
from engine.model_files import POCKET
from engine.sharded.group import ShardGroup, Sharding
from engine.sharded.requests import LookAround, Shard, TrainAdapter
from tests.engine.sharded.conftest import MODEL, Spread
from tests.engine.sharded.work import DRAWING, counted, draws, job

WAIT_SECONDS = 30.0


@pytest.fixture
def folders(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the shards of one test put temporary files."""
    place = tmp_path_factory.mktemp("temporary # %2F ?")
    monkeypatch.setenv("TMPDIR", str(place))
    return place


def gone(pids: list[int]) -> bool:
    """Whether all of these end within a while."""
    deadline = time.monotonic() + WAIT_SECONDS
    while alive := [pid for pid in pids if _lives(pid)]:
        if time.monotonic() > deadline:
            return False
        psutil.wait_procs([psutil.Process(pid) for pid in alive if _lives(pid)], timeout=0.1)
    return True


def _lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_shard_that_is_killed_ends_all_in_one_line_and_the_next_request_starts_them_anew(spread: Spread) -> None:
    model = spread(2)
    before = model.draw(draws(), None, DRAWING, chat=True)
    pids = model.group.pids
    os.kill(pids[1], signal.SIGKILL)
    with pytest.raises(
        ShardError, match=r"the process of shard 2 of 2 ended \(killed by signal 9\); .* resume the run"
    ):
        model.draw(draws(), None, DRAWING, chat=True)
    assert gone(pids)
    assert not model.group.lives
    assert model.draw(draws(), None, DRAWING, chat=True) == before


def test_shards_are_not_started_anew_from_other_files(tmp_path: Path) -> None:
    folder = shutil.copytree(POCKET / "instruct", tmp_path / "model")
    weights = Path(folder, "model.safetensors")
    group, kept = ShardGroup(Sharding(str(folder), "cpu", 1, 1)), weights.read_bytes()
    try:
        group.ask(LookAround())
        os.kill(group.pids[0], signal.SIGKILL)
        with pytest.raises(ShardError):
            group.ask(LookAround())
        weights.write_bytes(kept[:-1] + bytes([kept[-1] ^ 1]))
        with pytest.raises(
            ModelError, match=r"model\.safetensors changed since it was first read; restore it and resume"
        ):
            group.ask(LookAround())
        assert not group.lives
        weights.write_bytes(kept)
        group.ask(LookAround())
    finally:
        group.close()


def test_a_stop_in_the_middle_of_a_training_leaves_nothing_behind(spread: Spread, tmp_path: Path) -> None:
    model, steps = spread(2), []

    def stop() -> None:
        if steps:
            raise StopAsked("pause", "asked")

    model.group.ask(LookAround())
    pids = model.group.pids
    with pytest.raises(StopAsked):
        model.train([job(tmp_path / "given up", on_step=counted(steps), safe_point=stop)])
    assert steps[0] == 1
    assert gone(pids)
    assert list(tmp_path.iterdir()) == []


def test_memory_that_the_driver_keeps_is_a_note_of_why_they_were_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    group, kept = ShardGroup(Sharding(MODEL, "cpu", 1, 1)), list[SimpleNamespace]()
    group.ask(LookAround())
    kept += [SimpleNamespace(pid=group.pids[0]), SimpleNamespace(pid=1)]
    monkeypatch.setattr(children, "ENDING_SECONDS", 0.1)
    monkeypatch.setattr(pynvml, "nvmlInit", lambda: None)
    monkeypatch.setattr(pynvml, "nvmlShutdown", lambda: None)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetCount", lambda: 2)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetHandleByIndex", lambda index: index)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetComputeRunningProcesses", lambda index: kept if index else [])

    def stop() -> None:
        raise StopAsked("pause", "paused by its user")

    with pytest.raises(StopAsked) as raised:
        group.ask(LookAround(), safe_point=stop)
    told = with_notes(raised.value)
    assert told.startswith(f"paused by its user; the model's shards were killed, but GPU 1 (process {kept[0].pid}) ")
    assert gone([kept[0].pid])
    kept.clear()
    group.close()


class GrowUntilRefused:
    """A request that the second shard has no memory for, by the system's own word, while the first waits for it."""

    def do(self, shard: Shard) -> None:
        """Allocates beyond a limit of this process alone."""
        import torch
        from torch import distributed

        if shard.rank:
            held = psutil.Process().memory_info().vms
            resource.setrlimit(resource.RLIMIT_AS, (held + (256 << 20), resource.RLIM_INFINITY))
            torch.ones(4 << 30, dtype=torch.uint8)
        distributed.barrier()


def test_want_of_memory_in_one_shard_is_want_of_memory(spread: Spread) -> None:
    model = spread(2)
    with pytest.raises(ShardError, match="shard 2 of 2 failed: OutOfMemoryError") as raised:
        model.group.ask(GrowUntilRefused())
    assert out_of_memory(raised.value)
    assert len(model.draw(draws(), None, DRAWING, chat=True)) == len(draws())


class GoWrong:
    """A request that only the second shard cannot do; the first waits for it until its process is gone."""

    def do(self, shard: Shard) -> None:
        """A mistake of a library's."""
        from torch import distributed

        if shard.rank:
            raise ValueError("an odd number\nof heads")
        distributed.barrier()


def test_what_one_shard_meets_is_said_in_one_line(spread: Spread) -> None:
    with pytest.raises(ShardError) as raised:
        spread(2).group.ask(GoWrong())
    assert str(raised.value) == "shard 2 of 2 failed: ValueError: an odd number"


class Refuse:
    """A request that every shard refuses."""

    def do(self, shard: Shard) -> None:
        """An error of ours."""
        raise GuardError(f"nothing is left, says {shard.rank}")


def test_an_error_of_ours_comes_back_as_it_is(spread: Spread) -> None:
    with pytest.raises(GuardError, match="nothing is left, says"):
        spread(2).group.ask(Refuse())


def test_a_model_that_cannot_be_loaded_is_refused_as_in_this_process(folders: Path) -> None:
    group = ShardGroup(Sharding(str(folders / "none"), "cpu", 1, 2))
    with pytest.raises(ModelError, match="none"):
        group.ask(LookAround())
    assert not group.lives
    assert list(folders.iterdir()) == []


class Print:
    """A request to say something on both streams, as a library or the driver would."""

    def do(self, shard: Shard) -> None:
        """Past Python's own streams."""
        os.write(1, f"out {shard.rank}\n".encode())
        os.write(2, f"err {shard.rank}\n".encode())


def test_what_shards_print_goes_to_the_log_of_the_run_at_hand_and_nothing_temporary_stays(
    folders: Path, tmp_path: Path
) -> None:
    group, kept, logs = ShardGroup(Sharding(MODEL, "cpu", 1, 2)), os.dup(2), (tmp_path / "first", tmp_path / "second")
    try:
        for log in logs:
            fd = os.open(log, os.O_WRONLY | os.O_CREAT)
            os.dup2(fd, 2)
            os.close(fd)
            group.ask(TrainAdapter.of(job(tmp_path / "adapter")))
            group.ask(Print())
            held = [file.path for pid in group.pids for file in psutil.Process(pid).open_files()]
            deadline = time.monotonic() + WAIT_SECONDS
            while len(log.read_text().splitlines()) < 4 and time.monotonic() < deadline:
                time.sleep(0.01)
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        group.close()
    assert [sorted(log.read_text().splitlines()) for log in logs] == [["err 0", "err 1", "out 0", "out 1"]] * 2
    assert not any(path.startswith(str(tmp_path)) for path in held)
    assert list(folders.iterdir()) == []


def test_a_signal_to_every_process_is_the_workers_to_answer(spread: Spread) -> None:
    model = spread(2)
    model.group.ask(LookAround())
    for pid in model.group.pids:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            os.kill(pid, number)
    assert len(model.draw(draws(), None, DRAWING, chat=True)) == len(draws())


EARLY = """
import os, sys
from engine.sharded.group import ShardGroup, Sharding
from engine.sharded.requests import LookAround
class Killed(ShardGroup):
    def _spawn(self, rank):
        if rank:
            print(*self.pids, flush=True)
            os._exit(9)
        super()._spawn(rank)
Killed(Sharding(sys.argv[1], "cpu", 1, 2)).ask(LookAround())
"""


def test_a_shard_whose_worker_is_killed_while_it_starts_waits_for_nobody(folders: Path) -> None:
    ended = subprocess.run([sys.executable, "-c", EARLY, MODEL], stdout=subprocess.PIPE, text=True, check=False)
    assert ended.returncode == 9
    assert gone([int(pid) for pid in ended.stdout.split()])


WORKER = """
import sys, time
from engine.sharded.group import ShardGroup, Sharding
from engine.sharded.requests import LookAround
group = ShardGroup(Sharding(sys.argv[1], "cpu", 1, 2))
group.ask(LookAround())
print(*group.pids, flush=True)
time.sleep(600)
"""


@pytest.fixture
def worker() -> Iterator[subprocess.Popen[str]]:
    """A process that has started two shards and does nothing more."""
    process = subprocess.Popen([sys.executable, "-c", WORKER, MODEL], stdout=subprocess.PIPE, text=True)
    yield process
    process.kill()
    process.communicate()


def test_shards_end_with_a_worker_that_is_killed(worker: subprocess.Popen[str]) -> None:
    assert worker.stdout is not None
    pids = [int(pid) for pid in worker.stdout.readline().split()]
    assert len(pids) == 2
    assert all(map(_lives, pids))
    worker.kill()
    assert gone(pids)


def test_what_is_asked_while_they_load_can_be_given_up(folders: Path) -> None:
    group, asked = ShardGroup(Sharding(MODEL, "cpu", 1, 2)), threading.Event()

    def stop() -> None:
        if asked.is_set():
            raise StopAsked("terminate", "asked")
        asked.set()

    with pytest.raises(StopAsked):
        group.ask(LookAround(), safe_point=stop)
    assert not group.lives
    assert list(folders.iterdir()) == []
