import json
from pathlib import Path

import pynvml
import pytest

from idemtui.server.devices import DevicesError, Gauges, NvmlReader
from idemtui.server.telemetry import Telemetry
from store.lab import Lab
from tests.idemtui.server.bench import Bench, FakeGpus, gpu, new_run


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_devices_in_use_are_looked_at_when_it_is_time(tmp_path: Path) -> None:
    gauges = [Gauges("GPU-a", 97.0, 8e9, 512.5, 61.0), Gauges("GPU-b", 0.0)]
    path = tmp_path / "telemetry.jsonl"
    telemetry = Telemetry(path, lambda: gauges, every_seconds=3600)
    assert telemetry.look(set()) == 0
    assert telemetry.look({"GPU-a"}) == 1
    assert telemetry.look({"GPU-a"}) == 0
    (line,) = lines(path)
    assert (line["device"], line["utilization"], line["power"]) == ("GPU-a", 97.0, 512.5)


def test_what_a_driver_does_not_tell_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "telemetry.jsonl"
    Telemetry(path, lambda: [Gauges("GPU-b", 0.0)]).look({"GPU-b"})
    assert set(lines(path)[0]) == {"ts", "device", "utilization"}


def test_a_driver_that_is_lost_costs_a_look_and_nothing_else(tmp_path: Path) -> None:
    def lost() -> list[Gauges]:
        raise DevicesError("no GPU can be seen: GPU is lost")

    assert Telemetry(tmp_path / "telemetry.jsonl", lost).look({"GPU-a"}) == 0


def test_only_gpus_that_a_run_is_on_are_looked_at(lab: Lab) -> None:
    bench = Bench(lab, slots=2, gpus=FakeGpus([gpu(0), gpu(1)]))
    assert bench.queue.on_gpus() == set()
    bench.ask(new_run(lab, "a", device="cuda"), new_run(lab, "b"))
    assert bench.queue.on_gpus() == {gpu(0).uuid}


def test_nvml_is_read_as_it_speaks(monkeypatch: pytest.MonkeyPatch) -> None:
    def unsupported(handle: int) -> int:
        raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)

    class Rates:
        gpu = 93

    class Memory:
        total, used = 80, 7

    answers = {
        "nvmlInit": lambda: None,
        "nvmlDeviceGetCount": lambda: 1,
        "nvmlDeviceGetHandleByIndex": lambda index: index,
        "nvmlDeviceGetUUID": lambda handle: b"GPU-a",
        "nvmlDeviceGetUtilizationRates": lambda handle: Rates,
        "nvmlDeviceGetMemoryInfo": lambda handle: Memory,
        "nvmlDeviceGetPowerUsage": unsupported,
        "nvmlDeviceGetTemperature": lambda handle, sensor: 55,
    }
    for name, answer in answers.items():
        monkeypatch.setattr(pynvml, name, answer)
    assert NvmlReader().gauges() == [Gauges("GPU-a", 93.0, 7.0, None, 55.0)]
