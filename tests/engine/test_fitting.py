"""Gradient checkpointing by need, through TRL: chosen from what is free, recorded, the same training either way."""

from dataclasses import dataclass, field

import pytest
import torch

from engine.backends import run_load
from engine.events import Noted, StageStarted
from engine.halving import HalfAtATime, HalvingTrainer
from engine.memory import GB
from engine.spec import Execution
from engine.trainers import fitting
from engine.trainers.fitting import FittingTrainer, batch_tokens
from engine.trainers.lora import attach, factors
from engine.trainers.session import borrowed
from engine.trainers.sft import prepare_sft
from engine.trainers.trl import TrlTrainer
from tests.engine.chains import make_spec, write_pack
from tests.engine.test_trainer import CHAT, SETTINGS, job

FREE, NONE = 100 * GB, 0


@dataclass
class Log:
    """Remembers what it is given, in the middle of a training."""

    events: list = field(default_factory=list)
    under_way: tuple = (3, "train")

    def append(self, event):
        self.events.append(event)

    @property
    def said(self):
        return [event.message for event in self.events if isinstance(event, Noted)]


@dataclass
class Watched:
    """A real TrlTrainer, and whether each of its trainings checkpointed; `starved` ones run out of memory first."""

    real: TrlTrainer
    starved: int = 0
    checkpointed: list = field(default_factory=list)

    def train(self, jobs):
        self.checkpointed.append((jobs[0].recomputed, jobs[0].accumulated))
        if len(self.checkpointed) <= self.starved:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return self.real.train(jobs)


@pytest.fixture
def fitted(tiny, tiny_folder, tmp_path):
    """A function from what is free and the setting to a trainer on a tiny model, with its log and what it watched."""
    write_pack(tmp_path / "pack")
    name = str(tiny_folder("qwen3"))
    made = make_spec(tmp_path / "pack", run__model=name, judge__model=name)
    load = run_load(made.model_copy(update={"execution": Execution(threads=1, device="cuda")}))

    def trainer(free, setting="auto", starved=0):
        log, watched = Log(), Watched(TrlTrainer(tiny("qwen3")), starved)
        told = None if free is None else lambda: free
        return FittingTrainer(watched, tiny("qwen3"), load, setting, log, told), log, watched

    return trainer


def deltas(loaded, folder):
    with borrowed(loaded):
        return {name: scale * b @ a for name, (a, b, scale) in factors(attach(loaded, folder, SETTINGS)).items()}


@pytest.mark.parametrize("method", ["sft", "sdf", "dpo"])
def test_with_and_without_it_is_the_same_training(tiny, tmp_path, method, fitted):
    kept, *_ = fitted(FREE)
    again, *_ = fitted(NONE)
    by = {name: trainer.train([job(tmp_path / name, method)])[0] for name, trainer in (("a", kept), ("b", again))}
    assert by["b"].optimizer_steps == by["a"].optimizer_steps
    assert by["b"].delta_norm == pytest.approx(by["a"].delta_norm, rel=1e-4)
    one, other = deltas(tiny("qwen3"), tmp_path / "a"), deltas(tiny("qwen3"), tmp_path / "b")
    assert all(torch.allclose(one[name], other[name], atol=1e-6) for name in one)


@pytest.mark.parametrize(
    ("free", "setting", "on", "said"),
    [
        (FREE, "auto", False, "gradient checkpointing is off: batches of up to "),
        (NONE, "auto", True, "gradient checkpointing is on: batches of up to "),
        (FREE, "on", True, "gradient checkpointing is on: as the study says"),
        (NONE, "off", False, "gradient checkpointing is off: as the study says"),
        (None, "auto", False, None),
    ],
)
def test_the_choice_is_made_told_once_and_reaches_trl(fitted, tiny, tmp_path, free, setting, on, said):
    trainer, log, watched = fitted(free, setting)
    seen = set()

    def look(step, values):
        seen.add(bool(tiny("qwen3").model.is_gradient_checkpointing))

    for name in "ab":
        trainer.train([job(tmp_path / name, on_step=look, rows=CHAT[:2])])
    assert watched.checkpointed == [(on, False)] * 2
    assert seen == {on}
    assert [line[: len(said)] for line in log.said] == ([said] if said else [])
    assert all((note.topic, note.cycle, note.stage) == ("checkpointing", 3, "train") for note in log.events)


def test_want_of_memory_turns_it_on_before_anything_is_halved(fitted, tmp_path):
    trainer, log, watched = fitted(FREE, starved=1)
    half = HalfAtATime(log)
    trained = HalvingTrainer(trainer, half).train([job(tmp_path / "a")])[0]
    assert trained.optimizer_steps == 3
    assert watched.checkpointed == [(False, False), (True, False)]
    assert [type(event) for event in log.events] == [Noted, StageStarted, Noted]
    assert log.said[1] == "memory ran out without gradient checkpointing; tried once more, and from here on, with it"
    assert not half.halved
    trainer.train([job(tmp_path / "b")])
    assert watched.checkpointed[2:] == [(True, False)]


def test_a_second_want_of_memory_halves_as_before_and_a_third_is_the_failure(fitted, tmp_path):
    trainer, log, watched = fitted(FREE, starved=2)
    HalvingTrainer(trainer, HalfAtATime(log)).train([job(tmp_path / "a")])
    assert watched.checkpointed == [(False, False), (True, False), (True, True)]
    trainer, log, watched = fitted(FREE, starved=3)
    with pytest.raises(torch.cuda.OutOfMemoryError):
        HalvingTrainer(trainer, HalfAtATime(log)).train([job(tmp_path / "b")])
    assert len(watched.checkpointed) == 3


def test_what_the_study_asks_for_is_not_overruled(fitted, tmp_path):
    trainer, log, watched = fitted(FREE, "off", starved=1)
    HalvingTrainer(trainer, HalfAtATime(log)).train([job(tmp_path / "a")])
    assert watched.checkpointed == [(False, False), (False, True)]


@pytest.mark.parametrize("method", ["sft", "sdf", "dpo"])
def test_a_batch_is_reckoned_no_shorter_than_trl_makes_it(tiny, tmp_path, method):
    loaded = tiny("qwen3")
    made = job(tmp_path / "a", method)
    reckoned = batch_tokens(loaded, made)
    with borrowed(loaded):
        if method == "dpo":
            from engine.trainers.dpo import prepare_dpo

            rows = prepare_dpo(loaded, attach(loaded, None, SETTINGS), made, str(tmp_path)).trainer.train_dataset
            longest = max(
                len(row["prompt_ids"]) + max(len(row["chosen_ids"]), len(row["rejected_ids"])) for row in rows
            )
        else:
            prepared = prepare_sft(loaded, attach(loaded, None, SETTINGS), made, str(tmp_path))
            longest = max(len(target.ids) for target in prepared.targets)
    sides = 2 if method == "dpo" else 1
    assert 2 * sides * longest <= reckoned <= 2 * sides * (longest + 2 * fitting.TURN_TOKENS)
    assert batch_tokens(loaded, job(tmp_path / "a", method, accumulated=True)) == reckoned // 2
