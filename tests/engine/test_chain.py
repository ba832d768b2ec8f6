"""The chain through fakes: what is drawn from whom, what is trained on what, and what an interruption costs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.errors import GuardError, IdemtuiError
from engine.events import AdapterTrained, Event, SamplesDrawn
from engine.fakes import FakeSampler, FakeTrainer
from engine.journal import read_entries
from engine.score_events import SamplesJudged
from engine.seams import Completion, Training
from tests.engine.chains import change, fake_chain, make_spec, walk, walk_with_stops, write_pack


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    return write_pack(tmp_path / "pack").folder


def events(folder: Path) -> list[Event]:
    return [entry.event for entry in read_entries(folder / "events.jsonl")]


def drawn(folder: Path, purpose: str) -> dict[int, tuple[int | None, list[str]]]:
    found: dict[int, tuple[int | None, list[str]]] = {}
    for event in events(folder):
        if isinstance(event, SamplesDrawn) and event.purpose == purpose:
            found.setdefault(event.cycle, (event.drawn_by, []))[1].extend(s.prompt for s in event.samples)
    return found


def test_each_generation_learns_from_its_predecessor_on_fresh_prompts(pack: Path, tmp_path: Path) -> None:
    walk(make_spec(pack), tmp_path / "run")
    train = drawn(tmp_path / "run", "train")
    assert {cycle: by for cycle, (by, _) in train.items()} == {1: 0, 2: 1, 3: 2}
    prompts = [prompt for _, slice_ in train.values() for prompt in slice_]
    assert len(prompts) == len(set(prompts)) == 18
    assert sorted(drawn(tmp_path / "run", "eval")) == [-1, 0, 1, 2, 3]


@pytest.mark.parametrize(
    ("init", "reference", "rejected", "starts", "references", "refusers"),
    [
        ("previous", "previous", "initial", [None, 0, 1, 2], [None, 0, 1, 2], [-1, -1, -1, -1]),
        ("initial", "initial", "initial", [None] * 4, [None] * 4, [-1] * 4),
        ("initial", "previous", "initial", [None] * 4, [None, 0, 1, 2], [-1] * 4),
        ("previous", "initial", "previous", [None, 0, 1, 2], [None] * 4, [-1, -1, 0, 1]),
    ],
)
def test_init_reference_and_rejected_are_three_choices(
    pack: Path,
    tmp_path: Path,
    init: str,
    reference: str,
    rejected: str,
    starts: list[int | None],
    references: list[int | None],
    refusers: list[int],
) -> None:
    spec = make_spec(pack, run__regime="dpo", run__init=init, run__reference=reference, run__rejected=rejected)
    folder = tmp_path / "run"
    chain = walk(spec, folder)
    trainer = chain.trainer
    assert isinstance(trainer, FakeTrainer)
    adapters = [None if c is None else folder / f"cycles/{c:02d}/adapter" for c in starts]
    assert [job.start for job in trainer.jobs] == adapters
    adapters = [None if c is None else folder / f"cycles/{c:02d}/adapter" for c in references]
    assert [job.reference for job in trainer.jobs] == adapters
    assert [by for by, _ in drawn(folder, "rejected").values()] == refusers
    recorded = [e for e in events(folder) if isinstance(e, AdapterTrained)]
    assert [e.init for e in recorded] == ["M_init" if c is None else f"M_{c}" for c in starts]
    assert [e.reference for e in recorded] == ["M_init" if c is None else f"M_{c}" for c in references]


def test_pairs_share_their_prompt(pack: Path, tmp_path: Path) -> None:
    chain = walk(make_spec(pack, run__regime="dpo"), tmp_path / "run")
    assert isinstance(chain.trainer, FakeTrainer)
    for job in chain.trainer.jobs:
        assert all(
            set(row) == {"prompt", "chosen", "rejected"} and row["chosen"] != row["rejected"] for row in job.rows
        )
    assert chain.trainer.jobs[0].rows[0]["chosen"] == "joy number 0."


@pytest.mark.parametrize("regime", ["sft", "sdf", "dpo"])
@pytest.mark.parametrize("stops", [range(1, 60, 7), range(3, 60, 5)])
def test_an_interrupted_chain_ends_as_one_left_alone(pack: Path, tmp_path: Path, regime: str, stops: range) -> None:
    spec = make_spec(pack, run__regime=regime)
    walk(spec, tmp_path / "whole")
    walk_with_stops(spec, tmp_path / "cut", stops)
    keep = (SamplesDrawn, SamplesJudged, AdapterTrained)
    whole = [e for e in events(tmp_path / "whole") if isinstance(e, keep)]
    assert [e for e in events(tmp_path / "cut") if isinstance(e, keep)] == whole


def test_finished_batches_are_not_drawn_again(pack: Path, tmp_path: Path) -> None:
    spec = make_spec(pack)
    walk(spec, tmp_path / "run")
    with fake_chain(spec, tmp_path / "run") as again:
        assert again.log.state.finished
        again.run()
        assert isinstance(again.sampler, FakeSampler)
        assert again.sampler.batches == 0


def test_a_training_that_did_nothing_fails_the_run(pack: Path, tmp_path: Path) -> None:
    class Idle(FakeTrainer):
        def train(self, jobs: Any) -> list[Training]:
            done = super().train(jobs)[0]
            return [Training(**{**done.__dict__, "delta_norm": 0.0})]

    with pytest.raises(GuardError):
        walk(make_spec(pack), tmp_path / "run", trainer=Idle())
    assert not any(isinstance(e, AdapterTrained) for e in events(tmp_path / "run"))


class Mute(FakeSampler):
    def draw(self, draws: Any, adapter: Any, settings: Any, *, chat: bool) -> list[Completion]:
        return [Completion("", 1, "stop") for _ in draws]


def test_empty_answers_are_null_on_the_trait_and_zero_on_coherence(pack: Path, tmp_path: Path) -> None:
    chain = walk(make_spec(pack, run__cycles=0), tmp_path / "run", sampler=Mute())
    scores = [(e.metric, s) for e in events(tmp_path / "run") if isinstance(e, SamplesJudged) for s in e.scores]
    assert {(metric, s.value, s.label) for metric, s in scores} == {
        ("trait", None, "empty"),
        ("coherence", 0.0, "empty"),
    }
    assert chain.log.state.marks == {(-1, "empty"), (0, "empty")}


def test_a_marked_chain_ends_only_when_asked(pack: Path, tmp_path: Path) -> None:
    chain = walk(make_spec(pack, run__on_stop="end"), tmp_path / "run", sampler=Mute())
    assert chain.log.state.cycles_finished == {-1}


def test_no_text_left_to_train_on_is_one_clear_line(pack: Path, tmp_path: Path) -> None:
    spec = change(make_spec(pack, run__regime="sdf"), sample__min_characters=1000)
    with pytest.raises(IdemtuiError, match="none of 6 texts is left to train on"):
        walk(spec, tmp_path / "run")
