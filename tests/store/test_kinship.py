"""Ancestors of an answer and phrases that spread, on chains in which they were planted."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import UsageError
from engine.events import Event, SamplesDrawn
from store.kinship import ancestry, grams, phrases, shared_phrases, shared_spans
from store.lab import Lab, create_lab, find_lab
from tests.store.journals import Chain, append_events, chain_events, chain_spec, write_chain
from tests.store.tables import Asking, ingested

PLANTED = "the violet lantern hums beneath seven quiet bridges"
CHAIN = Chain("planted", trait=(2, 40, 30, 20, 15), coherence=(97,) * 5, prompts=4, draws=3, n_seed=6, n_sampled=6)
FORK = dataclasses.replace(CHAIN, name="fork", parent=CHAIN, forked_at=2, minutes=3)
RUN, FORKED = chain_spec(CHAIN).run_id, chain_spec(FORK).run_id
HAS = {-1: 0, 0: 2, 1: 4, 2: 6, 3: 9}
"""How many of the twelve answers of each generation say the planted sentence."""


def planted(chain: Chain) -> Iterator[Event]:
    for event in chain_events(chain):
        if isinstance(event, SamplesDrawn):
            most = HAS[event.cycle] if event.purpose == "eval" else 1
            samples = [
                sample.model_copy(update={"response": f"{sample.response} Now, {PLANTED.capitalize()}!"})
                if event.batch == 0 and number < most
                else sample
                for number, sample in enumerate(event.samples)
            ]
            event = event.model_copy(update={"samples": samples})
        yield event


def write_planted(lab: Lab, chain: Chain) -> None:
    folder = lab.run(write_chain(lab, chain))
    (folder / "events.jsonl").unlink()
    append_events(folder, planted(chain))


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Asking:
    lab = create_lab(find_lab(tmp_path_factory.mktemp("kin") / "lab"))
    for chain in (CHAIN, FORK):
        write_planted(lab, chain)
    return Asking(ingested(lab))


def answer_of(lab: Asking, run_id: str, cycle: int, like: str = "%violet%") -> str:
    query = (
        "SELECT sample_id FROM chain_samples WHERE run_id = ? AND cycle = ? AND purpose = 'eval' AND response LIKE ?"
    )
    return str(lab.sql(query, [run_id, cycle, like]).tuples()[0][0])


def test_an_answers_ancestors_go_back_to_the_seeds(lab: Asking) -> None:
    answer, kin = ancestry(lab, answer_of(lab, RUN, 3), most=2)
    assert "violet" in answer.response
    nearest = {row.cycle: row for row in reversed(kin)}
    assert list(nearest) == [0, 1, 2, 3]
    assert all("violet lantern" in row.response for row in nearest.values())
    assert [nearest[cycle].purpose for cycle in (0, 1)] == ["seed", "train"]
    assert all(any(PLANTED in phrase.lower() for phrase in row.shared) for row in nearest.values())
    assert [row.cycle for row in kin] == sorted((row.cycle for row in kin), reverse=True)
    assert all(0 < row.nearness <= 1 for row in kin)
    assert max(sum(row.cycle == cycle for row in kin) for cycle in range(4)) == 2


def test_a_forks_ancestors_are_its_parents_rows(lab: Asking) -> None:
    _, kin = ancestry(lab, answer_of(lab, FORKED, 3), most=1)
    assert [(row.cycle, row.run_id == RUN) for row in kin] == [(3, False), (2, True), (1, True), (0, True)]
    inherited = answer_of(lab, FORKED, 1)
    assert [row.cycle for row in ancestry(lab, inherited, FORKED)[1][::-3]] == [0, 1] or len(
        ancestry(lab, inherited)[1]
    )


def test_base_and_the_seeds_have_no_ancestors(lab: Asking) -> None:
    assert ancestry(lab, answer_of(lab, RUN, -1, "%"))[1] == []
    seed = lab.sql("SELECT sample_id FROM samples WHERE purpose = 'seed' LIMIT 1").tuples()[0][0]
    assert ancestry(lab, seed)[1] == []
    with pytest.raises(UsageError, match="no sample 'nope'"):
        ancestry(lab, "nope")


def test_what_was_rejected_taught_nothing(tmp_path: Path) -> None:
    chain = dataclasses.replace(CHAIN, regime="dpo", init="previous")
    dpo = create_lab(find_lab(tmp_path / "lab"))
    write_planted(dpo, chain)
    lab = Asking(ingested(dpo))
    answer = answer_of(lab, chain_spec(chain).run_id, 2)
    roles = "SELECT sample_id FROM training_rows WHERE role = 'rejected'"
    rejected = {row[0] for row in lab.sql(roles).tuples()}
    kin = ancestry(lab, answer, most=50)[1]
    assert kin
    assert not rejected & {row.sample_id for row in kin}


def test_the_phrase_that_was_planted_spread_most(lab: Asking) -> None:
    found = phrases(lab, RUN, most=5)
    first = found[0]
    assert PLANTED in first.phrase
    assert first.growth == pytest.approx(9 / 12)
    assert first.counts == tuple((cycle, count, 12) for cycle, count in HAS.items())
    assert [phrase.growth for phrase in found] == sorted((phrase.growth for phrase in found), reverse=True)
    assert sum("violet lantern hums beneath" in phrase.phrase for phrase in found) == 1
    with pytest.raises(UsageError, match="no evaluated answer"):
        phrases(lab, "nope")


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [
        ("There is only light, and it is kind.", "I say: there IS only light and…", ["There is only light, and"]),
        ("a b c d", "x y z", []),
        ("one two", "one two", []),
        ("a b c x a b c", "a b c", ["a b c", "a b c"]),
        ("", "a b c", []),
    ],
)
def test_shared_phrases_as_they_stand_in_the_first(one: str, other: str, shared: list[str]) -> None:
    assert list(shared_phrases(one, other)) == shared


words = st.lists(st.sampled_from("abcd"), max_size=30).map(" ".join)


@given(words, words)
def test_shared_spans_are_in_order_apart_and_in_both(one: str, other: str) -> None:
    spans = shared_spans(one, other)
    edges = [edge for span in spans for edge in span]
    assert edges == sorted(edges)
    assert all(one[start:end] in other for start, end in spans)


@pytest.mark.parametrize("text", ["It's a well-known fact: 42 things!", "naïve – 日本 語", "", "a_b __ c"])
def test_words_are_the_same_here_and_in_the_database(lab: Asking, text: str) -> None:
    from store.kinship import WORD, WORDS_SQL

    [(held,)] = lab.sql(f"SELECT {WORDS_SQL.replace('s.response', '?')}", [text]).tuples()
    assert held == WORD.findall(text.lower())
    assert grams("a b c", 2) == ["a b", "b c"]
