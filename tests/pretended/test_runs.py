"""Whole runs on two GPUs: lab server, workers, telemetry, kills, and memory that runs out."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from engine.events import AdapterTrained, Event, Noted, RunStarted, StageStarted, TrainStepped
from store.lab import create_lab
from tests.pretended.gpus import GB, Gpus
from tests.proofs.labs import ProofLab, new_lab, remove, study, until
from tests.proofs.works import results

pytestmark = pytest.mark.proof


@pytest.fixture
def lab(gpus: Gpus) -> Iterator[ProofLab]:
    """A lab on a machine with two GPUs."""
    made = new_lab(**gpus.environment)
    yield made
    remove(made)


def notes(seen: list[Event]) -> str:
    """Everything that a run noted."""
    started = [note for event in seen if isinstance(event, RunStarted) for note in event.notes]
    return "\n".join([*started, *(event.message for event in seen if isinstance(event, Noted))])


def test_each_gpu_has_a_worker_and_a_killed_one_goes_on_to_the_same(lab: ProofLab, gpus: Gpus) -> None:
    ids = lab.submit(study("sft", cycles=1, more="seed = 1") + '[grid]\n"run.regime" = ["sft", "dpo"]\n')
    workers = [until(lambda run=run: lab.worker(run), "a worker") for run in ids]
    assert len(set(workers)) == 2
    sft, dpo = ids
    until(lambda: any(isinstance(e, TrainStepped) and e.cycle == 1 for e in lab.events(dpo)), "a training of M_1")
    os.kill(workers[1], signal.SIGKILL)
    until(lambda: lab.worker(dpo) is None, "its end")
    lab.idemtui("resume", dpo)
    assert {lab.reach(run, "finished", "failed") for run in ids} == {"finished"}
    again = lab.submit(study("dpo", cycles=1, more="seed = 1").replace('"proof"', '"again"'))
    assert lab.reach(again[0], "finished", "failed") == "finished"
    sha256s = [[e.adapter_sha256 for e in lab.events(run) if isinstance(e, AdapterTrained)] for run in (dpo, again[0])]
    assert sha256s[0] == sha256s[1]
    texts = [{key: drawn.response for key, drawn in results(lab, run).samples.items()} for run in (dpo, again[0])]
    assert texts[0] == texts[1]
    assert "in bfloat16" in notes(lab.events(sft))
    devices = {str(row[0]) for row in lab.ask("SELECT DISTINCT device FROM stages WHERE stage = 'train'")}
    assert devices == set(gpus.uuids)
    [[names]] = lab.ask("SELECT list(DISTINCT name ORDER BY name) FROM telemetry")
    assert {"power", "temperature", "utilization"} <= set(names)


def test_a_training_that_runs_out_of_memory_goes_on_with_less_at_a_time(lab: ProofLab, gpus: Gpus) -> None:
    first = gpus.uuids[0]
    [run] = lab.submit(study("dpo", cycles=1, more="seed = 1"))
    until(lambda: any(isinstance(e, StageStarted) and e.stage == "sample_eval" for e in lab.events(run)), "drawing")
    gpus.others_hold(first, 4 * GB - 40_000_000)
    until(lambda: "memory ran out" in notes(lab.events(run)), "want of memory")
    gpus.others_hold(first, 0)
    assert lab.reach(run, "finished", "failed") == "finished"
    assert "tried once more, and from here on" in notes(lab.events(run))


def test_a_gpu_that_others_fill_ends_a_run_in_one_line_and_retry_goes_on(lab: ProofLab, gpus: Gpus) -> None:
    first = gpus.uuids[0]
    [run] = lab.submit(study("sft", cycles=1, more="seed = 1"))
    until(lambda: any(isinstance(e, StageStarted) and e.stage == "train" for e in lab.events(run)), "a training")
    gpus.others_hold(first, 4 * GB)
    assert lab.reach(run, "finished", "failed") == "failed"
    shown = lab.idemtui("show", run).out
    assert "out of memory on cuda at M_" in shown
    assert "or free memory there" in shown
    gpus.others_hold(first, 0)
    lab.idemtui("retry", run)
    assert lab.reach(run, "finished", "failed") == "finished"


def test_a_paused_run_leaves_no_memory_on_its_gpu(lab: ProofLab, gpus: Gpus) -> None:
    [run] = lab.submit(study("sft", cycles=1, more="seed = 1"))
    until(lambda: any(isinstance(e, TrainStepped) for e in lab.events(run)), "a training")
    [process] = lab.idemtui("devices", "--json").json[0]["processes"]
    assert process["pid"] == lab.worker(run)
    assert process["memory"] > 5_000_000
    lab.idemtui("pause", run)
    lab.reach(run, "paused")
    until(lambda: not lab.idemtui("devices", "--json").json[0]["processes"], "the worker's end", 120)


def test_a_model_in_shards_on_two_gpus_is_trained_to_the_same_weights(lab: ProofLab) -> None:
    [whole] = lab.submit(study("dpo", cycles=1, more="seed = 1"))
    assert lab.reach(whole, "finished", "failed") == "finished"
    in_two = study("dpo", cycles=1, more="seed = 1").replace('"proof"', '"shards"')
    [run] = lab.submit(f"{in_two}[execution]\ngpus = 2\nshards = 2\n")
    until(lambda: any(isinstance(e, TrainStepped) for e in lab.events(run)), "a training")
    held = [sum(p["memory"] for p in device["processes"]) for device in lab.idemtui("devices", "--json").json]
    assert all(count > 1_000_000 for count in held), held
    assert lab.reach(run, "finished", "failed") == "finished"
    sha256s = [[e.adapter_sha256 for e in lab.events(one) if isinstance(e, AdapterTrained)] for one in (whole, run)]
    assert sha256s[0] == sha256s[1]
    assert len(sha256s[0]) == 2
    until(lambda: not any(d["processes"] for d in lab.idemtui("devices", "--json").json), "the shards' end", 120)


def test_a_gpu_that_fails_ends_its_worker_and_the_next_run_has_another(gpus: Gpus) -> None:
    lab = new_lab(**gpus.environment, IDEMTUI_SLOTS="1")
    try:
        first, second = lab.submit(study("sft", cycles=0, more="seed = 1") + '[grid]\n"run.seed" = [1, 2]\n')
        until(lambda: any(isinstance(e, TrainStepped) for e in lab.events(first)), "a training")
        broken = gpus.folder / gpus.uuids[0] / "broken"
        broken.touch()
        assert lab.reach(first, "finished", "failed") == "failed"
        broken.unlink()
        assert f"failure on {gpus.uuids[0]} at M_0, " in lab.idemtui("show", first).out
        assert lab.reach(second, "finished", "failed") == "finished"
    finally:
        remove(lab)


def test_full_finetuning_is_refused_before_it_is_queued(lab: ProofLab) -> None:
    path = lab.root.with_name("full.toml")
    path.write_text(study("sft", cycles=1) + '[train]\nmethod = "full"\n')
    assert "use lora there" in lab.idemtui("run", path, "--detach", code=2).err
    assert "use lora there" in lab.idemtui("preflight", path).out


def test_a_gpu_that_the_driver_loses_takes_no_other_with_it(lab: ProofLab, gpus: Gpus) -> None:
    create_lab(lab.lab)
    lab.idemtui("hold", "1")
    lost, kept = gpus.folder / gpus.uuids[0], gpus.uuids[1]
    away = lost.rename(gpus.folder.with_name("away"))

    def rows() -> list[dict[str, Any]]:
        return list(lab.idemtui("devices", "--json").json)

    until(lambda: rows()[0]["reason"] == "GPU 0 cannot be used: NVML says 'GPU is lost' of it", "the loss", 60)
    assert rows()[1]["device"] == kept
    gpus.fail(999)
    until(lambda: rows()[0]["reason"] == "no GPU can be seen: NVML says 'Unknown Error'", "a failing driver", 60)
    gpus.fail(0)
    away.rename(lost)
    until(lambda: [row["state"] for row in rows()] == ["free", "held"], "its return", 60)
