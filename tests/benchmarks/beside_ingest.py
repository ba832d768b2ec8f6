"""A lab's server and its clients as processes of their own, to time one beside the other.

python -m tests.benchmarks.beside_ingest serve LAB                     prints `up`; ends when its input is closed
python -m tests.benchmarks.beside_ingest ask LAB RUN THINK SECONDS     prints the seconds each question took, as JSON

RUN is a run id, or `-` for `SELECT 1`, which shows what a round trip costs by itself.
"""

from __future__ import annotations

import json
import sys
import threading
import time

from store.client import connect
from store.lab import find_lab
from store.service import LabService

CLIENTS = 8
FIFTY = "SELECT sample_id, prompt, response FROM samples WHERE run_id = ? LIMIT 50"
NOTHING = "SELECT 1"


def serve(root: str) -> None:
    """The store's part of a lab server."""
    service = LabService(find_lab(root))
    service.start()
    print("up", flush=True)
    sys.stdin.read()
    service.close()


def ask(root: str, run_id: str, think: float, seconds: float) -> list[float]:
    """Eight clients that ask for fifty rows (or for a 1), think for a while, and ask again."""
    taken: list[float] = []
    ending = threading.Event()
    threads = [
        threading.Thread(target=_ask, args=(root, run_id, think, think * i / CLIENTS, taken, ending))
        for i in range(CLIENTS)
    ]
    for thread in threads:
        thread.start()
    ending.wait(seconds)
    ending.set()
    for thread in threads:
        thread.join()
    return taken


def _ask(root: str, run_id: str, think: float, first: float, taken: list[float], ending: threading.Event) -> None:
    query, params, rows = (NOTHING, None, 1) if run_id == "-" else (FIFTY, [run_id], 50)
    with connect(root) as client:
        client.sql(query, params)
        ending.wait(first)
        while not ending.is_set():
            started = time.monotonic()
            assert len(client.sql(query, params)) == rows
            taken.append(time.monotonic() - started)
            ending.wait(think)


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(sys.argv[2])
    else:
        print(json.dumps(ask(sys.argv[2], sys.argv[3], float(sys.argv[4]), float(sys.argv[5]))))
