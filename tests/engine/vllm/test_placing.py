"""Where answers are drawn, with a GPU that is not there: its memory is told, vLLM is a fake."""

from dataclasses import dataclass, field, replace
from types import SimpleNamespace

import pynvml
import pytest
import torch

from engine import backends, walking
from engine.errors import ModelError, ServingError
from engine.kept_models import KeptModels
from engine.memory import GB, Room
from engine.samplers.transformers import TransformersSampler
from engine.samplers.vllm import VllmSampler
from engine.spec import Execution
from engine.trainers.fitting import FittingTrainer
from engine.trainers.giving_way import GivingWay
from engine.vllm import placing
from engine.vllm.apart import gpus_apart, rooms_apart, shown
from engine.vllm.placing import check_fits, choose
from tests.engine.chains import make_spec, write_pack
from tests.engine.vllm.fake import FakeStart


@dataclass
class Log:
    """Remembers what it is given."""

    events: list = field(default_factory=list)

    def append(self, event):
        self.events.append(event)


@pytest.fixture
def run(tmp_path, tiny_folder, monkeypatch):
    """A function from execution settings to a spec of a tiny model; vLLM is installed, as far as anybody sees."""
    monkeypatch.setattr(backends, "find_spec", lambda name: object())
    write_pack(tmp_path / "pack")
    name = str(tiny_folder("qwen3"))

    def spec(**execution):
        made = make_spec(tmp_path / "pack", run__model=name, judge__model=name)
        return made.model_copy(update={"execution": Execution(threads=1, **execution)})

    return spec


@pytest.fixture
def models(monkeypatch):
    """Kept models whose vLLM is a fake; `models.start` has its log."""
    kept, start = KeptModels(), FakeStart()
    real = kept.serve

    def serve(name, settings, residency):
        served = real(name, settings, residency)
        served.start = kept.start
        return served

    monkeypatch.setattr(kept, "serve", serve)
    kept.start = start
    return kept


def test_vllm_draws_where_it_is_asked_to_and_trainings_have_it_give_way(run, models, tiny):
    spec = run(sampler="vllm", residency="exit")
    placed = choose(spec, tiny("qwen3"), models, Log())
    assert isinstance(placed.sampler(tiny("qwen3")), VllmSampler)
    trainer = placed.trainer(tiny("qwen3"))
    assert isinstance(trainer, GivingWay)
    assert placed.notes[0].startswith("answers are drawn by vLLM")
    assert placed.notes[1].startswith("vLLM's residency is exit")
    assert models.start.log == ["start 512"]
    trainer.train([])
    assert models.start.log == ["start 512", "close"]


def test_its_own_judge_reads_through_vllm_and_another_does_not(run, models, tiny):
    placed = choose(run(sampler="vllm"), tiny("qwen3"), models, Log())
    assert placed.reader(tiny("qwen3")) is not None
    assert placed.reader(tiny("llama")) is None


def test_without_a_gpu_transformers_draws_and_says_why(run, models, tiny):
    placed = choose(run(), tiny("qwen3"), models, Log())
    assert isinstance(placed.sampler(tiny("qwen3")), TransformersSampler)
    trainer = placed.trainer(tiny("qwen3"))
    assert isinstance(trainer, FittingTrainer)
    assert trainer.free is None
    assert placed.notes == ("answers are drawn by transformers: no GPU",)
    assert placed.reader(tiny("qwen3")) is None


def test_left_open_a_vllm_that_does_not_start_is_done_without(run, models, tiny):
    def broken(settings):
        raise ServingError("vLLM: ImportError: no module named that")

    models.start = broken
    placed = choose(run(device="cuda"), tiny("qwen3"), models, Log())
    assert placed.notes == ("answers are drawn by transformers: vLLM: ImportError: no module named that",)
    with pytest.raises(ServingError, match="ImportError"):
        choose(run(sampler="vllm"), tiny("qwen3"), models, Log())


def test_a_vllm_of_the_run_before_keeps_its_place(run, models, tiny):
    spec = run(sampler="vllm")
    choose(spec, tiny("qwen3"), models, Log())
    placed = choose(spec, tiny("qwen3"), models, Log())
    assert models.start.log == ["start 512"]
    assert placed.served is models.served(tiny("qwen3").name)


def test_a_model_that_cannot_be_trained_on_its_gpu_is_refused_before_it_is_loaded(run, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(placing, "device_room", lambda device: Room(GB // 2, GB // 2, GB))
    with pytest.raises(ModelError, match="does not fit"):
        check_fits(run(device="cuda"))
    monkeypatch.setattr(placing, "device_room", lambda device: Room(80 * GB, 80 * GB, GB))
    check_fits(run(device="cuda"))
    check_fits(run())


APART = ["GPU-00000001-aaaa", "GPU-00000002-aaaa"]


@pytest.fixture
def apart(monkeypatch):
    """Two GPUs of 80 GB for vLLM beside the worker's own, as NVML tells them."""
    monkeypatch.setenv("IDEMTUI_VLLM_GPUS", ",".join(APART))
    asked = []
    monkeypatch.setattr(pynvml, "nvmlInit", lambda: None)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetHandleByUUID", lambda uuid: asked.append(uuid) or uuid)
    memory = SimpleNamespace(total=80 * GB, used=GB)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetMemoryInfo", lambda handle: memory)
    return asked


def test_on_gpus_of_its_own_vllm_is_spread_and_shown_those_alone(run, tiny, apart, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-00000000-aaaa")
    spec = run(sampler="vllm", device="cuda", gpus=3)
    on_gpu = replace(tiny("qwen3"), device=torch.device("cuda"))
    plan = placing.plan_for(spec, on_gpu, None)
    assert (plan.shards, apart) == (2, APART)
    assert plan.reason.startswith("vLLM has 2 GPUs of its own")
    settings = placing.settings_for(spec, on_gpu, plan)
    assert (settings.shards, settings.sleeps) == (2, False)
    assert shown(gpus_apart()) == {"CUDA_VISIBLE_DEVICES": ",".join(APART)}
    assert walking._device("cuda") == ",".join(["GPU-00000000-aaaa", *APART])


def test_gpus_that_nvml_does_not_know_are_one_line(apart, monkeypatch):
    def lost(uuid):
        raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_FOUND)

    monkeypatch.setattr(pynvml, "nvmlDeviceGetHandleByUUID", lost)
    with pytest.raises(ModelError, match="cannot be looked at: NVML says"):
        rooms_apart(APART)


def test_gpus_that_nobody_would_use_are_refused(run, models, tiny, monkeypatch):
    with pytest.raises(ModelError, match=r"execution\.gpus = 2: only vLLM draws on more than one GPU.*no GPU"):
        choose(run(gpus=2), tiny("qwen3"), models, Log())

    def broken(settings):
        raise ServingError("vLLM: RuntimeError: NCCL", "RuntimeError")

    models.start = broken
    with pytest.raises(ServingError, match="NCCL"):
        choose(run(sampler="vllm", gpus=2), tiny("qwen3"), models, Log())
