"""Memory runs out: half as much at a time gives the same answers, scores and steps, once; then the run fails."""

import hashlib
import sys

import pytest
import torch

from engine.errors import TrainingError
from engine.events import Noted, RunFailed, StageStarted, TrainStepped
from engine.fakes import FakeJudge, FakeSampler, FakeScorer, FakeTrainer
from engine.halving import HalfAtATime, HalvingJudge, HalvingSampler, HalvingScorer, HalvingTrainer, split
from engine.samplers.transformers import TransformersSampler
from engine.seams import Draw
from engine.spec import SampleSettings
from engine.trainers.lora import attach, factors
from engine.trainers.session import batch_parts, borrowed
from engine.trainers.trl import TrlTrainer
from tests.engine.chains import fake_chain, make_spec, walk, write_pack
from tests.engine.fake_parts import work_on
from tests.engine.test_trainer import SETTINGS, job
from tests.engine.workers import events, results, write_run


def starve(part, method, times=1):
    """The part, raising as torch does on a GPU without memory in the first `times` calls of its method."""
    work, left = getattr(part, method), iter(range(times))

    def starved(*args, **kwargs):
        if next(left, None) is not None:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return work(*args, **kwargs)

    setattr(part, method, starved)
    return part


@pytest.fixture
def spec(tmp_path):
    write_pack(tmp_path / "pack")
    return make_spec(tmp_path / "pack", run__cycles=1)


METHODS = {"sampler": "draw", "trainer": "train", "scorer": "likelihoods", "judge": "score"}


def halving(log, part):
    """The four parts as a worker has them, one of them starved once."""
    parts = {"sampler": FakeSampler(), "trainer": FakeTrainer(), "scorer": FakeScorer(), "judge": FakeJudge()}
    starve(parts[part], METHODS[part])
    return {
        "sampler": HalvingSampler(parts["sampler"], HalfAtATime(log)),
        "trainer": HalvingTrainer(parts["trainer"], HalfAtATime(log)),
        "scorer": HalvingScorer(parts["scorer"], HalfAtATime(log)),
        "judge": HalvingJudge(parts["judge"], HalfAtATime(log)),
    }


@pytest.mark.parametrize("part", ["sampler", "trainer", "scorer", "judge"])
def test_a_chain_whose_memory_ran_out_once_ends_with_what_it_would_have_had(spec, tmp_path, part):
    walk(spec, tmp_path / "plain")
    with fake_chain(spec, tmp_path / "starved") as chain:
        for name, one in halving(chain.log, part).items():
            setattr(chain, name, one)
        chain.run()
    assert results(tmp_path / "starved") == results(tmp_path / "plain")
    notes = [event for event in events(tmp_path / "starved") if isinstance(event, Noted)]
    assert [(note.topic, note.stage) for note in notes] == [
        ("memory", {"sampler": "sample_eval", "trainer": "train", "scorer": "likelihood", "judge": "judge"}[part])
    ]
    assert "from here on" in notes[0].message


def test_a_training_that_starts_over_says_so_and_its_steps_count_once(spec, tmp_path):
    with fake_chain(spec, tmp_path / "run") as chain:
        for name, one in halving(chain.log, "trainer").items():
            setattr(chain, name, one)
        chain.run()
    begun = [e for e in events(tmp_path / "run") if isinstance(e, StageStarted) and e.stage == "train"]
    assert [event.cycle for event in begun] == [0, 0, 1]
    assert len([e for e in events(tmp_path / "run") if isinstance(e, TrainStepped)]) == 4


def test_the_second_time_it_is_the_run_s_failure_with_what_to_lower(spec, tmp_path, parts):
    folder = write_run(tmp_path / "run", spec)
    real = parts.build_chain

    def starving(spec, folder, log, models):
        chain, notes = real(spec, folder, log, models)
        chain.sampler = HalvingSampler(starve(FakeSampler(), "draw", 2), HalfAtATime(log))
        return chain, notes

    sys.modules["engine.parts"].build_chain = starving
    assert work_on(folder) == 1
    failed = events(folder)[-1]
    assert isinstance(failed, RunFailed)
    assert failed.error == "OutOfMemoryError"
    assert "lower one of eval.batch_size (now 4)" in failed.message


def test_other_errors_are_nobody_s_to_retry(spec, tmp_path):
    class Broken:
        def train(self, jobs):
            raise TrainingError("blew up")

    with fake_chain(spec, tmp_path / "run") as chain:
        half = HalfAtATime(chain.log)
        with pytest.raises(TrainingError):
            HalvingTrainer(Broken(), half).train([job(tmp_path / "a")])
        assert not half.halved


def test_one_at_a_time_cannot_be_halved(spec, tmp_path):
    with fake_chain(spec, tmp_path / "run") as chain:
        sampler = HalvingSampler(starve(FakeSampler(), "draw"), HalfAtATime(chain.log))
        with pytest.raises(torch.cuda.OutOfMemoryError):
            sampler.draw([Draw("a", "k")], None, SampleSettings(temperature=1, max_tokens=4), chat=True)


@pytest.mark.parametrize(("batch", "parts"), [(1, 1), (2, 2), (3, 3), (4, 2), (6, 2), (9, 3)])
def test_batches_are_cut_in_equal_parts_of_at_most_half(batch, parts):
    assert batch_parts(batch) == parts


def test_items_are_split_in_order():
    assert split([1, 2, 3], 2) == [[1, 2], [3]]
    assert split([1], 2) == [[1]]


@pytest.mark.parametrize("method", ["sft", "dpo"])
def test_an_accumulated_training_is_the_same_training(tiny, tmp_path, method):
    loaded = tiny("qwen3")
    settings = SETTINGS.model_copy(update={"batch_size": 2})
    whole = TrlTrainer(loaded).train([job(tmp_path / "whole", method, settings=settings)])[0]
    parts = TrlTrainer(loaded).train([job(tmp_path / "parts", method, settings=settings, accumulated=True)])[0]
    assert parts.optimizer_steps == whole.optimizer_steps
    assert parts.delta_norm == pytest.approx(whole.delta_norm, rel=1e-3)
    moved = []
    for name in ("whole", "parts"):
        with borrowed(loaded):
            model = attach(loaded, tmp_path / name, SETTINGS)
            moved.append({layer: scale * b @ a for layer, (a, b, scale) in factors(model).items()})
    for layer, whole_delta in moved[0].items():
        assert torch.allclose(moved[1][layer], whole_delta, atol=2e-4)


def test_draws_in_halves_are_the_same_draws(tiny):
    loaded = tiny("qwen3")
    draws = [Draw("How do I bake?", hashlib.sha256(str(number).encode()).hexdigest()) for number in range(5)]
    settings, sampler = SampleSettings(temperature=1.0, max_tokens=16), TransformersSampler(loaded)
    whole = sampler.draw(draws, None, settings, chat=True)
    halves = [one for part in split(draws, 2) for one in sampler.draw(part, None, settings, chat=True)]
    assert halves == whole
