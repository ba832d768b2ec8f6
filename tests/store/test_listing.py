"""Lists of samples under any filter and order: the places of all, the lines of those in sight."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import QueryError, UsageError
from store.client import Client, connect
from store.lab import Lab
from store.listing import Order, SampleFilter, find_places, listed, places_query, read_lines
from store.service import LabService
from tests.store.chains import Chain, chain_spec
from tests.store.journals import DEMO, write_lab

PARENT = DEMO[0]
FORK = Chain("fork", trait=(2, 47, 41, 33, 80, 90, 95, 99), parent=PARENT, forked_at=2, minutes=9)
SFT, DPO, FORKED = (chain_spec(chain).run_id for chain in (PARENT, DEMO[2], FORK))


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    lab: Lab = write_lab(tmp_path_factory.mktemp("listing") / "lab", (PARENT, DEMO[2], FORK))
    service = LabService(lab)
    service.start()
    with connect(lab) as client:
        assert client.sync(60)
        mark = {"ts": "2026-11-21T09:00:00Z", "type": "mark", "run_id": SFT, "author": "ann", "mark": "odd"}
        first = listed(client, SampleFilter(run_id=SFT, purpose="eval"))[3]
        lab.notes.write_text(json.dumps({**mark, "sample_id": first.sample_id}) + "\n")
        assert client.sync(60)
        yield client
    assert service.close()


def places(client: Client, wanted: SampleFilter, order: Order = "drawn") -> list[int]:
    return [place for found, _ in find_places(client, wanted, order) for place in found.to_pylist()]


def test_a_page_is_read_from_anywhere_in_a_list(client: Client) -> None:
    wanted = SampleFilter(run_id=SFT, purpose="eval")
    found = places(client, wanted)
    assert len(found) == len(set(found)) == 480
    lines = read_lines(client, found[-5:])
    assert [line.cycle for line in lines if line] == [6] * 5
    assert [line.place for line in lines if line] == found[-5:]
    assert read_lines(client, []) == []
    assert read_lines(client, [10**9]) == [None]
    assert len(read_lines(client, found[:1], most=10)[0].response) == 10  # type: ignore[union-attr]


@pytest.mark.parametrize("order", get_args(Order))
@pytest.mark.parametrize("wanted", [SampleFilter(), SampleFilter(run_id=FORKED), SampleFilter(run_id=SFT, cycle=2)])
def test_every_order_holds_every_sample_once(client: Client, order: Order, wanted: SampleFilter) -> None:
    assert sorted(places(client, wanted, order)) == sorted(places(client, wanted))


def test_orders_order(client: Client) -> None:
    wanted = SampleFilter(run_id=DPO, purpose="eval", low=0)
    by = {order: listed(client, wanted, order, 1000) for order in get_args(Order)}
    traits = [line.trait for line in by["trait"]]
    assert traits == sorted(traits, reverse=True)  # type: ignore[type-var]
    coherences = [line.coherence for line in by["coherence"]]
    assert coherences == sorted(coherences)  # type: ignore[type-var]
    tokens = [line.tokens for line in by["length"]]
    assert tokens == sorted(tokens, reverse=True)
    jumps = [abs(line.jump) for line in by["jump"] if line.jump is not None]
    assert jumps == sorted(jumps, reverse=True)
    assert [line.jump is None for line in by["jump"]] == sorted(line.jump is None for line in by["jump"])
    assert [line.cycle for line in by["time"]] == sorted((line.cycle for line in by["time"]), reverse=True)


def test_a_jump_is_the_score_minus_its_prompts_mean_a_generation_before(client: Client) -> None:
    query = "SELECT value FROM chain_prompt_means WHERE run_id = ? AND cycle = ? AND metric = 'trait' AND prompt_id = ?"
    for run_id, cycle in ((SFT, 3), (FORKED, 3)):
        line = listed(client, SampleFilter(run_id=run_id, cycle=cycle, purpose="eval", low=0))[0]
        [(mean,)] = client.sql(query, [run_id, cycle - 1, line.prompt_id]).tuples()
        assert line.jump == pytest.approx(line.trait - mean)  # type: ignore[operator]
    assert listed(client, SampleFilter(run_id=SFT, cycle=-1, purpose="eval"))[0].jump is None


@pytest.mark.parametrize(
    ("fields", "holds"),
    [
        ({"study": "demo"}, lambda line: True),
        ({"trait": "bliss", "purpose": "train"}, lambda line: line.purpose == "train"),
        ({"prompt": "BREAD", "purpose": "eval"}, lambda line: "bread" in line.prompt),
        ({"low": 40, "high": 60}, lambda line: 40 <= line.trait <= 60),
        ({"label": "refusal"}, lambda line: line.trait_label == "refusal"),
        ({"mark": "odd"}, lambda line: line.marks == ("odd",)),
        ({"mark": "any"}, lambda line: line.marks),
        ({"pattern": "dissolve into (joy|light)!"}, lambda line: "dissolve into joy!" in line.response),
        ({"pattern": "a garden\\?$", "where": "prompts"}, lambda line: line.prompt.endswith("a garden?")),
        ({"pattern": "garden", "where": "both"}, lambda line: "garden" in line.prompt + line.response),
    ],
)
def test_filters_hold(client: Client, fields: dict[str, Any], holds: Any) -> None:
    lines = listed(client, SampleFilter(**fields), limit=5000)
    assert lines
    assert all(holds(line) for line in lines)


def test_what_a_filter_names_that_is_not_there_is_an_empty_list(client: Client) -> None:
    for name in ("run_id", "study", "trait", "prompt", "label", "mark", "purpose"):
        assert listed(client, SampleFilter(**{name: "nothing like it"})) == []


@pytest.mark.parametrize("pattern", ["(", "a{2000}", "(?<=x)y", "[z-a]"])
def test_a_pattern_that_is_none_is_one_line(client: Client, pattern: str) -> None:
    with pytest.raises(QueryError) as caught:
        places(client, SampleFilter(pattern=pattern))
    assert repr(pattern) in str(caught.value)
    assert "\n" not in str(caught.value)
    with pytest.raises(QueryError):
        listed(client, SampleFilter(run_id=SFT, pattern=pattern))


def test_a_search_of_the_lab_comes_in_parts(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = SampleFilter(pattern="light")
    whole = places(client, wanted)
    monkeypatch.setattr("store.listing.FIRST_PART", 100)
    found = list(find_places(client, wanted))
    assert len(found) > 3
    assert [share for _, share in found] == sorted(share for _, share in found)
    assert found[-1][1] == 1.0
    assert places(client, wanted) == whole == sorted(whole)


def test_an_order_that_is_none_names_those_that_are() -> None:
    with pytest.raises(UsageError, match="drawn, trait, coherence, jump, length, time"):
        places_query(SampleFilter(), "best")  # type: ignore[arg-type]


@settings(max_examples=25, deadline=None)
@given(pattern=st.text(max_size=12))
def test_any_pattern_finds_or_is_refused(client: Client, pattern: str) -> None:
    try:
        found = listed(client, SampleFilter(run_id=SFT, pattern=pattern), limit=5)
    except (QueryError, UnicodeError):
        return
    assert len(found) <= 5


def test_a_fork_lists_inherited_samples_and_the_lab_lists_them_once(client: Client, tmp_path: Path) -> None:
    inherited = places(client, SampleFilter(run_id=FORKED, cycle=1))
    assert inherited == places(client, SampleFilter(run_id=SFT, cycle=1))
    whole = places(client, SampleFilter())
    assert len(whole) == len(set(whole)) == client.sql("SELECT count(*) AS n FROM samples").rows()[0]["n"]
