import dataclasses
import os
import signal
import stat
import sys
from pathlib import Path
from types import SimpleNamespace

import pynvml
import pytest

from engine.errors import LabError
from engine.locks import FileLock
from idemtui.server.device_locks import device_holder, lock_folder, lock_path
from idemtui.server.devices import DevicesError, GpuProcess, NvmlReader, left_alone, visible
from idemtui.server.launcher import ProcessLauncher
from idemtui.server.model_keys import ModelKey
from idemtui.server.places import Places
from idemtui.server.settings import ServerSettings
from idemtui.server.slots import cores
from store.lab import Lab
from tests.idemtui.conftest import FAKE_WORKER, until
from tests.idemtui.server.bench import Bench, FakeGpus, commands, gpu, new_run

GB = 1_000_000_000
FOUR = [gpu(index) for index in range(4)]


@pytest.fixture(autouse=True)
def _always_fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("idemtui.server.places.FRESH_SECONDS", -1.0)


@pytest.mark.parametrize(
    ("variable", "shown"),
    [
        (None, [0, 1, 2, 3]),
        ("", []),
        ("-1", []),
        ("2,0", [2, 0]),
        (" 1 , 3 ", [1, 3]),
        ("1,9,2", [1]),
        ("1,1", [1]),
        ("GPU-00000002-aaaa", [2]),
        ("GPU-00000003,0", [3, 0]),
        ("GPU-0", []),
        ("MIG-whatever", []),
    ],
)
def test_an_inherited_choice_of_gpus_is_respected(variable: str | None, shown: list[int]) -> None:
    assert [gpu.index for gpu in visible(FOUR, variable)] == shown


def test_a_gpu_that_somebody_else_fills_is_left_alone() -> None:
    stranger = GpuProcess(os.getpid(), 71 * GB)
    reason = left_alone(gpu(0, 71 * GB, processes=(stranger,)), set(), 0.9)
    assert reason is not None
    assert reason.startswith(f"GPU 0 is left alone: 71 GB of 80 GB in use by process {os.getpid()} (")
    assert left_alone(gpu(0, 71 * GB, processes=(stranger,)), {os.getpid()}, 0.9) is None
    assert left_alone(gpu(0, 7 * GB), set(), 0.9) is None
    assert left_alone(gpu(1, 9 * GB), set(), 0.9) == "GPU 1 is left alone: 9 GB of 80 GB in use by another process"


def test_one_worker_per_gpu_with_its_share_of_the_cores(lab: Lab) -> None:
    places = Places(None, 0.9, FakeGpus(FOUR[:2]))
    assert (places.device, places.count, places.threads) == ("cuda", 2, max(cores() // 2, 1))
    bench = Bench(lab, slots=2, gpus=FakeGpus(FOUR[:2]))
    runs = [new_run(lab, name, device="cuda") for name in "abc"]
    on_cpu = new_run(lab, "d")
    bench.ask(*runs, on_cpu)
    assert [worker.device for worker in bench.launcher.started] == [FOUR[0].uuid, FOUR[1].uuid, "cpu"]
    assert bench.waiting == [runs[2]]
    assert bench.reason(runs[2]) == "waits for a free slot"
    assert [command.device for command in commands(lab, runs[0])][-1] == FOUR[0].uuid
    assert [row["state"] for row in bench.queue.devices()] == ["busy", "busy"]


def test_slots_may_be_fewer_than_gpus(lab: Lab) -> None:
    bench = Bench(lab, slots=1, gpus=FakeGpus(FOUR))
    bench.ask(*(new_run(lab, name, device="cuda") for name in "ab"))
    assert len(bench.running) == 1


def test_a_gpu_in_use_is_shown_with_its_reason_until_it_is_free(lab: Lab) -> None:
    gpus = FakeGpus([gpu(0, 71 * GB)])
    bench = Bench(lab, gpus=gpus)
    run = new_run(lab, "a", device="cuda")
    bench.ask(run)
    reason = "GPU 0 is left alone: 71 GB of 80 GB in use by another process"
    assert bench.reason(run) == reason
    (row,) = bench.queue.devices()
    told = {name: row[name] for name in ("device", "name", "state", "reason")}
    assert told == {"device": gpu(0).uuid, "name": "GPU 0: H200", "state": "taken", "reason": reason}
    gpus.gpus = [gpu(0)]
    bench.tick()
    assert bench.running == [run]


def test_a_gpu_locked_by_another_lab_is_taken(lab: Lab) -> None:
    bench = Bench(lab, gpus=FakeGpus([gpu(0)]))
    run = new_run(lab, "a", device="cuda")
    with FileLock(lock_path(gpu(0).uuid), "the device"):
        bench.ask(run)
        assert bench.reason(run) == f"GPU 0 is taken by process {os.getpid()}"
        assert bench.queue.devices()[0]["state"] == "taken"
    bench.tick()
    assert bench.running == [run]
    assert device_holder(gpu(0).uuid) is None


def test_without_a_driver_there_are_no_gpus_and_status_says_so(lab: Lab) -> None:
    bench = Bench(lab, gpus=FakeGpus())
    run = new_run(lab, "a", device="cuda")
    bench.ask(run)
    assert bench.reason(run) == "waits for a GPU: no GPU can be seen: there is no driver"
    row = bench.queue.devices()[0]
    assert (row["device"], row["state"], row["reason"]) == ("cpu", "free", "no GPU can be seen: there is no driver")


def test_gpus_hidden_from_this_server_are_said_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    places = Places(None, 0.9, FakeGpus(FOUR))
    assert (places.device, places.problem) == ("cpu", "$CUDA_VISIBLE_DEVICES = '' shows none of this machine's 4")


@pytest.mark.parametrize(
    ("value", "part"), [("7", ""), ("MIG-abc", "parts of a GPU (MIG) are not used, only whole ones; ")]
)
def test_a_choice_that_shows_no_gpu_says_how_to_choose(monkeypatch: pytest.MonkeyPatch, value: str, part: str) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", value)
    told = f"$CUDA_VISIBLE_DEVICES = '{value}' shows none of this machine's 4; {part}name them by number or UUID"
    assert str(Places(None, 0.9, FakeGpus(FOUR)).problem).startswith(told)


def test_gpus_that_come_later_are_used_and_those_that_go_are_waited_for() -> None:
    gpus = FakeGpus()
    places = Places(None, 0.9, gpus)
    assert (places.device, places.count) == ("cpu", min(2, cores()))
    gpus.gpus = [gpu(0), gpu(1, trouble="NVML says 'GPU is lost' of it")]
    assert (places.device, places.count) == ("cuda", 1)
    assert [row["state"] for row in places.table([])] == ["free", "taken"]
    gpus.gpus = []
    assert places.device == "cuda"
    assert places.free([], {"cuda"})[1] == {"cuda": "waits for a GPU: no GPU can be seen: there is no driver"}


def test_locks_lie_in_a_folder_of_this_user_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert lock_folder() == tmp_path / "runtime" / "idemtui"
    assert stat.S_IMODE(lock_folder().stat().st_mode) == 0o700
    assert lock_path("../GPU 1").name == "___GPU_1.lock"
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    folder = lock_folder()
    assert folder.parent == tmp_path
    folder.rmdir()
    folder.symlink_to(tmp_path / "runtime")
    with pytest.raises(LabError, match="belongs to somebody else"):
        lock_folder()


def test_nvml_is_read_as_it_speaks(monkeypatch: pytest.MonkeyPatch) -> None:
    def unsupported(handle: int) -> int:
        raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)

    answers = {
        "nvmlInit": lambda: None,
        "nvmlDeviceGetCount": lambda: 1,
        "nvmlDeviceGetHandleByIndex": lambda index: index,
        "nvmlDeviceGetMemoryInfo": lambda handle: SimpleNamespace(total=80 * GB, used=GB),
        "nvmlDeviceGetComputeRunningProcesses": lambda handle: [SimpleNamespace(pid=7, usedGpuMemory=None)],
        "nvmlDeviceGetUUID": lambda handle: b"GPU-00000000-aaaa",
        "nvmlDeviceGetName": lambda handle: "H200",
        "nvmlDeviceGetUtilizationRates": lambda handle: SimpleNamespace(gpu=93),
        "nvmlDeviceGetPowerUsage": unsupported,
        "nvmlDeviceGetTemperature": lambda handle, sensor: 55,
    }
    for name, answer in answers.items():
        monkeypatch.setattr(pynvml, name, answer)
    reader = NvmlReader()
    told = gpu(0, GB, processes=(GpuProcess(7, None),), utilization=93.0, temperature=55.0)
    assert reader.read() == [told]
    monkeypatch.setattr(pynvml, "nvmlDeviceGetComputeRunningProcesses", unsupported)
    assert reader.read() == [dataclasses.replace(told, processes=())]

    def lost(index: int) -> int:
        if index == 0:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_GPU_IS_LOST)
        return index

    monkeypatch.setattr(pynvml, "nvmlDeviceGetHandleByIndex", lost)
    with pytest.raises(DevicesError, match="NVML says"):
        reader.read()
    monkeypatch.setattr(pynvml, "nvmlDeviceGetCount", lambda: 2)
    first, second = reader.read()
    assert (first.index, first.trouble) == (0, "NVML says 'GPU is lost' of it")
    assert (second.index, second.total, second.trouble) == (1, 80 * GB, None)
    assert left_alone(first, set(), 0.9) == "GPU 0 cannot be used: NVML says 'GPU is lost' of it"


@pytest.mark.parametrize(("device", "shown"), [("cpu", ""), ("GPU-00000000-aaaa", "GPU-00000000-aaaa")])
def test_a_worker_sees_its_own_device_alone(lab: Lab, device: str, shown: str) -> None:
    launcher = ProcessLauncher(lab.root / "workers", ServerSettings(disk_reserve_mb=7), ["worker"])
    key = ModelKey("m", "j", 3, "cuda", ("HF_TOKEN",))
    environment = launcher._environment(key, device, {"HF_TOKEN": "hf", "OTHER": "x"})
    assert environment["IDEMTUI_MORE_GPUS"] == ""
    assert environment["CUDA_VISIBLE_DEVICES"] == shown
    assert (environment["OMP_NUM_THREADS"], environment["IDEMTUI_DISK_RESERVE_MB"]) == ("3", "7")
    assert environment["HF_TOKEN"] == "hf"
    assert "OTHER" not in environment


def test_of_two_workers_on_one_gpu_the_second_leaves_at_once(lab: Lab) -> None:
    command = (sys.executable, str(FAKE_WORKER), "hold")
    launchers = [ProcessLauncher(lab.root / name, ServerSettings(), command) for name in ("one", "another")]
    key = ModelKey("m", "j", 1, "cuda")
    first = launchers[0].start(key, gpu(0).uuid, {})
    try:
        lock = lock_path(gpu(0).uuid)
        until(lambda: lock.exists() and lock.read_text().strip(), "the first to lock it")
        holder = device_holder(gpu(0).uuid)
        assert holder is not None
        assert (holder.pid, holder.lab) == (first.pid, str(lab.root))
        second = launchers[1].start(key, gpu(0).uuid, {})
        ended = until(second.process.exited, "the second to leave")
        assert ended.code == 76
    finally:
        first.process.send(signal.SIGKILL)
        until(first.process.exited, "its end")


def test_a_run_that_needs_two_gpus_gets_them_at_once_and_nobody_starves(lab: Lab) -> None:
    bench = Bench(lab, slots=3, gpus=FakeGpus(FOUR[:3]))
    singles = [new_run(lab, name, model=name, device="cuda") for name in "abc"]
    large = new_run(lab, "large", model="large", device="cuda", gpus=2)
    late = new_run(lab, "z", model="z", device="cuda")
    bench.ask(*singles[:2], large, singles[2], late)
    assert bench.running == singles[:2]
    assert bench.reason(large) == "gathers 2 GPUs: 1 free and kept for it"
    assert bench.reason(late) == f"waits while run {large} gathers 2 GPUs"
    bench.let_go(singles[0])
    bench.tick()
    assert set(bench.running) == {singles[1], large}
    assert bench.worker(large).device == f"{FOUR[0].uuid},{FOUR[2].uuid}"
    assert [command.device for command in commands(lab, large)][-1] == f"{FOUR[0].uuid},{FOUR[2].uuid}"
    assert bench.queue.on_gpus() == {gpu.uuid for gpu in FOUR[:3]}
    assert [row["state"] for row in bench.queue.devices()] == ["busy"] * 3
    bench.let_go(singles[1])
    bench.tick()
    assert singles[2] in bench.running
    bench.let_go(large)
    bench.tick()
    bench.tick()
    assert late in bench.running


def test_more_gpus_than_there_are_keep_nobody_waiting(lab: Lab) -> None:
    bench = Bench(lab, slots=4, gpus=FakeGpus([*FOUR[:2], gpu(2, 71 * GB)]))
    large = new_run(lab, "large", device="cuda", gpus=3)
    single = new_run(lab, "a", device="cuda")
    bench.ask(large, single)
    assert bench.running == [single]
    assert bench.reason(large).startswith("needs 3 GPUs at once, this server can use 2: ")
    assert "GPU 2 is left alone: 71 GB of 80 GB" in bench.reason(large)


def test_a_worker_of_two_gpus_trains_on_the_first_and_locks_both(lab: Lab) -> None:
    device = f"{gpu(0).uuid},{gpu(1).uuid}"
    launcher = ProcessLauncher(lab.root / "workers", ServerSettings(), (sys.executable, str(FAKE_WORKER), "hold"))
    key = ModelKey("m", "j", 1, "cuda", gpus=2)
    environment = launcher._environment(key, device, {})
    assert (environment["CUDA_VISIBLE_DEVICES"], environment["IDEMTUI_MORE_GPUS"]) == (gpu(0).uuid, gpu(1).uuid)
    worker = launcher.start(key, device, {})
    try:
        for one in (gpu(0), gpu(1)):
            until(lambda one=one: device_holder(one.uuid), "its lock")
    finally:
        worker.process.send(signal.SIGKILL)
        until(worker.process.exited, "its end")
