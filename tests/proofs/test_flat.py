"""A run of 200 quick cycles: the server that watches it neither grows nor leaks, whoever comes and goes meanwhile.

Memory: once warm (40 cycles) the resident size may grow by 20 MB. What it does grow by is DuckDB's buffer pool, which
keeps pages of the growing database until its limit (an eighth of the machine, at least 512 MB), and the allocator's
arenas; nothing is kept per cycle, event or client. Open files and threads may differ by a few, since a socket's
connection lives a moment longer than its client, and gRPC's pool grows and shrinks by itself.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import psutil
import pytest

from engine.events import CycleFinished
from engine.journal import read_entries
from engine.locks import holder_pid
from engine.spec import RunSpec
from idemtui.server.options import ServerOptions
from idemtui.server.start import ensure_server
from store.client import Client, connect
from tests.engine.chains import change, make_spec, write_pack
from tests.proofs.labs import ProofLab, until

pytestmark = pytest.mark.proof
CYCLES, WARM, WIDTH = 200, 40, 20
GROWTH_MB, FILES, THREADS = 20, 6, 4
QUESTIONS = (
    "SELECT count(*) FROM samples",
    "SELECT cycle, trait FROM trait_curve ORDER BY cycle DESC LIMIT 50",
    "SELECT prompt, response FROM samples ORDER BY sample_id LIMIT 50",
)
WORKER = Path(__file__).with_name("quick_worker.py")


@dataclass(frozen=True)
class Size:
    """What the server takes at one moment."""

    cycle: int
    resident_mb: float
    files: int
    threads: int


def measure(server: psutil.Process, cycle: int) -> Size:
    with server.oneshot():
        return Size(cycle, server.memory_info().rss / 1e6, server.num_fds(), server.num_threads())


def between(sizes: list[Size], begin: int, end: int, what: Callable[[Size], float]) -> float:
    found = [what(size) for size in sizes if begin <= size.cycle <= end]
    assert found, f"nothing was measured between cycles {begin} and {end}"
    return median(found)


@pytest.fixture
def served(proof_lab: ProofLab, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    with ensure_server(proof_lab.lab, ServerOptions(worker=(sys.executable, str(WORKER)))) as client:
        yield client


def long_run(folder: Path) -> RunSpec:
    pack = write_pack(folder)
    spec = make_spec(pack.folder, run__cycles=CYCLES, data__reuse_prompts=True)
    assert spec.run.cycles == CYCLES
    return change(spec, eval__samples_per_prompt=10)


def cycles_done(journal: Path) -> int:
    if not journal.exists():
        return 0
    return sum(isinstance(entry.event, CycleFinished) for entry in read_entries(journal))


def test_the_server_stays_as_it_is_over_200_cycles(
    proof_lab: ProofLab, served: Client, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = long_run(tmp_path / "pack")
    served.command("submit", specs=[spec.model_dump(mode="json")])
    pid = holder_pid(proof_lab.lab.lock)
    assert pid is not None
    server, sizes, clients = psutil.Process(pid), list[Size](), 0
    journal = proof_lab.run_folder(spec.run_id) / "events.jsonl"

    def look() -> bool:
        nonlocal clients
        with connect(proof_lab.lab) as guest:
            guest.sql(QUESTIONS[clients % len(QUESTIONS)], limit=50)
            guest.changes()
        clients += 1
        cycle = cycles_done(journal)
        sizes.append(measure(server, cycle))
        return cycle > CYCLES

    until(look, "200 cycles", tick=0.1)
    assert proof_lab.reach(spec.run_id, "finished", "failed") == "finished"
    assert served.sql("SELECT count(*) FROM events").tuples() == [(len(proof_lab.entries(spec.run_id)),)]
    warm = [between(sizes, WARM, WARM + WIDTH, what) for what in (resident, files, threads)]
    end = [between(sizes, CYCLES - WIDTH, CYCLES + 1, what) for what in (resident, files, threads)]
    with capsys.disabled():
        print(f"\n{clients} clients; MB, files, threads at cycle {WARM}: {warm}, at cycle {CYCLES}: {end}")
    assert end[0] - warm[0] < GROWTH_MB
    assert abs(end[1] - warm[1]) <= FILES
    assert abs(end[2] - warm[2]) <= THREADS


def resident(size: Size) -> float:
    return size.resident_mb


def files(size: Size) -> float:
    return size.files


def threads(size: Size) -> float:
    return size.threads
