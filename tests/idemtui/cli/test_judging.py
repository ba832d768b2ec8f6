"""`judge` and `agreement` on the command line: real jobs on the pocket judge, over runs that were written by hand."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.spec import JudgeSettings
from idemtui.cli import jobs
from idemtui.cli.judging import estimate_words
from store.lab import Lab
from tests.idemtui.cli.conftest import Idemtui
from tests.idemtui.conftest import lab_on_a_short_path
from tests.store.journals import Chain, write_chain

RUN = Chain("small", prompts=6, draws=2, n_seed=2, n_sampled=2, steps=1, trait=(2, 22), minutes=1)
ALONE = dataclasses.replace(RUN, name="alone", seed=7)
RUBRIC = "{question}\n{answer}\nHow much bliss?"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "LOOK_SECONDS", 0.05)


@pytest.fixture(scope="module")
def one_lab() -> Iterator[Lab]:
    """One server for all tests: of its two runs only the first is judged anew."""
    with lab_on_a_short_path() as lab:
        for run in (RUN, ALONE):
            write_chain(lab, run)
        yield lab


@pytest.fixture
def here(idemtui: Idemtui, one_lab: Lab) -> Idemtui:
    return lambda *words: idemtui("--lab", one_lab.root, *words)


def test_a_run_is_judged_anew_beside_its_own_scores(here: Idemtui, tmp_path: Path) -> None:
    rubric = tmp_path / "rubric.txt"
    rubric.write_text(RUBRIC)
    before = here("sql", "from trait_curve order by all", "--json").json
    said = here("judge", "small", "--judge", "pocket/judge", "--rubric", rubric)
    assert (said.code, said.err.count("\n")) == (0, 1)
    assert "judgements by pocket/judge" in said.err
    again = here("judge", "small", "--judge", "pocket/judge", "--rubric", rubric, "--repeat", "2", "--json")
    assert again.json["status"] == "finished"
    assert here("sql", "from trait_curve order by all", "--json").json == before
    found = here("agreement", "small", "--json").json
    trait = [row for row in found["judges"] if row["metric"] == "trait"]
    assert [row["own"] for row in trait].count(True) == 1
    assert {row["method"] for row in trait} == {"logprobs", "tree"}
    [noise] = [pair for pair in found["pairs"] if pair["kind"] == "asked again"]
    assert noise["difference"]["value"] == pytest.approx(0, abs=1e-3)
    assert len([pair for pair in found["pairs"] if pair["kind"] == "judges"]) == 2
    shown = here("agreement", "small").out
    assert "asked again" in shown
    assert here("rebuild").code == 0
    assert here("agreement", "small", "--json").json == found


def test_wrong_calls_are_refused_before_anything_is_queued(here: Idemtui, tmp_path: Path) -> None:
    rubric = tmp_path / "rubric.txt"
    rubric.write_text("{question} alone")
    before = here("ls", "--jobs", "--json").json
    for words, told in (
        (("--rubric", rubric), "{answer} is missing"),
        (("--rubric", tmp_path / "none"), "cannot be read"),
        (("--rubric", rubric, "--metric", "trait", "--metric", "coherence"), "for one metric"),
        (("--metric", "blis"), "allowed: trait, coherence, trait:OTHER"),
        (("--metric", "trait:"), "no such metric"),
        (("--server", "http://localhost:1/v1"), "--server needs --judge"),
        (("--judge", "m", "--server", "localhost:1"), "judge.server"),
        (("--judge", "m", "--server", "http://u:hunter2@h/v1"), "password"),
        (("--judge", "m", "--server", "openai", "--key", "sk-abc123"), "never the key itself"),
        (("--judge", "pocket/judge", "--method", "sampled"), "needs judge.server"),
    ):
        said = here("judge", "small", *words)
        assert said.code == 2
        assert told in said.err
        assert "hunter2" not in said.err
        assert "sk-abc123" not in said.err
        assert said.err.count("\n") == 1
    assert here("ls", "--jobs", "--json").json == before


def test_what_it_will_take_is_said_before() -> None:
    answers = {"answers": 100, "characters": 40_000}
    judge = JudgeSettings(model="m", server="openai", price_input=2.0, price_output=8.0)
    words = estimate_words(judge, answers, ("trait",), "x" * 400)
    assert words.startswith("100 judgements in 100 requests or more, about 20000 tokens, about 0.04 at your prices")
    drawn = judge.model_copy(update={"method": "sampled", "draws": 5, "price_input": None})
    assert "500 requests or more, about 50000 tokens besides the rubrics;" in estimate_words(
        drawn, answers, ("trait",), None
    )


def test_nothing_judged_is_said(here: Idemtui) -> None:
    said = here("agreement", "alone")
    assert "No answer was scored twice" in said.out
    assert here("agreement", "nobody").code == 2
