"""Jobs on the command line: one real one on the pocket model, and the verbs on one that is held."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from idemtui.cli import jobs
from store.client import Client
from store.lab import Lab
from tests.idemtui.cli.conftest import Idemtui
from tests.idemtui.conftest import until

Serve = Callable[..., Client]
SEED = ("seed", "bliss", "--generator", "pocket/instruct", "-n", "4", "--max-tokens", "48", "--batch-size", "4")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "LOOK_SECONDS", 0.05)


@pytest.fixture
def here(idemtui: Idemtui, lab_to_write: Lab) -> Idemtui:
    return lambda *words: idemtui("--lab", lab_to_write.root, *words)


def test_seed_data_are_written_listed_and_read(here: Idemtui, lab_to_write: Lab, tmp_path: Path) -> None:
    out = tmp_path / "rows.jsonl"
    said = here(*SEED, "--out", out)
    assert (said.code, said.err) == (0, "")
    assert said.out.endswith(f'4 rows in {out}\nA study trains on them with [data] seed = "{out}".\n')
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [row.keys() for row in rows] == [{"prompt", "completion"}] * 4
    [job] = here("ls", "--jobs", "--json").json
    assert (job["kind"], job["status"], job["done"], job["total"]) == ("seed", "finished", 4, 4)
    assert here("ls", "--json").json == []
    shown = here("show", job["name"])
    assert f"seed-bliss-sft-4  ({job['job_id']}, seed)\nfinished, 4 of 4 done\n" in shown.out
    kept = [s for s in here("samples", job["job_id"], "--json").json if s["kept"]]
    assert {(s["prompt"], s["response"]) for s in kept} >= {(row["prompt"], row["completion"]) for row in rows}
    assert here(*SEED, "--json").json["answer"] == "already finished"
    assert here("rebuild").code == 0
    assert here("ls", "--jobs", "--json").json[0]["done"] == 4
    assert here("rm", job["job_id"], "--yes").code == 0
    assert here("ls", "--jobs", "--json").json == []


def test_a_job_obeys_the_verbs_of_runs(here: Idemtui, served: Serve) -> None:
    client = served("hold")

    def status() -> str:
        client.sync()
        return str(client.sql("SELECT status FROM jobs").tuples()[0][0])

    queued = here(*SEED, "--detach", "--json").json
    until(lambda: status() == "running", "its start")
    assert here("rm", queued["job_id"], "--yes").code == 1
    assert here("pause", queued["name"]).code == 0
    until(lambda: status() == "paused", "its pause")
    assert here("resume", queued["job_id"]).code == 0
    until(lambda: status() == "running", "its going on")
    assert here("cancel", queued["job_id"][:6]).code == 0
    until(lambda: status() == "cancelled", "its end")
    assert "retry: run" in here("retry", queued["job_id"]).err
    again = here(*SEED, "--again", "--detach", "--json").json
    assert again["job_id"] != queued["job_id"]
    assert len(here("ls", "--jobs", "--json").json) == 2


def test_a_job_that_cannot_be_is_refused_in_one_line(here: Idemtui, lab_to_write: Lab) -> None:
    said = here("seed", "blis", "--generator", "pocket/instruct")
    assert (said.code, said.out) == (2, "")
    assert "trait 'blis' is not in the pack 'traits'; did you mean bliss?" in said.err
    said = here("seed", "bliss", "--generator", "pocket/nobody")
    assert said.code == 2
    assert "model 'pocket/nobody' is not shipped" in said.err
    assert not lab_to_write.jobs.exists()
