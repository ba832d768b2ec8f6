"""What a lab of 1,000 runs and 1,000,000 samples costs, beside one of 100 runs and 100,000: `make benchmarks`.

Prints a table; nothing else should run on the machine. Rates are also given per second of this process's own work.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from store.client import Client, connect
from store.database import open_database
from store.ingest import Ingest
from store.lab import Lab
from store.schema import migrate
from tests.benchmarks.lab_size import SAMPLES_PER_RUN, Written, write_big_lab

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(2400)]

FIFTY = "SELECT sample_id, prompt, response FROM samples WHERE run_id = ? LIMIT 50"
SCORED = "SELECT sample_id, prompt, response, trait FROM scored_samples WHERE run_id = ? LIMIT 50"
SEARCH = "SELECT sample_id, response FROM samples WHERE regexp_matches(response, ?)"
OFTEN, RARELY = "ea.*tion?", "zebra|qu"
TARGETS = {
    "samples alone, samples/s": "≥ 50,000",
    "samples alone, samples per CPU second": "",
    "whole journals, samples/s": "",
    "whole journals, samples per CPU second": "",
    "verdicts that follow, s": "",
    "server start, s": "≤ 2",
    "idemtui ls, s": "≤ 0.5",
    "50 rows p50, ms": "≤ 3",
    "50 rows with scores p50, ms": "≤ 3",
    "regex, first rows, s": "≤ 0.5",
    "regex that nothing matches, s": "",
    "database / samples as JSON lines": "≤ 0.5",
}


def median(work: Callable[[], object], times: int) -> float:
    taken = []
    for _ in range(times):
        started = time.monotonic()
        work()
        taken.append(time.monotonic() - started)
    return sorted(taken)[times // 2]


def taken_in(lab: Lab, written: Written) -> tuple[Ingest, float, float]:
    """The lab in its database without verdicts; samples per second, and per second of work."""
    connection = open_database(lab.database)
    migrate(connection, "lab")
    ingest = Ingest(connection, lab)
    wall, work = time.monotonic(), time.process_time()
    ingest.poll_runs(patience=0.0)
    return ingest, written.samples / (time.monotonic() - wall), written.samples / (time.process_time() - work)


def samples_alone(root: Path) -> dict[str, float]:
    ingest, per_second, per_work = taken_in(*write_big_lab(root, 100, scored=False))
    ingest.connection.close()
    return {"samples alone, samples/s": per_second, "samples alone, samples per CPU second": per_work}


def ingested(lab: Lab, written: Written) -> dict[str, float]:
    ingest, per_second, per_work = taken_in(lab, written)
    connection = ingest.connection
    verdicts = time.monotonic()
    ingest.poll()
    verdicts = time.monotonic() - verdicts
    assert connection.execute("SELECT count(*) FROM samples").fetchall() == [(written.samples,)]
    assert connection.execute("SELECT count(*) FROM scores").fetchall() == [(written.scores,)]
    connection.close()
    return {
        "whole journals, samples/s": per_second,
        "whole journals, samples per CPU second": per_work,
        "verdicts that follow, s": verdicts,
        "database / samples as JSON lines": lab.database.stat().st_size / written.sample_bytes,
    }


def asked(lab: Lab, client: Client) -> dict[str, float]:
    run_id = client.sql("SELECT run_id FROM runs ORDER BY name LIMIT 1 OFFSET 50").rows()[0]["run_id"]
    environment = os.environ | {"IDEMTUI_LAB": str(lab.root)}
    ls = [sys.executable, "-m", "idemtui", "ls"]
    found = {
        "idemtui ls, s": median(lambda: subprocess.run(ls, env=environment, check=True, capture_output=True), 5),
        "50 rows p50, ms": 1000 * median(lambda: client.sql(FIFTY, [run_id]), 50),
        "50 rows with scores p50, ms": 1000 * median(lambda: client.sql(SCORED, [run_id]), 50),
    }
    started = time.monotonic()
    rows = client.stream(SEARCH, [OFTEN])
    assert next(rows).num_rows == 0
    assert next(rows).num_rows
    found["regex, first rows, s"] = time.monotonic() - started
    rows.close()  # type: ignore[attr-defined]
    started = time.monotonic()
    assert sum(batch.num_rows for batch in client.stream(SEARCH, [RARELY])) == 0
    return found | {"regex that nothing matches, s": time.monotonic() - started}


def measured(root: Path, runs: int) -> dict[str, float]:
    lab, written = write_big_lab(root, runs)
    assert written.samples == runs * SAMPLES_PER_RUN
    found = samples_alone(root.with_name(f"{root.name}-samples")) | ingested(lab, written)
    started = time.monotonic()
    command = [sys.executable, "-m", "idemtui.server.main", "--lab", str(lab.root)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        client = connect(lab)
        try:
            while not client.served():
                assert server.poll() is None
                assert time.monotonic() - started < 120
            found["server start, s"] = time.monotonic() - started
            return found | asked(lab, client)
        finally:
            client.close()
            server.terminate()


def test_how_cost_grows_with_a_lab(tmp_path: Path) -> None:
    small, large = measured(tmp_path / "small", 100), measured(tmp_path / "large", 1000)
    print(f"\n{'':40}{'100,000':>12}{'1,000,000':>12}  wanted")
    for name, wanted in TARGETS.items():
        print(f"{name:40}{small[name]:>12,.3g}{large[name]:>12,.3g}  {wanted}")
    assert large["database / samples as JSON lines"] < 0.6
