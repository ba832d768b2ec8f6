"""Fifty rows beside ingest, against `SELECT 1` in the same minute: `make benchmarks`.

Server, eight clients and two writers work side by side. A worker of the pocket lab writes some five
events a second, in batches of up to 64 texts.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE

import pytest

from store.client import connect
from store.lab import Lab
from tests.store.journals import Chain, chain_spec, write_lab
from tests.store.test_under_load import WRITERS, write

pytestmark = pytest.mark.benchmark

HELD = Chain("held")
MODULE = [sys.executable, "-m", "tests.benchmarks.beside_ingest"]


@contextmanager
def served(lab: Lab) -> Iterator[None]:
    with subprocess.Popen([*MODULE, "serve", str(lab.root)], stdin=PIPE, stdout=PIPE, text=True) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == "up\n"
        with connect(lab) as client:
            assert client.sync(60)
        yield


@contextmanager
def written(lab: Lab) -> Iterator[None]:
    """Two writers beside it."""
    ending = threading.Event()
    writers = [threading.Thread(target=write, args=(lab, chain, 0.2, ending)) for chain in WRITERS]
    for thread in writers:
        thread.start()
    yield
    ending.set()
    for thread in writers:
        thread.join()


def median_ms(lab: Lab, asked: str, think: float) -> float:
    command = [*MODULE, "ask", str(lab.root), asked, str(think), "10"]
    taken = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return 1000 * float(sorted(taken)[len(taken) // 2])


def test_fifty_rows_beside_ingest(tmp_path: Path) -> None:
    lab, run_id = write_lab(tmp_path / "lab", [HELD, *WRITERS]), chain_spec(HELD).run_id
    thinking = (0.25, 0.0)
    with served(lab):
        alone = [median_ms(lab, run_id, think) for think in thinking]
        with written(lab):
            beside = [(median_ms(lab, "-", think), median_ms(lab, run_id, think)) for think in thinking]
    print("\n8 clients, p50 beside ingest; wanted: 50 rows ≤ 5 ms where clients think, on two quiet cores")
    for think, quiet, (one, fifty) in zip(thinking, alone, beside, strict=True):
        print(
            f"thinking {think} s: 50 rows {fifty:.1f} ms = {fifty / one:.1f} × SELECT 1 ({one:.1f} ms)"
            f" = {fifty / quiet:.1f} × without ingest ({quiet:.1f} ms)"
        )
