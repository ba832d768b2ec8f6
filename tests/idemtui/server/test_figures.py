"""What devices do, as `status` tells it: whose processes, how often it is looked at, and what a CPU has to say."""

import getpass
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import psutil
import pytest

from idemtui.server.devices import GpuProcess
from idemtui.server.figures import MOST_PROCESSES, Figures, started_by
from tests.idemtui.server.bench import gpu

GB = 1_000_000_000
NOBODY = 5_000_000
"""Beyond what Linux gives to processes."""


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    """A process of this one, as vLLM is a worker's."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


def test_a_gpus_processes_have_owners_and_children_count_as_ours(child: subprocess.Popen[bytes]) -> None:
    processes = (GpuProcess(child.pid, 60 * GB), GpuProcess(NOBODY, None), GpuProcess(1, 7 * GB))
    busy = gpu(0, 68 * GB, processes=processes, utilization=97.0, power=612.4, temperature=61.0)
    row = Figures().of_gpu(busy, [os.getpid()])
    assert (row["memory_used"], row["memory_total"]) == (68 * GB, 80 * GB)
    assert (row["utilization"], row["power"], row["temperature"]) == (97.0, 612.4, 61.0)
    told = [(p["pid"], p["user"] is None, p["memory"], p["ours"]) for p in row["processes"]]
    assert told == [(child.pid, False, 60 * GB, True), (1, False, 7 * GB, False), (NOBODY, True, None, False)]
    assert row["processes"][0]["user"] == getpass.getuser()
    assert [started_by(pid, [os.getpid()]) for pid in (os.getpid(), child.pid, 1, NOBODY)] == [True, True, False, False]


def test_only_the_largest_processes_are_named_and_the_others_counted() -> None:
    processes = tuple(GpuProcess(NOBODY + n, n) for n in range(MOST_PROCESSES + 3))
    row = Figures().of_gpu(gpu(0, processes=processes), [])
    assert [process["memory"] for process in row["processes"]] == list(range(10, 2, -1))
    assert row["more_processes"] == 3


def test_figures_stay_as_they_are_for_some_seconds() -> None:
    now = [100.0]
    figures = Figures(5.0, clock=lambda: now[0])
    first = figures.of_gpu(gpu(0, GB), [])
    now[0] += 4.9
    assert figures.of_gpu(gpu(0, 2 * GB), []) is first
    assert figures.of_gpu(replace(gpu(1), used=3), [])["memory_used"] == 3
    now[0] += 0.2
    assert figures.of_gpu(gpu(0, 2 * GB), [])["memory_used"] == 2 * GB


def test_a_cpu_tells_memory_cores_and_its_workers() -> None:
    figures = Figures(0.0)
    assert figures.of_cpu([])["utilization"] is None
    total = sum(number * number for number in range(400_000))
    row = figures.of_cpu([os.getpid(), NOBODY])
    assert total > 0
    assert 0 < row["memory_used"] < row["memory_total"]
    assert row["utilization"] is None or 0 <= row["utilization"] <= 100
    (process,) = row["processes"]
    assert process["pid"] == os.getpid()
    assert process["memory"] > 10_000_000


HOLDER = """
import subprocess, sys
held = b"1" * {held}
if {deeper}:
    child = subprocess.Popen([sys.executable, "-c", {inner!r}], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    child.stdout.readline()
print(flush=True)
sys.stdin.readline()
"""
INNER = HOLDER.format(held=70_000_000, deeper=False, inner="")


def test_what_a_worker_on_a_cpu_started_counts_as_its_own() -> None:
    outer = HOLDER.format(held=50_000_000, deeper=True, inner=INNER)
    alone = psutil.Process().memory_info().rss
    with subprocess.Popen([sys.executable, "-c", outer], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        (row,) = Figures(0.0).of_cpu([os.getpid()])["processes"]
        process.communicate(b"\n")
    assert row["pid"] == os.getpid()
    assert row["memory"] > alone + 120_000_000
