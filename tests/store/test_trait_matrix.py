"""Off-target scores as people ask for them: one row per run, generation and trait."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.events import Event
from engine.score_events import JudgeDeclared, SamplesJudged
from store.lab import Lab
from tests.store.journals import Chain, append_events, chain_events, chain_spec, write_chain, write_lab
from tests.store.tables import Asking, ingested

SMALL: dict[str, Any] = {"prompts": 3, "draws": 2, "n_seed": 4, "n_sampled": 4, "steps": 2}
PARENT = Chain("parent", trait=(2, 40, 42, 44, 46, 48, 50), coherence=(97,) * 7, **SMALL)
CHILD = dataclasses.replace(PARENT, name="child", trait=(2, 40, 42, 44, 80, 85, 90), parent=PARENT, forked_at=2, seed=7)


def off_target(events: Iterable[Event]) -> Iterator[Event]:
    """The same with every answer scored on lucky too: half of the trait's score, the first of a batch null."""
    for event in events:
        yield event
        match event:
            case JudgeDeclared() if event.metric == "trait":
                yield event.model_copy(update={"metric": "trait:lucky", "judge_id": "lucky-judge"})
            case SamplesJudged() if event.metric == "trait":
                halves = [s.model_copy(update={"value": s.value and s.value / 2}) for s in event.scores]
                halves[0] = halves[0].model_copy(update={"value": None, "label": "refusal"})
                more = {"metric": "trait:lucky", "judge_id": "lucky-judge", "scores": halves}
                yield event.model_copy(update=more)
            case _:
                pass


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Asking:
    made: Lab = write_lab(tmp_path_factory.mktemp("matrix") / "lab", [])
    for chain in (PARENT, CHILD):
        folder = made.run(write_chain(made, chain))
        (folder / "events.jsonl").unlink()
        append_events(folder, off_target(chain_events(chain)))
    return Asking(ingested(made))


def test_every_generation_stands_under_every_trait(lab: Asking) -> None:
    rows = lab.sql(
        "SELECT * FROM trait_matrix WHERE run_id = ? ORDER BY trait, cycle", [chain_spec(PARENT).run_id]
    ).rows()
    assert [(row["trait"], row["cycle"]) for row in rows] == [(t, c) for t in ("bliss", "lucky") for c in range(-1, 6)]
    own, other = rows[:7], rows[7:]
    curve = lab.sql(
        "SELECT trait FROM trait_curve WHERE run_id = ? ORDER BY cycle", [chain_spec(PARENT).run_id]
    ).tuples()
    assert [row["value"] for row in own] == pytest.approx([value for (value,) in curve])
    assert all(0 < row["nulls"] < row["n"] for row in other), "nulls are counted, not taken as 0"
    assert all(other["value"] == pytest.approx(own["value"] / 2, abs=8) for own, other in zip(own, other, strict=True))


def test_a_fork_inherits_what_its_parents_answers_were_scored(lab: Asking) -> None:
    query = "SELECT trait, cycle, value FROM trait_matrix WHERE run_id = ? AND cycle <= 2 ORDER BY trait, cycle"
    parent, child = (lab.sql(query, [chain_spec(chain).run_id]).tuples() for chain in (PARENT, CHILD))
    assert len(child) == 8
    assert child == parent


def test_scores_off_target_are_no_part_of_the_verdict(lab: Asking, tmp_path: Path) -> None:
    plain = Asking(ingested(write_lab(tmp_path / "plain", [PARENT, CHILD])))
    query = "SELECT run_id, a, l, ci_low, ci_high, label FROM verdicts ORDER BY run_id"
    assert lab.sql(query).tuples() == plain.sql(query).tuples()
