"""Lists of samples, texts in full and the matrix by a judge whose scores stand in a job's journal."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any, get_args

import pytest

from store.client import Client, connect
from store.compare import compare, matrix
from store.listing import Line, Order, SampleFilter, listed
from store.readings import read_in_full
from store.service import LabService
from tests.store.journals import Chain, chain_spec, write_judging_job, write_lab

SMALL: dict[str, Any] = {"prompts": 4, "draws": 3, "n_seed": 2, "n_sampled": 3, "steps": 1}
PARENT = Chain("parent", trait=(2, 40, 42, 44, 46, 48, 50), coherence=(97,) * 7, **SMALL)
CHILD = dataclasses.replace(PARENT, name="child", trait=(2, 40, 42, 44, 80, 85, 90), parent=PARENT, forked_at=2, seed=7)
OTHERS = Chain("others", study="others", seed=5, **SMALL)
RUN, FORK, UNJUDGED = (chain_spec(chain).run_id for chain in (PARENT, CHILD, OTHERS))
STRICT, OWN, SHIFT = "strict-trait", PARENT.judge, 7.0


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    lab = write_lab(tmp_path_factory.mktemp("judged") / "lab", (PARENT, CHILD, OTHERS))
    for number, chain in enumerate((PARENT, CHILD)):
        write_judging_job(lab, f"j00000000{number}", chain, "strict", SHIFT)
    service = LabService(lab)
    service.start()
    with connect(lab) as client:
        assert client.sync(60)
        yield client
    assert service.close()


def lines(client: Client, wanted: SampleFilter, order: Order = "drawn") -> dict[str, Line]:
    return {line.sample_id: line for line in listed(client, wanted, order, 5000)}


@pytest.mark.parametrize("order", get_args(Order))
@pytest.mark.parametrize("run_id", [None, RUN, FORK])
def test_by_the_runs_own_judge_a_list_is_as_it_is_without(client: Client, order: Order, run_id: str | None) -> None:
    own = SampleFilter(run_id=run_id, purpose="eval", low=30)
    by_name = lines(client, dataclasses.replace(own, judge=OWN), order)
    kept = lines(client, own, order)
    assert by_name.keys() == kept.keys() != set()
    if order == "jump":
        jumps = [abs(line.jump) for line in by_name.values() if line.jump is not None]
        assert jumps == pytest.approx(sorted(jumps, reverse=True))
    else:
        assert list(by_name) == list(kept), "jumps alone tie but for the last digit"
    for sample_id, line in by_name.items():
        assert (line.trait, line.coherence, line.trait_label) == (
            kept[sample_id].trait, kept[sample_id].coherence, kept[sample_id].trait_label,
        )  # fmt: skip
        assert line.jump == (None if kept[sample_id].jump is None else pytest.approx(kept[sample_id].jump))


@pytest.mark.parametrize("run_id", [None, RUN, FORK])
def test_a_job_s_scores_stand_in_the_list_and_nobody_else_s(client: Client, run_id: str | None) -> None:
    own = lines(client, SampleFilter(run_id=run_id, purpose="eval"))
    by_strict = lines(client, SampleFilter(run_id=run_id, purpose="eval", judge=STRICT))
    assert list(by_strict) == list(own)
    for sample_id, line in by_strict.items():
        if line.run_id == UNJUDGED:
            assert (line.trait, line.coherence, line.jump) == (None, None, None)
            continue
        before = own[sample_id]
        assert line.trait == (None if before.trait is None else pytest.approx(before.trait + SHIFT))
        assert line.coherence == before.coherence
        assert line.jump == (None if before.jump is None else pytest.approx(before.jump))


def test_filters_and_orders_go_by_that_judge(client: Client) -> None:
    held = lines(client, SampleFilter(run_id=RUN, purpose="eval", low=50, judge=STRICT), "trait")
    traits = [line.trait for line in held.values()]
    assert traits == sorted(traits, reverse=True)  # type: ignore[type-var]
    own = lines(client, SampleFilter(run_id=RUN, purpose="eval", low=50 - SHIFT))
    assert held.keys() == own.keys()
    assert lines(client, SampleFilter(purpose="eval", low=0, judge="nobody")) == {}


def test_a_text_in_full_has_what_jobs_judged_too(client: Client) -> None:
    [line] = listed(client, SampleFilter(run_id=RUN, purpose="eval", low=30), limit=1)
    judgements = {(j.metric, j.judge_id): j.value for j in read_in_full(client, [line])[line.sample_id].judgements}
    assert set(judgements) == {
        ("trait", OWN), ("trait", STRICT), ("coherence", OWN), ("coherence", "strict-rence"),
        ("trait:lucky", "strict-lucky"),
    }  # fmt: skip
    assert judgements["trait", STRICT] == pytest.approx(judgements["trait", OWN] + SHIFT)  # type: ignore[operator]


def test_the_matrix_by_a_judge_has_every_trait_that_it_scored(client: Client) -> None:
    groups = compare(client, [RUN, FORK, UNJUDGED], "run").groups
    own = {(cell.group, cell.cycle): cell for cell in matrix(client, groups)}
    assert {(c.group, c.cycle): c.value for c in matrix(client, groups, OWN)} == pytest.approx(
        {key: cell.value for key, cell in own.items()}
    )
    strict = {(c.group, c.cycle, c.trait): c.value for c in matrix(client, groups, STRICT)}
    judged = [key for key in own if not key[0].startswith("others")]
    assert strict.keys() == {(*key, trait) for key in judged for trait in ("bliss", "lucky")}
    for key in judged:
        assert strict[*key, "bliss"] == pytest.approx(own[key].value + SHIFT)  # type: ignore[operator]
        assert strict[*key, "lucky"] == pytest.approx(own[key].value / 2)  # type: ignore[operator]
