import json
from pathlib import Path

from idemtui.server.devices import DevicesError, Gpu
from idemtui.server.telemetry import Telemetry
from store.lab import Lab
from tests.idemtui.server.bench import Bench, FakeGpus, gpu, new_run


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_devices_in_use_are_looked_at_when_it_is_time(tmp_path: Path) -> None:
    read = [
        Gpu("GPU-a", 0, "H200", 80, 8, utilization=97.0, power=512.5, temperature=61.0),
        Gpu("GPU-b", 1, "H200", 80, 0),
    ]
    path = tmp_path / "telemetry.jsonl"
    telemetry = Telemetry(path, lambda: read, every_seconds=3600)
    assert telemetry.look(set()) == 0
    assert telemetry.look({"GPU-a"}) == 1
    assert telemetry.look({"GPU-a"}) == 0
    (line,) = lines(path)
    assert (line["device"], line["utilization"], line["power"]) == ("GPU-a", 97.0, 512.5)


def test_what_a_driver_does_not_tell_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "telemetry.jsonl"
    Telemetry(path, lambda: [Gpu("GPU-b", 1, "H200", 80, 7)]).look({"GPU-b"})
    assert set(lines(path)[0]) == {"ts", "device", "memory"}


def test_a_driver_that_is_lost_costs_a_look_and_nothing_else(tmp_path: Path) -> None:
    def lost() -> list[Gpu]:
        raise DevicesError("no GPU can be seen: GPU is lost")

    assert Telemetry(tmp_path / "telemetry.jsonl", lost).look({"GPU-a"}) == 0


def test_only_gpus_that_a_run_is_on_are_looked_at(lab: Lab) -> None:
    bench = Bench(lab, slots=2, gpus=FakeGpus([gpu(0), gpu(1)]))
    assert bench.queue.on_gpus() == set()
    bench.ask(new_run(lab, "a", device="cuda"), new_run(lab, "b"))
    assert bench.queue.on_gpus() == {gpu(0).uuid}
