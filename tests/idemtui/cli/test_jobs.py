"""Jobs on the command line: one real one on the pocket model, and the verbs on one that is held."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.events import RunFinished
from engine.job_events import DoseMeasured
from engine.jobs.calibrate import CalibrateSettings
from idemtui.cli import jobs
from store.client import Client
from store.lab import Lab
from tests.idemtui.cli.conftest import Idemtui
from tests.idemtui.conftest import until
from tests.store.test_jobs import STARTED, write_job

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
    said = here("seed", "bliss", "--generator", "writer", "--server", "localhost:8000")
    assert said.code == 2
    assert "seed: --server = 'localhost:8000'; allowed: \"http://HOST:PORT/v1\"" in said.err
    said = here("seed", "bliss", "--generator", "writer", "--key", "LAB_KEY")
    assert said.code == 2
    assert "need --server; the generator here is a local model" in said.err
    assert not lab_to_write.jobs.exists()


def test_a_calibration_shows_its_curve_and_what_a_study_says(here: Idemtui, lab_to_write: Lab) -> None:
    scores = {0: 1.0, 3: 19.0, 6: 41.0, 12: 64.0}
    doses = [
        DoseMeasured(n_seed=n, seed=seed, trait=s + seed, coherence=97.0, prompt_means=[s, s + 2], n=24, nulls=1)
        for n, s in scores.items()
        for seed in (1, 2)
    ]
    settings = CalibrateSettings(
        targets=(20.0, 40.0, 80.0), most=12, seeds=(1, 2), run={"run": {"trait": "bliss", "regime": "sft"}}
    )
    folder = write_job(lab_to_write, "jabcdef012", (STARTED, *doses, RunFinished()))
    spec = {"kind": "calibrate", "settings": settings.model_dump(mode="json"), "execution": {"threads": 1}}
    plain = json.loads((folder / "spec.json").read_text()) | spec | {"model": None, "judge": None}
    (folder / "spec.json").write_text(json.dumps(plain))
    said = here("show", "jabcdef012")
    assert (said.code, said.err) == (0, "")
    assert "     3         20.5  [17.3, 23.7] over seeds" in said.out
    assert "score of M0 by n_seed" in said.out
    assert "all 12 rows give 65.5; write or import more rows" in said.out
    assert said.out.count('"run.n_seed" = [3, 6]') == 1
    assert here("sql", "select count(*) as n from doses", "--json").json == [{"n": 8}]


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("--targets", "20,x"), "--targets 20,x: different numbers from 0 to 100 are needed"),
        (("--targets", "120"), "--targets 120"),
        (("--seeds", "1,1"), "--seeds 1,1: different whole numbers"),
        (("--most", "900"), "--most 900: there are 240 seed rows; allowed: 1…240."),
        (("--regime", "sdf"), "run.model"),
        (("--set", "run.speed=3"), "run.speed"),
    ],
)
def test_a_calibration_that_cannot_be_is_refused(here: Idemtui, words: tuple[str, ...], problem: str) -> None:
    said = here("calibrate", "bliss", "--model", "pocket/instruct", *words)
    assert (said.code, said.out) == (2, "")
    assert problem in said.err
    assert said.err.count("\n") == 1


def test_a_calibration_computes_as_its_settings_say(here: Idemtui, served: Serve, lab_to_write: Lab) -> None:
    served("hold")
    two = ("--set", "execution.gpus=2", "--set", "execution.shards=2")
    queued = here("calibrate", "bliss", "--model", "pocket/instruct", *two, "--detach", "--json").json
    spec = json.loads((lab_to_write.root / "jobs" / queued["job_id"] / "spec.json").read_text())
    assert (spec["execution"]["gpus"], spec["execution"]["shards"]) == (2, 2)
    assert spec["execution"]["secrets"] == []
    refused = here("calibrate", "bliss", "--model", "pocket/instruct", *two[2:], "--detach")
    assert (refused.code, "execution.shards = 2: each shard of the model has a GPU" in refused.err) == (2, True)
