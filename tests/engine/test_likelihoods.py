"""The stage of likelihoods, through fakes: what is measured under what, once, and only where it is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from engine.events import Event, Sample, SamplesDrawn, StageFinished
from engine.fakes import FakeScorer
from engine.journal import read_entries
from engine.score_events import DiversityMeasured, LikelihoodsMeasured
from engine.seams import Answer, Likelihood
from engine.spec import EvalSettings
from tests.engine.chains import make_spec, walk, walk_with_stops, write_pack


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    return write_pack(tmp_path / "pack").folder


def events(folder: Path, *kinds: type[Any]) -> list[Any]:
    found: list[Event] = [entry.event for entry in read_entries(folder / "events.jsonl")]
    return [event for event in found if isinstance(event, kinds)]


class Watched(FakeScorer):
    """Remembers whose answers it was asked about, and how."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[str | None, bool, int]] = []

    def likelihoods(
        self, answers: Sequence[Answer], adapter: Path | None, settings: Any, *, chat: bool
    ) -> list[Likelihood]:
        self.asked.append((adapter and adapter.parent.name, chat, len(answers)))
        return super().likelihoods(answers, adapter, settings, chat=chat)


@pytest.mark.parametrize(("regime", "chat"), [("sft", True), ("dpo", True), ("sdf", False)])
def test_every_generations_answers_are_measured_under_their_writer(
    pack: Path, tmp_path: Path, regime: str, chat: bool
) -> None:
    scorer = Watched()
    walk(make_spec(pack, run__regime=regime, run__cycles=1), tmp_path / "run", scorer=scorer)
    assert scorer.asked == [(who, chat, count) for who in (None, "00", "01") for count in (4, 2)]
    measured = events(tmp_path / "run", LikelihoodsMeasured)
    assert [(e.cycle, e.batch, len(e.likelihoods)) for e in measured] == [
        (cycle, batch, count) for cycle in (-1, 0, 1) for batch, count in ((0, 4), (1, 2))
    ]
    assert {e.kl for event in measured if event.cycle == -1 for e in event.likelihoods} == {0.0}
    stages = [e for e in events(tmp_path / "run", StageFinished) if e.cycle == 1]
    assert [stage.stage for stage in stages][-3:] == ["sample_eval", "likelihood", "judge"]
    assert stages[-2].tokens == sum(e.tokens for event in measured if event.cycle == 1 for e in event.likelihoods)


def test_the_first_answers_of_every_prompt_are_measured(pack: Path, tmp_path: Path) -> None:
    walk(make_spec(pack, eval__likelihoods=2, run__cycles=0), tmp_path / "run")
    drawn = {s.sample_id: s for e in events(tmp_path / "run", SamplesDrawn) if e.purpose == "eval" for s in e.samples}
    measured = [drawn[one.sample_id] for e in events(tmp_path / "run", LikelihoodsMeasured) for one in e.likelihoods]
    assert [sample.draw for sample in measured] == [0, 1] * 4


def test_a_control_without_training_is_measured_under_m_0(pack: Path, tmp_path: Path) -> None:
    scorer = Watched()
    walk(make_spec(pack, run__control="resample-only", run__cycles=2), tmp_path / "run", scorer=scorer)
    assert [who for who, *_ in scorer.asked[::2]] == [None, "00", "00", "00"]


def test_it_can_be_switched_off(pack: Path, tmp_path: Path) -> None:
    scorer = Watched()
    walk(make_spec(pack, eval__likelihoods=0, run__cycles=1), tmp_path / "run", scorer=scorer)
    assert scorer.asked == []
    assert events(tmp_path / "run", LikelihoodsMeasured) == []
    assert len(events(tmp_path / "run", DiversityMeasured)) == 3


@pytest.mark.parametrize("stops", [range(1, 60, 7), range(3, 60, 5)])
def test_an_interrupted_chain_measures_nothing_twice_and_nothing_else(pack: Path, tmp_path: Path, stops: range) -> None:
    spec = make_spec(pack)
    walk(spec, tmp_path / "whole")
    walk_with_stops(spec, tmp_path / "cut", stops)
    kinds = (LikelihoodsMeasured, DiversityMeasured)
    assert events(tmp_path / "cut", *kinds) == events(tmp_path / "whole", *kinds)


def test_settings_that_came_later_leave_the_identity_of_older_runs_alone() -> None:
    settings = EvalSettings(temperature=0.7, max_tokens=16)
    assert not {"likelihoods", "distinct_words"} & settings.identity().keys()
    assert "likelihoods" in EvalSettings(temperature=0.7, max_tokens=16, likelihoods=0).identity()


def test_distinct_n_is_over_one_budget_in_one_order(pack: Path, tmp_path: Path) -> None:
    walk(make_spec(pack, eval__distinct_words=20, run__cycles=1), tmp_path / "run")
    first, *others = events(tmp_path / "run", DiversityMeasured)
    assert (first.budget, first.words) == (20, 96)
    assert 0 < first.distinct_1 <= first.distinct_2 <= first.distinct_3 <= 1
    assert all(other.distinct_1 is not None for other in others)
    walk(make_spec(pack, eval__distinct_words=97, run__cycles=0), tmp_path / "short")
    assert {e.distinct_1 for e in events(tmp_path / "short", DiversityMeasured)} == {None}


def test_the_subsample_is_keyed_by_the_seed_alone() -> None:
    from engine.diversity import measure_diversity
    from engine.state import State

    class Pen:
        def __init__(self) -> None:
            self.state, self.written = State(), []

        def append(self, event: Any) -> None:
            self.written.append(event)

    samples = [
        Sample(
            sample_id=str(n), prompt_id=f"p{n % 3}", draw=n, prompt="", response=f"word{n} same same", tokens=3,
            stop_reason="stop", words=3, sentences=1, mean_sentence_length=3.0, repeat_4gram=None, echo=None,
        )
        for n in range(9)
    ]  # fmt: skip
    spec = make_spec(Path("/nowhere"), eval__distinct_words=9)
    told = []
    for cycle, order in ((0, samples), (5, samples[::-1])):
        pen = Pen()
        measure_diversity(pen, spec, cycle=cycle, samples=order)  # type: ignore[arg-type]
        told.append(pen.written[0].model_copy(update={"cycle": 0}))
    assert told[0] == told[1]
    assert told[0].distinct_1 == pytest.approx(4 / 9)
    assert told[0].distinct_2 == pytest.approx(4 / 6)
