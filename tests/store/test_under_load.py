"""Eight clients ask while two writers append: no error, no lost event, every row once."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from store.client import connect
from store.lab import Lab
from store.service import LabService
from tests.store.journals import Chain, append_events, chain_events, chain_spec, write_lab

pytestmark = pytest.mark.proof

WRITERS = tuple(Chain(f"writer-{i}", status="queued", seed=300 + i, prompts=12, draws=5) for i in range(2))
FIFTY = "SELECT sample_id, prompt, response FROM samples WHERE run_id = ? LIMIT 50"


def ask(lab: Lab, ending: threading.Event, errors: list[Exception]) -> None:
    try:
        with connect(lab) as client:
            while not ending.is_set():
                client.sql(FIFTY, [chain_spec(WRITERS[0]).run_id])
                client.sql("SELECT run_id, count(*) FROM samples GROUP BY run_id")
                ending.wait(0.05)
    except Exception as error:
        errors.append(error)


def write(lab: Lab, chain: Chain, pause: float, ending: threading.Event) -> None:
    """One event at a time, `pause` seconds apart, as a worker's batches and steps come."""
    folder = lab.run(chain_spec(chain).run_id)
    for event in chain_events(Chain(**{**vars(chain), "status": "finished"})):
        append_events(folder, [event])
        if ending.wait(pause):
            return


@pytest.mark.parametrize(("rate", "pause"), [("realistic: 20 events a second", 0.05), ("heavy: no pause", 0.0)])
def test_clients_ask_while_workers_write(tmp_path: Path, rate: str, pause: float) -> None:
    lab = write_lab(tmp_path / "lab", [Chain("held"), *WRITERS])
    service = LabService(lab, poll_seconds=0.1)
    service.start()
    ending, errors = threading.Event(), []  # type: ignore[var-annotated]
    try:
        clients = [threading.Thread(target=ask, args=(lab, ending, errors)) for _ in range(8)]
        writers = [threading.Thread(target=write, args=(lab, chain, pause, ending)) for chain in WRITERS]
        for thread in (*writers, *clients):
            thread.start()
        for thread in writers:
            thread.join()
        ending.set()
        for thread in clients:
            thread.join()
        assert errors == []
        with connect(lab) as client:
            assert client.sync(60)
            expected = [len(list(chain_events(Chain(**{**vars(chain), "status": "finished"})))) for chain in WRITERS]
            for chain, count in zip(WRITERS, expected, strict=True):
                query = "SELECT count(*) AS n, count(DISTINCT seq) AS seqs FROM events WHERE run_id = ?"
                assert client.sql(query, [chain_spec(chain).run_id]).rows() == [{"n": count, "seqs": count}]
            assert client.sql("SELECT count(*) = count(DISTINCT sample_id) AS once FROM samples").rows() == [
                {"once": True}
            ]
    finally:
        assert service.close()
