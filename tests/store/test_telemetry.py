"""Where GPU time went: looks at devices joined to the stages that ran between them."""

from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

import store
from engine.events import CycleStarted, RunStarted, StageFinished, StageStarted
from store.database import open_database
from store.ingest import Ingest
from store.schema import migrate
from store.telemetry import Look
from tests.store.journals import START, Chain, append_events, chain_spec, stamp, write_lab

GPU, OTHER = "GPU-00000000-aaaa", "GPU-00000001-aaaa"
CHAIN = Chain("on-a-gpu", status="queued")


@pytest.fixture
def lab(tmp_path):
    lab = write_lab(tmp_path / "lab", [CHAIN])
    started = RunStarted(pid=1, host="h", device=GPU, threads=1, resumed=False)
    stage = [
        StageStarted(cycle=0, stage="train", total=4),
        StageFinished(cycle=0, stage="train", seconds=20, tokens=800, memory=5_000_000),
    ]
    folder = lab.run(chain_spec(CHAIN).run_id)
    append_events(folder, [started, CycleStarted(cycle=0), stage[0]], START)
    append_events(folder, [stage[1]], START + timedelta(seconds=21))
    return lab


def look(lab, seconds, device=GPU, **values):
    with lab.telemetry.open("ab") as file:
        file.write(msgspec.json.encode(Look(stamp(START + timedelta(seconds=seconds)), device, **values)) + b"\n")


def opened(lab):
    connection = open_database(lab.database)
    migrate(connection, str(lab.database))
    return connection, Ingest(connection, lab)


def test_a_stage_knows_how_it_used_its_device(lab):
    look(lab, 5, utilization=80, memory=10e9, power=300, temperature=50)
    look(lab, 15, utilization=100, memory=12e9, power=500, temperature=61)
    look(lab, 10, OTHER, utilization=1)
    look(lab, 60, utilization=0)
    connection, ingest = opened(lab)
    ingest.poll()
    told = connection.sql(
        "SELECT stage, device, tokens_per_second, utilization, memory_peak, power, watt_hours, temperature_peak, looks "
        "FROM stage_devices"
    ).fetchall()
    assert told == [("train", GPU, 40.0, 90.0, 12e9, 400.0, pytest.approx(400 * 20 / 3600), 61.0, 2)]
    connection.close()


def test_a_runs_speed_and_peak_are_there_by_stage(lab):
    connection, ingest = opened(lab)
    ingest.poll()
    told = connection.sql("SELECT stage, times, tokens, tokens_per_second, memory FROM stage_speed").fetchall()
    assert told == [("train", 1, 800, 40.0, 5_000_000)]
    connection.close()


def test_lines_are_taken_in_once_and_what_is_none_is_passed_over(lab):
    look(lab, 5, utilization=80)
    with lab.telemetry.open("ab") as file:
        file.write(b'{"ts": "soon", "device": 3}\n{"ts": ')
    connection, ingest = opened(lab)
    ingest.poll()
    with lab.telemetry.open("ab") as file:
        file.write(b"nonsense}\n")
    look(lab, 15, utilization=90)
    ingest.poll()
    ingest.poll()
    connection.close()
    connection, ingest = opened(lab)
    ingest.poll()
    assert connection.sql("SELECT name, value FROM telemetry ORDER BY ts").fetchall() == [
        ("utilization", 80.0), ("utilization", 90.0),
    ]  # fmt: skip
    connection.close()


def test_a_stage_on_a_cpu_has_no_looks(tmp_path):
    lab = write_lab(tmp_path / "lab", [Chain("sft-reset")])
    connection, ingest = opened(lab)
    ingest.poll()
    assert connection.sql("SELECT count(*), sum(looks), max(utilization) FROM stage_devices").fetchall()[0][1:] == (
        0,
        None,
    )
    connection.close()


def test_the_shipped_queries_say_where_gpu_time_went_and_how_fast_training_was(lab):
    look(lab, 5, utilization=80, memory=10e9, power=300)
    look(lab, 15, utilization=100, memory=12e9, power=500)
    connection, ingest = opened(lab)
    ingest.poll()
    shipped = Path(store.__file__).parent.parent / "idemtui/sql/queries"
    told = connection.sql((shipped / "gpu-time.sql").read_text()).fetchall()
    assert told == [("on-a-gpu", "train", 20.0, 90.0, 12.0, round(400 * 20 / 3600, 1), 40.0, 2)]
    speed = (shipped / "training-speed.sql").read_text()
    assert connection.sql(speed).fetchall() == [("on-a-gpu", GPU, 800, 20.0, 40.0, None, None, None)]
    connection.execute("UPDATE runs SET model = 'Qwen/Qwen3-4B-Instruct-2507'")
    ((*_, weights, teraflops, mfu),) = connection.sql(speed.replace("cast(null as double)", "1.6e12")).fetchall()
    assert (weights, teraflops, mfu) == (4.0, pytest.approx(0.64), pytest.approx(0.4))
    connection.close()


def test_a_stage_on_two_gpus_has_the_looks_of_both(lab):
    for device, watts, used in ((GPU, 300, 10e9), (OTHER, 500, 40e9)):
        look(lab, 5, device, utilization=watts / 10, memory=used, power=watts)
    connection, ingest = opened(lab)
    ingest.poll()
    connection.execute(f"UPDATE stages SET device = '{GPU},{OTHER}'")
    told = connection.sql("SELECT utilization, memory_peak, power, watt_hours, looks FROM stage_devices").fetchall()
    assert told == [(40.0, 40e9, 800.0, pytest.approx(800 * 20 / 3600), 2)]
    connection.close()
