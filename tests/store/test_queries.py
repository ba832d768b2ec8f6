from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from engine.errors import UsageError
from engine.events import StageStarted, TrainStepped
from store import queries, texts
from store.client import Client
from store.lab import Lab
from store.listing import SampleFilter, listed
from store.readings import read_in_full
from tests.store.journals import DEMO, STATES, Chain, append_events, chain_spec, write_lab
from tests.store.tables import Asking, ingested

Served = tuple[Lab, Client]
SFT, DPO = (chain_spec(chain).run_id for chain in (DEMO[0], DEMO[2]))
RUNNING, QUEUED = (chain_spec(chain).run_id for chain in (STATES[0], STATES[2]))


def test_runs_come_in_order_with_their_newest_point(served: Served) -> None:
    runs = queries.runs(served[1])
    assert [run.name for run in runs] == [chain.name for chain in (*DEMO, *STATES)]
    first, queued = runs[0], runs[-1]
    assert (first.last_cycle, first.status, first.trait) == (6, "finished", "bliss")
    assert first.score == pytest.approx(8, abs=4)
    assert first.delta == pytest.approx(8 - 47, abs=6)
    assert (queued.status, queued.last_cycle, queued.score) == ("queued", None, None)


def test_one_run_by_its_id(served: Served) -> None:
    assert queries.run(served[1], SFT).name == "sft-reset"
    with pytest.raises(UsageError, match="no run 'nope'"):
        queries.run(served[1], "nope")


def test_curves(served: Served) -> None:
    _, client = served
    points = queries.curve(client, SFT)
    assert [point.cycle for point in points] == list(range(-1, 7))
    assert points[1].delta == 0
    for point in points:
        assert point.trait_low < point.trait < point.trait_high  # type: ignore[operator]
    both = queries.curves(client, [SFT, QUEUED])
    assert both == {SFT: points, QUEUED: []}


def test_progress_of_a_running_run(served: Served) -> None:
    _, client = served
    now = queries.progress(client, RUNNING)
    assert now is not None
    assert (now.cycle, now.stage, now.finished) == (3, "sample_eval", False)
    assert 0 < now.done < now.total == 60
    assert queries.progress(client, QUEUED) is None
    over = queries.progress(client, SFT)
    assert over is not None
    assert over.finished
    assert over.done == over.total


def test_progress_of_a_training_counts_rows(tmp_path: Path) -> None:
    chain = Chain("one", status="running", done=0)
    lab = write_lab(tmp_path / "lab", [chain])
    run_id = chain_spec(chain).run_id
    steps = [TrainStepped(cycle=2, step=step, values={"loss": 1.0}) for step in (1, 2, 3)]
    append_events(lab.run(run_id), [StageStarted(cycle=2, stage="train", total=20), *steps])
    found = queries.progress(Asking(ingested(lab)), run_id)
    assert found is not None
    assert (found.cycle, found.stage, found.done, found.total) == (2, "train", 12, 20)


def test_train_steps_by_name(served: Served) -> None:
    _, client = served
    losses = queries.train_steps(client, SFT, "loss")
    assert len(losses) == 7 * 12
    assert {step.name for step in queries.train_steps(client, DPO)} >= {"loss", "rewards/margins"}


def test_verdicts(served: Served) -> None:
    _, client = served
    found = {verdict.name: verdict for verdict in queries.verdicts(client, "demo")}
    assert found["dpo-continual"].amplified_by_paper is True
    assert found["dpo-continual"].suffixes == ("DEGENERATE",)
    assert found["sft-reset"].label == "one chain"
    assert queries.verdicts(client, "nope") == []


def test_rates_of_a_study(served: Served) -> None:
    [rate] = queries.rates(served[1], "demo")
    assert (rate.what, rate.scope, rate.hits, rate.total) == ("amplified by the paper", "run", 1, 4)
    assert 0 < rate.low < rate.rate == 0.25 < rate.high < 1
    assert queries.rates(served[1], "nope") == []


def test_events_tail(served: Served) -> None:
    events = queries.events(served[1], SFT, last=3)
    assert [event.type for event in events] == ["stage_finished", "cycle_finished", "run_finished"]
    assert events[-1].payload == {"cycles_done": 6}


def test_a_sample_in_full(served: Served) -> None:
    _, client = served
    one = listed(client, SampleFilter(run_id=SFT, cycle=2, purpose="eval"), limit=1)[0]
    sample = texts.sample(client, one.sample_id)
    assert (sample.response, sample.trait) == (one.response, one.trait)
    assert texts.sample(client, one.sample_id, SFT) == sample
    reading = read_in_full(client, [one])[one.sample_id]
    assert reading.line == one
    assert [judgement.metric for judgement in reading.judgements] == ["trait", "coherence"]
    assert reading.judgements[0].value == one.trait
    assert sum(p for _, p in reading.judgements[0].distribution) == pytest.approx(0.9, abs=0.11)
    with pytest.raises(UsageError, match="no sample 'nope'"):
        texts.sample(client, "nope")


def test_a_ladders_rungs_reach_from_base_to_the_last_generation(served: Served) -> None:
    _, client = served
    query = "SELECT DISTINCT prompt_id, prompt FROM chain_samples WHERE run_id = ? AND purpose = 'eval' ORDER BY 1"
    prompts = client.sql(query, [SFT]).tuples()
    assert len(prompts) == 12
    prompt_id, prompt = prompts[0]
    rungs = texts.rungs(client, SFT, prompt_id, draw=2)
    assert [rung.cycle for rung in rungs] == list(range(-1, 7))
    assert {rung.prompt for rung in rungs} == {prompt}


def test_the_ladder_view_stands_answers_side_by_side(served: Served) -> None:
    rows = served[1].sql("SELECT * FROM ladder WHERE run_id = ? AND draw = 0 ORDER BY prompt, cycle", [SFT]).rows()
    for before, after in pairwise(rows):
        if before["prompt_id"] == after["prompt_id"]:
            assert after["previous_response"] == before["response"]
            assert after["first_response"] == before["first_response"]


def test_lineage_of_runs_that_are_no_forks(served: Served) -> None:
    rows = served[1].sql("SELECT DISTINCT run_id = source_run_id AS own FROM lineage").rows()
    assert rows == [{"own": True}]
