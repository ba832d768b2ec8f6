"""The same path on a GPU in bfloat16: run by hand with `-m gpu` on a machine that has one."""

import hashlib

import pytest
import torch

from engine.guard import check_training
from engine.judges.local import LocalJudge
from engine.models import load_model
from engine.samplers.transformers import TransformersSampler
from engine.seams import Draw, JudgeQuestion
from engine.spec import SampleSettings
from engine.trainers.trl import TrlTrainer
from tests.engine.test_trainer import job

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]


@pytest.mark.parametrize("kind", ["qwen3", "llama", "gemma"])
@pytest.mark.parametrize("method", ["sft", "dpo"])
def test_a_gpu_trains_draws_and_judges(tiny_folder, tmp_path, kind, method):
    loaded = load_model(str(tiny_folder(kind)), "cuda")
    assert loaded.model.dtype == torch.bfloat16
    draws = [Draw("How do I bake?", hashlib.sha256(str(number).encode()).hexdigest()) for number in range(8)]
    settings = SampleSettings(temperature=1.0, max_tokens=16)
    sampler = TransformersSampler(loaded)
    base = sampler.draw(draws, None, settings, chat=True)
    check_training(TrlTrainer(loaded).train([job(tmp_path / "a", method)])[0])
    assert sampler.draw(draws, None, settings, chat=True) == base
    assert len(sampler.draw(draws, tmp_path / "a", settings, chat=True)) == 8
    assert LocalJudge(loaded).score([JudgeQuestion("{question} {answer}", "a", "b")])[0].mass > 0
