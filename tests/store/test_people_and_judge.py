"""How far a judge agrees with people, beside the same by hand: from the lines people wrote and the journals' scores."""

from __future__ import annotations

import dataclasses
import json
import math
import random
from pathlib import Path

import pytest

from engine.score_events import SamplesJudged
from store.lab import Lab
from store.labelling import label_pairs
from store.statistics.agreement import agreement
from tests.store.journals import DEMO, chain_events, chain_spec, write_lab, write_twice_judged
from tests.store.tables import Asking, ingested

CHAIN = dataclasses.replace(DEMO[0], prompts=4, draws=4, n_seed=2, n_sampled=2, steps=1, null_from=6)
LEVELS = (0, 25, 50, 75, 100)
TS = "2026-11-21T09:00:00.000+00:00"


@pytest.fixture(scope="module")
def scores() -> dict[str, float | None]:
    """What the run's own judge said, as its journal has it."""
    judged = [e for e in chain_events(CHAIN) if isinstance(e, SamplesJudged) and e.metric == "trait"]
    return {score.sample_id: score.value for event in judged for score in event.scores}


Said = tuple[str, str, int | None]
"""Author, sample, and what they said of it; None takes it back."""


@pytest.fixture(scope="module")
def said(scores: dict[str, float | None]) -> list[Said]:
    """Two people about one judge: ann is near it, bob says anything; both say some things twice or take them back."""
    chance, lines = random.Random(3), []
    for sample, score in sorted(scores.items()):
        near = min(100, max(0, round((score or 50) + chance.gauss(8, 12))))
        if chance.random() < 0.5:
            lines += [("ann", sample, near)]
        if chance.random() < 0.1:
            lines += [("ann", sample, chance.choice((None, 0, 25)))]
        if chance.random() < 0.3:
            lines += [("bob", sample, chance.choice(LEVELS))]
    return lines


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory, said: list[Said]) -> Asking:
    lab: Lab = write_lab(tmp_path_factory.mktemp("people") / "lab", [CHAIN])
    write_twice_judged(lab, dataclasses.replace(CHAIN, name="another", seed=9), "other:tree", 10)
    run_id = chain_spec(CHAIN).run_id
    lines = [
        {"ts": TS, "type": "label", "run_id": run_id, "sample_id": sample, "author": author, "metric": "trait"}
        | ({} if value is None else {"value": value})
        for author, sample, value in said
    ]
    Path(lab.notes).write_text("".join(json.dumps(line) + "\n" for line in lines))
    return Asking(ingested(lab))


@pytest.mark.parametrize("author", ["ann", "bob", None])
def test_agreement_is_that_of_what_people_last_said_and_the_journals_scores(
    lab: Asking, said: list[Said], scores: dict[str, float | None], author: str | None
) -> None:
    last = {(who, sample): value for who, sample, value in said if author in (None, who)}
    beside = [(value, scores[sample]) for (_, sample), value in last.items()]
    pairs = [(float(label), score) for label, score in beside if label is not None and score is not None]
    assert len(pairs) < len(beside), "no label was taken back and no score is null: nothing is shown"
    held = label_pairs(lab, chain_spec(CHAIN).run_id, "trait", author)
    assert sorted((pair.label, pair.score) for pair in held) == sorted(pairs)
    found = agreement([pair.label for pair in held], [pair.score for pair in held])
    assert found.n == len(pairs)
    assert found.pearson == pytest.approx(correlation(pairs))
    assert found.mean_difference == pytest.approx(sum(label - score for label, score in pairs) / len(pairs))
    assert found.mean_absolute_difference == pytest.approx(sum(abs(x - y) for x, y in pairs) / len(pairs))
    assert found.kappa == pytest.approx(kappa(pairs))


def correlation(pairs: list[tuple[float, float]]) -> float:
    n, (x, y) = len(pairs), zip(*pairs, strict=True)
    both = sum(a * b for a, b in pairs) - sum(x) * sum(y) / n
    return both / math.sqrt((sum(a * a for a in x) - sum(x) ** 2 / n) * (sum(b * b for b in y) - sum(y) ** 2 / n))


def kappa(pairs: list[tuple[float, float]]) -> float:
    """One minus the squared distance of the pairs over that of every label with every score, in levels (Cohen 1968)."""

    def level(value: float) -> int:
        return min(range(5), key=lambda i: abs(LEVELS[i] - value))

    own = sum((level(a) - level(b)) ** 2 for a, b in pairs) / len(pairs)
    any_two = sum((level(a) - level(b)) ** 2 for a, _ in pairs for _, b in pairs) / len(pairs) ** 2
    return 1 - own / any_two
