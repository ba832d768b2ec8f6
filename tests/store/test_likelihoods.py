"""Perplexity, KL and distinct-n as people ask for them: against the same sums by hand, in forks, and where none is."""

from __future__ import annotations

import dataclasses
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.events import Event, SamplesDrawn
from engine.score_events import LikelihoodsMeasured
from store.ingest import Ingest
from store.intervals import t_quantile
from store.measures import coherence_bounds, measures
from store.queries import progress
from tests.store.journals import Chain, append_events, chain_events, chain_spec, write_chain, write_lab
from tests.store.tables import Asking, dump, ingested, memory

SMALL: dict[str, Any] = {"prompts": 4, "draws": 3, "n_seed": 4, "n_sampled": 4, "steps": 2}
MEASURED = Chain("measured", trait=(2, 40, 42, 44, 46, 48, 50), coherence=(97,) * 7, likelihoods=True, **SMALL)
OLDER = dataclasses.replace(MEASURED, name="older", likelihoods=False, seed=5)
FORK = dataclasses.replace(MEASURED, name="fork", parent=MEASURED, forked_at=2, seed=7)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Asking:
    return Asking(ingested(write_lab(tmp_path_factory.mktemp("nll") / "lab", [MEASURED, OLDER, FORK])))


def rows(lab: Asking, query: str, chain: Chain) -> list[dict[str, Any]]:
    return lab.sql(query, [chain_spec(chain).run_id]).rows()


def by_prompt(cycle: int) -> list[list[tuple[Any, Any]]]:
    """Samples and likelihoods of the invented chain, a list per prompt."""
    samples = {
        s.sample_id: s
        for e in chain_events(MEASURED)
        if isinstance(e, SamplesDrawn) and e.purpose == "eval" and e.cycle == cycle
        for s in e.samples
    }
    found = defaultdict(list)
    for e in chain_events(MEASURED):
        if isinstance(e, LikelihoodsMeasured) and e.cycle == cycle:
            for one in e.likelihoods:
                found[samples[one.sample_id].prompt_id].append((samples[one.sample_id], one))
    return list(found.values())


def test_per_token_measures_are_ratios_with_errors_clustered_by_prompt(lab: Asking) -> None:
    [row] = rows(lab, "SELECT * FROM cycle_likelihoods WHERE run_id = ? AND cycle = 3", MEASURED)
    groups = by_prompt(3)
    t = np.array([sum(one.tokens for _, one in g) for g in groups], dtype=float)
    for name, column in (("nll", "nll"), ("init_nll", "init_nll"), ("kl", "kl_token")):
        y = np.array([sum(getattr(one, name) for _, one in g) for g in groups])
        ratio = y.sum() / t.sum()
        error = math.sqrt(4 / 3 * ((y - ratio * t) ** 2).sum()) / t.sum()
        assert (row[column], row[f"{column}_se"]) == (pytest.approx(ratio), pytest.approx(error))
    means = np.array([np.mean([one.kl for _, one in g]) for g in groups])
    assert row["kl_sequence"] == pytest.approx(means.mean())
    assert row["kl_sequence_se"] == pytest.approx(means.std(ddof=1) / 2)
    assert (row["prompts"], row["answers"], row["nulls"], row["respelled"]) == (4, 12, 0, 0)
    assert row["block_nll"] == pytest.approx(2.0)


def test_perplexities_have_intervals_and_stand_beside_the_chains_measures(lab: Asking) -> None:
    found = rows(lab, "SELECT * FROM generation_measures WHERE run_id = ? ORDER BY cycle", MEASURED)
    assert [row["cycle"] for row in found] == list(range(-1, 6))
    [means] = rows(lab, "SELECT * FROM cycle_likelihoods WHERE run_id = ? AND cycle = 5", MEASURED)
    last = found[-1]
    assert last["perplexity"] == pytest.approx(math.exp(means["init_nll"]))
    high = math.exp(means["init_nll"] + t_quantile(3) * means["init_nll_se"])
    assert last["perplexity_high"] == pytest.approx(high, rel=1e-6)
    assert last["retention"] is not None
    assert (last["distinct_1"], last["distinct_3"], last["distinct_words"]) == (0.5, None, 100)
    assert found[0]["kl_token"] == 0


def test_an_older_journal_has_generations_without_them(lab: Asking) -> None:
    found = rows(lab, "SELECT * FROM generation_measures WHERE run_id = ? ORDER BY cycle", OLDER)
    assert len(found) == 7
    assert {(row["perplexity"], row["kl_token"], row["distinct_1"], row["answers"]) for row in found} == {(None,) * 4}
    assert found[-1]["retention"] is not None


def test_a_fork_shows_those_of_the_cycles_it_inherited(lab: Asking) -> None:
    query = "SELECT cycle, kl_token, distinct_1 FROM generation_measures WHERE run_id = ? ORDER BY cycle"
    mine, parents = rows(lab, query, FORK), rows(lab, query, MEASURED)
    assert [row["cycle"] for row in mine] == list(range(-1, 6))
    assert mine[:4] == parents[:4]
    assert mine[5]["kl_token"] != parents[5]["kl_token"]


def test_single_answers_can_be_asked_about(lab: Asking) -> None:
    query = """
        SELECT s.response, l.* FROM likelihoods AS l JOIN samples AS s USING (run_id, cycle, sample_id)
        WHERE run_id = ? ORDER BY l.kl DESC LIMIT 1
    """
    [row] = rows(lab, query, MEASURED)
    assert row["init_nll"] == pytest.approx(row["nll"] + row["kl"])


def nulled(events: Iterable[Event]) -> Iterator[Event]:
    """The first answer of every batch had no finite likelihood under M_init."""
    for event in events:
        if isinstance(event, LikelihoodsMeasured):
            first = event.likelihoods[0].model_copy(update={"init_nll": None, "kl": None, "block_nll": None})
            event = event.model_copy(update={"likelihoods": [first, *event.likelihoods[1:]]})
        yield event


def test_what_is_not_finite_is_left_out_and_counted(tmp_path: Path) -> None:
    made = write_lab(tmp_path / "lab", [])
    folder = made.run(write_chain(made, MEASURED))
    (folder / "events.jsonl").unlink()
    append_events(folder, nulled(chain_events(MEASURED)))
    [row] = rows(Asking(ingested(made)), "SELECT * FROM cycle_likelihoods WHERE run_id = ? AND cycle = 3", MEASURED)
    held = [one for group in by_prompt(3) for _, one in group][1:]
    assert row["nulls"] == 1
    assert row["kl_token"] == pytest.approx(sum(one.kl for one in held) / sum(one.tokens for one in held))


def test_however_a_journal_is_cut_the_rows_are_the_same(tmp_path: Path) -> None:
    whole = write_lab(tmp_path / "whole", [MEASURED])
    cut = write_lab(tmp_path / "cut", [])
    folder = cut.run(write_chain(cut, MEASURED))
    lines = (folder / "events.jsonl").read_bytes().splitlines(keepends=True)
    (folder / "events.jsonl").write_bytes(b"")
    connection = memory()
    ingest = Ingest(connection, cut)
    for start in range(0, len(lines), 60):
        with (folder / "events.jsonl").open("ab") as file:
            file.writelines(lines[start : start + 60])
        ingest.poll()
    tables = ("likelihoods", "cycle_likelihoods", "cycle_diversity")
    one, other = dump(ingested(whole)), dump(connection)
    assert {name: one[name] for name in tables} == {name: other[name] for name in tables}
    ingest.forget([chain_spec(MEASURED).run_id])
    (folder / "spec.json").unlink()
    assert connection.execute("SELECT count(*) FROM stored_likelihoods").fetchall() == [(0,)]


def test_progress_of_the_stage_counts_answers(tmp_path: Path) -> None:
    made = write_lab(tmp_path / "lab", [])
    folder = made.run(write_chain(made, dataclasses.replace(MEASURED, status="running", prompts=12)))
    chain = dataclasses.replace(MEASURED, status="running", prompts=12)
    events = list(chain_events(dataclasses.replace(chain, status="finished")))
    end = next(i for i, e in enumerate(events) if isinstance(e, LikelihoodsMeasured) and e.cycle == 1) + 1
    (folder / "events.jsonl").unlink()
    append_events(folder, events[:end])
    found = progress(Asking(ingested(made)), chain_spec(chain).run_id)
    assert found is not None
    assert (found.stage, found.done, found.total) == ("likelihood", 16, 36)


def test_the_measures_of_a_run_stand_in_one_list_with_its_sentences(lab: Asking) -> None:
    run_id = chain_spec(FORK).run_id
    found = measures(lab, run_id)
    kept = lab.sql("SELECT cycle, kl_token, distinct_2 FROM generation_measures WHERE run_id = ? ORDER BY 1", [run_id])
    assert [(one.cycle, one.kl_token, one.distinct_2) for one in found] == kept.tuples()
    assert all(one.mean_sentence_length and one.perplexity_low for one in found)
    assert measures(lab, chain_spec(OLDER).run_id)[0].perplexity is None


def test_coherence_has_an_interval_over_prompts_the_same_by_its_own_judge_and_when_that_is_named(lab: Asking) -> None:
    run_id = chain_spec(FORK).run_id
    own, named = coherence_bounds(lab, run_id), coherence_bounds(lab, run_id, FORK.judge)
    assert own.keys() == named.keys() == set(range(-1, 6))
    for cycle, ends in own.items():
        assert named[cycle] == pytest.approx(ends, abs=1e-4)
    rows = lab.sql(
        "SELECT value FROM chain_prompt_means WHERE run_id = ? AND metric = 'coherence' AND cycle = 3", [run_id]
    ).tuples()
    values = np.array([value for (value,) in rows])
    half = t_quantile(len(values) - 1) * values.std(ddof=1) / math.sqrt(len(values))
    assert own[3] == pytest.approx((values.mean() - half, values.mean() + half), rel=1e-6)
    assert coherence_bounds(lab, run_id, "nobody") == {}
