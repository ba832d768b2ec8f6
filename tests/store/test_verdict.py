from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.intervals import mean_or_none, t_interval
from store.statistics.chain import Chain, late_deltas
from store.statistics.deciding import Needed, needed_replicates
from store.statistics.missing import missing_notes
from store.verdict import cell_label, cell_verdict, run_verdict

PROMPTS = ("a", "b", "c")


def chain(
    *curve: float | None, coherence: tuple[float, ...] = (), name: str = "replicate 1", spread: float = 1.0
) -> Chain:
    """Scores at base, M_0, M_1, …: each prompt a little beside the mean, by the same amount in every cycle."""
    offsets = dict(zip(PROMPTS, (-1.0, 0.0, 1.0), strict=True))
    trait = {
        cycle: {prompt: None if score is None else score + offset for prompt, offset in offsets.items()}
        for cycle, score in enumerate(curve, start=-1)
    }
    told = dict(enumerate(coherence or (95.0,) * len(curve), start=-1))
    return Chain("id", name, len(curve) - 2, trait, {c: dict.fromkeys(PROMPTS, v) for c, v in told.items()})


def cell(*gains: float) -> list[Chain]:
    """One chain per gain, each with an M_0 of its own."""
    return [
        chain(2, 40 + r, 0, 0, 0, 40 + r + gain, 40 + r + gain, name=f"replicate {r}")
        for r, gain in enumerate(gains, start=1)
    ]


def test_a_worked_chain() -> None:
    verdict = run_verdict(chain(2, 40, 0, 0, 0, 50, 60, 52))
    assert verdict.a == pytest.approx(20)
    assert verdict.l == pytest.approx((10 + 20 + 12) / 3)
    assert (verdict.ci_low, verdict.ci_high) == (pytest.approx(14), pytest.approx(14))
    assert (verdict.amplified_by_paper, verdict.label, verdict.suffixes, verdict.notes) == (True, "one chain", (), ())


def test_the_interval_is_clustered_by_prompt() -> None:
    trait = {
        -1: dict.fromkeys(PROMPTS, 0.0),
        0: dict.fromkeys(PROMPTS, 40.0),
        4: {"a": 44.0, "b": 50.0, "c": 56.0},
    }
    verdict = run_verdict(Chain("id", "one", 4, trait, {}))
    half = 2.919986 * 6 / math.sqrt(3)
    assert (verdict.l, verdict.ci_low, verdict.ci_high) == pytest.approx((10, 10 - half, 10 + half), abs=1e-4)


def test_fifteen_is_amplified_and_less_is_not() -> None:
    assert run_verdict(chain(0, 40, 0, 0, 0, 55)).amplified_by_paper is True
    assert run_verdict(chain(0, 40, 0, 0, 0, 54.9)).amplified_by_paper is False


def test_fewer_than_four_cycles_have_no_verdict() -> None:
    verdict = run_verdict(chain(2, 40, 30, 20, 10))
    assert (verdict.a, verdict.amplified_by_paper, verdict.label) == (None, None, None)
    assert verdict.notes == ("no verdict: 3 cycles, 4 are needed",)


def test_what_is_missing_is_named_and_left_out() -> None:
    verdict = run_verdict(chain(2, 40, 0, 0, 0, 50, None, 54))
    assert verdict.l == pytest.approx(12)
    assert verdict.notes == ("cycle 5 has no trait score",)
    short = chain(2, 40, 0, 0, 0, 50)
    longer = Chain(short.run_id, short.name, 6, short.trait, short.coherence)
    assert missing_notes(longer) == ("cycle 5 is missing", "cycle 6 is missing")
    assert run_verdict(longer).a == pytest.approx(10)


def test_one_prompt_without_a_score_is_left_out_of_its_pair() -> None:
    trait = {0: {"a": 40.0, "b": None}, 4: {"a": 45.0, "b": 100.0}}
    verdict = run_verdict(Chain("id", "one", 4, trait, {}))
    assert (verdict.a, verdict.ci_low) == (5.0, None)
    assert verdict.notes == ("cycle 0: 1 of 2 prompts without a trait score",)


@pytest.mark.parametrize("curve", [(2, None, 0, 0, 0, 50), (2, 40, 0, 0, 0, None)])
def test_nothing_scored_is_no_verdict_and_never_zero(curve: tuple[float | None, ...]) -> None:
    verdict = run_verdict(chain(*curve))
    assert (verdict.a, verdict.l, verdict.label) == (None, None, None)
    assert "has no trait score" in verdict.notes[0]


@pytest.mark.parametrize(
    ("low", "high", "a", "label"),
    [
        (5.1, 30, 15, "AMPLIFIED"), (5.1, 30, 14.9, "ROSE"), (-4.9, 4.9, 3, "CONSTANT"), (-30, -5.1, -2, "DECAYED"),
        (5.0, 30, 20, "UNDECIDED"), (-5.0, 4, 2, "UNDECIDED"), (-30, -5.0, 0, "UNDECIDED"), (-9, 9, 20, "UNDECIDED"),
    ],
)  # fmt: skip
def test_labels_at_their_edges(low: float, high: float, a: float, label: str) -> None:
    assert cell_label(low, high, a) == label


def test_a_worked_cell() -> None:
    verdict = cell_verdict(cell(16, 18, 20))
    half = 2.919986 * 2 / math.sqrt(3)
    assert (verdict.a, verdict.l, verdict.ci_low, verdict.ci_high) == pytest.approx((18, 18, 18 - half, 18 + half))
    assert (verdict.label, verdict.amplified_by_paper, verdict.suffixes) == ("AMPLIFIED", True, ())


def test_the_paper_looks_at_the_mean_curve_of_a_cell() -> None:
    verdict = cell_verdict(
        [chain(0, 40, 0, 0, 0, 60, 40), chain(0, 40, 0, 0, 0, 40, 60), chain(0, 40, 0, 0, 0, 40, 40)]
    )
    assert verdict.a == pytest.approx(20 / 3)


def test_two_replicates_get_no_label() -> None:
    verdict = cell_verdict(cell(20, 22))
    assert (verdict.label, verdict.ci_low, verdict.l) == (None, None, pytest.approx(21))
    assert verdict.notes == ("2 replicates; an interval and a label need 3",)


def test_a_replicate_without_a_verdict_is_named_and_not_counted() -> None:
    verdict = cell_verdict([*cell(0, 1, -1), chain(2, 40, 0, 0, 0, None, name="replicate 4")])
    assert verdict.label == "CONSTANT"
    assert verdict.notes == ("replicate 4: no verdict: cycle 4 has no trait score",)


def test_undecided_says_how_many_replicates_would_decide() -> None:
    verdict = cell_verdict(cell(-4, 12, 28))
    assert verdict.label == "UNDECIDED"
    [note] = verdict.notes
    needed = needed_replicates(16.0, 7.0)
    assert note == (
        f"undecided: about {needed} replicates (now 3) would decide; more samples or prompts alone would not: "
        "of L's variance 100% is replicates, 0% is prompts, 0% is samples"
    )
    assert needed is not None
    assert verdict.needed == Needed(needed, None, None, "replicates")
    assert t_interval(np.tile([-4.0, 12.0, 28.0], 2 + needed // 3)).low > 5  # type: ignore[operator]


@pytest.mark.parametrize(
    ("one", "found"),
    [
        (chain(2, 40, 0, 0, 0, 40, coherence=(95, 95, 90, 90, 90, 49)), ("DEGENERATE",)),
        (chain(2, 40, 0, 0, 0, 40, coherence=(95, 95, 90, 90, 90, 75)), ("DEGENERATE",)),
        (chain(2, 40, 0, 0, 0, 40, coherence=(95, 95, 20, 20, 20, 76)), ()),
        (chain(2, 86, 0, 0, 0, 86), ("CEILING",)),
        (chain(40, 40, 0, 0, 0, 40), ("SEED-FAILED",)),
        (chain(39, 40, 0, 0, 0, 40), ()),
    ],
)
def test_suffixes(one: Chain, found: tuple[str, ...]) -> None:
    assert run_verdict(one).suffixes == found


def test_a_cell_whose_seeding_differs_from_run_to_run_failed_to_seed() -> None:
    cell = [chain(20, 20 + gain, 0, 0, 0, 20 + gain) for gain in (-6, 1, 9)]
    assert cell_verdict(cell).suffixes == ("SEED-FAILED",)


SCORES = st.floats(0, 100)
CURVES = st.lists(SCORES, min_size=6, max_size=10)


@given(CURVES, st.floats(-20, 20))
def test_a_shift_of_the_late_cycles_shifts_a_and_l(curve: list[float], shift: float) -> None:
    before, after = run_verdict(chain(*curve)), run_verdict(chain(*curve[:5], *(s + shift for s in curve[5:])))
    assert after.a == pytest.approx(before.a + shift, abs=1e-6)  # type: ignore[operator]
    assert after.l == pytest.approx(before.l + shift, abs=1e-6)  # type: ignore[operator]


@given(CURVES, SCORES)
def test_the_score_of_base_and_early_cycles_never_matters(curve: list[float], other: float) -> None:
    before, after = run_verdict(chain(*curve)), run_verdict(chain(other, curve[1], *(other,) * 3, *curve[5:]))
    assert (before.a, before.l, before.ci_low) == (after.a, after.l, after.ci_low)


@given(st.lists(CURVES, min_size=3, max_size=6))
def test_a_is_never_below_l(curves: list[list[float]]) -> None:
    length = min(map(len, curves))
    verdict = cell_verdict([chain(*curve[:length]) for curve in curves])
    assert verdict.a is not None
    assert verdict.l is not None
    assert verdict.a >= verdict.l - 1e-6
    assert verdict.label in ("AMPLIFIED", "ROSE", "CONSTANT", "DECAYED", "UNDECIDED")


@given(st.lists(st.floats(-50, 50), min_size=3, max_size=12))
def test_an_interval_holds_its_mean_and_does_not_depend_on_order(numbers: list[float]) -> None:
    there, back = t_interval(np.array(numbers)), t_interval(np.array(numbers[::-1]))
    assert there.low is not None
    assert there.high is not None
    assert there.low <= there.mean <= there.high
    assert there.low == pytest.approx(back.low, abs=1e-6)


def test_one_number_has_no_interval_and_none_has_no_mean() -> None:
    assert (t_interval(np.array([3.0])).low, mean_or_none([None, None]), mean_or_none([])) == (None, None, None)


def test_deltas_pair_by_prompt() -> None:
    trait = {0: {"a": 1.0, "b": 10.0}, 4: {"b": 12.0, "c": 99.0}}
    [found] = late_deltas([Chain("id", "one", 4, trait, {})])
    assert np.isnan(found[[0, 2]]).all()
    assert found[1, 0] == 2.0


def judged_by(one: Chain, *judges: str) -> Chain:
    """The chain, its cycles from M_0 on scored by these judges."""
    return dataclasses.replace(one, judges=dict(enumerate(judges)))


def test_one_replicate_has_no_interval_over_replicates() -> None:
    verdict = cell_verdict(cell(20))
    assert (verdict.a, verdict.ci_low, verdict.ci_high, verdict.label) == (pytest.approx(20), None, None, None)
    assert verdict.notes == ("1 replicate; an interval and a label need 3",)


def test_a_run_that_collapsed_to_empty_answers_says_so() -> None:
    collapsed = dataclasses.replace(
        chain(2, 40, 0, 0, 0, None, coherence=(95, 95, 90, 90, 90, 0)), empties={0: (0, 30), 4: (30, 30)}
    )
    verdict = run_verdict(collapsed)
    assert (verdict.a, verdict.l, verdict.label, verdict.suffixes) == (None, None, None, ("DEGENERATE",))
    assert verdict.notes == ("no verdict: cycle 4 has no trait score (30 of 30 answers are empty)",)
    with_others = cell_verdict([*cell(0, 1, -1), dataclasses.replace(collapsed, name="replicate 4")])
    assert with_others.judged == 3
    assert with_others.notes[-1] == f"replicate 4: {verdict.notes[0]}"


def test_a_replicate_that_collapsed_counts_in_the_cells_coherence() -> None:
    collapsed = [chain(2, 40, 0, 0, 0, None, coherence=(95, 95, 9, 9, 9, 0), name=f"gone {i}") for i in range(4)]
    assert cell_verdict([*cell(0, 1, -1), *collapsed]).suffixes == ("DEGENERATE",)


def test_all_null_cycles_make_no_verdict_for_a_cell() -> None:
    verdict = cell_verdict([chain(2, 40, 0, 0, 0, None, name=f"replicate {r}") for r in (1, 2, 3)])
    assert (verdict.a, verdict.l, verdict.label, verdict.judged) == (None, None, None, 0)
    assert verdict.notes == tuple(f"replicate {r}: no verdict: cycle 4 has no trait score" for r in (1, 2, 3))


def test_two_judges_in_one_chain_are_not_averaged() -> None:
    verdict = run_verdict(judged_by(chain(2, 40, 0, 0, 0, 50), "a", "a", "a", "a", "b"))
    assert (verdict.a, verdict.label) == (None, None)
    assert verdict.notes == ("no verdict: scores of 2 judges are not averaged: a scored cycle 0; b scored cycle 4",)


def test_two_judges_in_one_cell_are_not_averaged() -> None:
    judges = ("a", "a", "b")
    verdict = cell_verdict([judged_by(one, *[judge] * 7) for one, judge in zip(cell(0, 1, 2), judges, strict=True)])
    assert (verdict.a, verdict.l, verdict.label) == (None, None, None)
    assert verdict.notes == (
        "no verdict: scores of 2 judges are not averaged: a scored replicate 1, replicate 2; b scored replicate 3",
    )


def test_unequal_prompts_are_named() -> None:
    one, two, three = cell(0, 1, -1)
    fewer = {cycle: {p: s for p, s in scores.items() if p != "c"} for cycle, scores in three.trait.items()}
    verdict = cell_verdict([one, two, dataclasses.replace(three, trait=fewer)])
    assert verdict.label == "CONSTANT"
    assert verdict.notes == ("unequal prompts: of 3, replicate 3 lacks 1; each L is over its own prompts",)
    assert verdict.components is not None
    assert verdict.components.prompt_count == 2


def test_missing_cycles_of_a_replicate_are_named() -> None:
    one, two, three = cell(0, 1, -1)
    short = {cycle: scores for cycle, scores in three.trait.items() if cycle != 5}
    verdict = cell_verdict([one, two, dataclasses.replace(three, trait=short)])
    assert verdict.notes == ("replicate 3: cycle 5 is missing",)


def test_replicates_of_one_seeded_model_say_what_they_can_tell() -> None:
    verdict = cell_verdict([chain(2, 40, 0, 0, 0, 40 + gain, name=f"replicate {gain}") for gain in (0, 1, -1)])
    assert verdict.label == "CONSTANT"
    assert verdict.notes == ("the replicates share one M0: the interval speaks of chains from this M0 alone",)
    failed = [chain(40, 40, 0, 0, 0, 40 + gain, name=f"replicate {gain}") for gain in (0, 1, -1)]
    assert cell_verdict(failed).suffixes == ("SEED-FAILED",)


def test_a_bootstrap_stands_beside_ten_replicates_and_not_beside_nine() -> None:
    random = np.random.default_rng(3)
    chains = []
    for one in cell(*random.normal(10, 4, 10)):
        draws = {
            cycle: {p: tuple(random.normal(score or 0, 3, 4)) for p, score in scores.items()}
            for cycle, scores in one.trait.items()
        }
        means: dict[int, dict[str, float | None]] = {
            cycle: {p: float(np.mean(d)) for p, d in by_prompt.items()} for cycle, by_prompt in draws.items()
        }
        chains.append(dataclasses.replace(one, run_id=one.name, trait=means, draws=draws))
    nine, ten = cell_verdict(chains[:9]), cell_verdict(chains)
    assert nine.bootstrap is None
    assert ten.bootstrap is not None
    assert ten.ci_low is not None
    assert ten.ci_high is not None
    assert ten.bootstrap == pytest.approx((ten.ci_low, ten.ci_high), abs=1)
    assert ten.bootstrap == cell_verdict(chains).bootstrap
    assert ten.components is not None
    assert ten.components.samples == pytest.approx(9, rel=0.3)
