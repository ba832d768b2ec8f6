"""Where answers are drawn, with a GPU that is not there: its memory is told, vLLM is a fake."""

from dataclasses import dataclass, field, replace
from types import SimpleNamespace

import pynvml
import pytest
import torch

from engine import backends, walking
from engine.errors import ModelError, ServingError
from engine.gpus import rooms_of, shown
from engine.judges.ahead import AheadReader
from engine.kept_models import KeptModels
from engine.memory import GB, Room, plan_serving
from engine.own_model import InProcess
from engine.samplers.vllm import VllmSampler
from engine.sharded.model import ShardedModel
from engine.spec import Execution
from engine.trainers.fitting import FittingTrainer
from engine.trainers.giving_way import GivingWay
from engine.vllm import placing
from engine.vllm.placing import check_fits, choose, sharding_of
from tests.engine.chains import make_spec, write_pack
from tests.engine.test_memory import LOAD, QWEN3_32B
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
def own(tiny):
    """The run's own model."""
    return InProcess(tiny("qwen3"))


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


def test_vllm_draws_where_it_is_asked_to_and_trainings_have_it_give_way(run, models, own):
    spec = run(sampler="vllm", residency="exit")
    placed = choose(spec, own, models, Log())
    assert isinstance(placed.sampler(own), VllmSampler)
    trainer = placed.trainer(own)
    assert isinstance(trainer, GivingWay)
    assert placed.notes[0].startswith("answers are drawn by vLLM")
    assert placed.notes[1].startswith("vLLM's residency is exit")
    assert models.start.log == ["start 512"]
    trainer.train([])
    assert models.start.log == ["start 512", "close"]


def test_its_own_judge_reads_through_vllm(run, models, own):
    placed = choose(run(sampler="vllm"), own, models, Log())
    assert isinstance(placed.reader(own), AheadReader)


def test_without_a_gpu_transformers_draws_and_says_why(run, models, own):
    placed = choose(run(), own, models, Log())
    assert placed.sampler(own) is own
    trainer = placed.trainer(own)
    assert isinstance(trainer, FittingTrainer)
    assert trainer.free is None
    assert placed.notes == ("answers are drawn by transformers: no GPU",)
    assert placed.reader(own) is own


def test_left_open_a_vllm_that_does_not_start_is_done_without(run, models, own):
    def broken(settings):
        raise ServingError("vLLM: ImportError: no module named that")

    models.start = broken
    placed = choose(run(device="cuda"), own, models, Log())
    assert placed.notes == ("answers are drawn by transformers: vLLM: ImportError: no module named that",)
    with pytest.raises(ServingError, match="ImportError"):
        choose(run(sampler="vllm"), own, models, Log())


def test_a_vllm_of_the_run_before_keeps_its_place(run, models, own):
    spec = run(sampler="vllm")
    choose(spec, own, models, Log())
    placed = choose(spec, own, models, Log())
    assert models.start.log == ["start 512"]
    assert placed.served is models.served(own.loaded.name)


def test_a_model_that_cannot_be_trained_on_its_gpu_is_refused_before_it_is_loaded(run, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(placing, "device_room", lambda device: Room(GB // 2, GB // 2, GB))
    with pytest.raises(ModelError, match="does not fit"):
        check_fits(run(device="cuda"))
    monkeypatch.setattr(placing, "device_room", lambda device: Room(80 * GB, 80 * GB, GB))
    check_fits(run(device="cuda"))
    check_fits(run())


FIRST = "GPU-00000000-aaaa"
APART = ["GPU-00000001-aaaa", "GPU-00000002-aaaa"]


@pytest.fixture
def apart(monkeypatch):
    """Two GPUs of 80 GB for vLLM beside the worker's own, as NVML tells them."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", FIRST)
    monkeypatch.setenv("IDEMTUI_MORE_GPUS", ",".join(APART))
    asked = []
    monkeypatch.setattr(pynvml, "nvmlInit", lambda: None)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetHandleByUUID", lambda uuid: asked.append(uuid) or uuid)
    memory = SimpleNamespace(total=80 * GB, used=GB)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetMemoryInfo", lambda handle: memory)
    return asked


def test_on_gpus_of_its_own_vllm_is_spread_and_shown_those_alone(run, tiny, apart, monkeypatch):
    spec = run(sampler="vllm", device="cuda", gpus=3)
    on_gpu = replace(tiny("qwen3"), device=torch.device("cuda"))
    plan = placing.plan_for(spec, InProcess(on_gpu), None)
    assert (plan.shards, apart) == (2, APART)
    assert plan.reason.startswith("vLLM has 2 GPUs of its own")
    settings = placing.settings_for(spec, on_gpu, plan)
    assert (settings.shards, settings.sleeps) == (2, False)
    assert shown(settings.gpus) == {"CUDA_VISIBLE_DEVICES": ",".join(APART)}
    assert walking._device("cuda") == ",".join([FIRST, *APART])


@dataclass
class Spread:
    """A model in shards on GPUs that are not there."""

    loaded: object

    def room(self):
        """Of the smallest."""
        return Room(80 * GB, 79 * GB, GB)


def test_a_model_in_shards_has_the_first_gpus_and_vllm_the_others_or_the_same(run, tiny, apart, monkeypatch):
    on_gpu = Spread(replace(tiny("qwen3"), device=torch.device("cuda")))
    spec = run(sampler="vllm", device="cuda", gpus=3, shards=2)
    assert sharding_of(spec).gpus == (FIRST, APART[0])
    plan = placing.plan_for(spec, on_gpu, None)
    assert (plan.shards, placing.settings_for(spec, on_gpu.loaded, plan).gpus) == (1, (APART[1],))
    monkeypatch.setenv("IDEMTUI_MORE_GPUS", APART[0])
    shared = run(sampler="vllm", device="cuda", gpus=2, shards=2)
    plan = placing.plan_for(shared, on_gpu, None)
    assert (plan.residency, plan.shards) == ("resident", 2)
    assert placing.settings_for(shared, on_gpu.loaded, plan).gpus == (FIRST, APART[0])
    check_fits(shared)
    monkeypatch.setenv("IDEMTUI_MORE_GPUS", "")
    with pytest.raises(ModelError, match=r"shards = 2, but this worker holds 1 GPU; set execution\.gpus to 2"):
        sharding_of(shared)


JUDGE = 15 * GB


class Shards:
    """Four, on GPUs of 80 GB; the worker holds a judge of 15 GB beside the first."""

    def ask(self, request):
        """What each of them sees."""
        return [(Room(80 * GB, 80 * GB - beside, 500 * GB), 0) for beside in (JUDGE, 0, 0, 0)]


def test_a_judge_beside_a_model_in_shards_counts_once(run, tiny, apart, monkeypatch):
    own = ShardedModel(replace(tiny("qwen3"), device=torch.device("cuda")), Shards())
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device=None: JUDGE)
    monkeypatch.setattr(placing, "gpus_apart", lambda shards: [])
    load = replace(LOAD, shape=QWEN3_32B, rows=8, shards=4, beside=JUDGE)
    monkeypatch.setattr(placing, "run_load", lambda spec: load)
    assert own.room() == Room(80 * GB, 80 * GB, 500 * GB)
    plan = placing.plan_for(run(sampler="vllm", device="cuda", gpus=4, shards=4), own, None)
    assert plan == plan_serving(load, Room(80 * GB, 80 * GB, 500 * GB))
    assert plan.residency == "resident"
    assert load.held + 2 * JUDGE + load.training + load.serving(8, 4) > 76 * GB


def test_on_a_cpu_shards_share_the_threads(run):
    assert sharding_of(run()) is None
    asked = run(gpus=2, shards=2)
    asked = asked.model_copy(update={"execution": asked.execution.model_copy(update={"threads": 6})})
    assert (sharding_of(asked).threads, sharding_of(asked).gpus) == (3, ())


def test_gpus_that_nvml_does_not_know_are_one_line(apart, monkeypatch):
    def lost(uuid):
        raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_FOUND)

    monkeypatch.setattr(pynvml, "nvmlDeviceGetHandleByUUID", lost)
    with pytest.raises(ModelError, match="cannot be looked at: NVML says"):
        rooms_of(APART)


def test_gpus_that_nobody_would_use_are_refused(run, models, own, monkeypatch):
    with pytest.raises(ModelError, match=r"execution\.gpus = 2: beyond execution\.shards = 1, GPUs are vLLM's.*no GPU"):
        choose(run(gpus=2), own, models, Log())

    def broken(settings):
        raise ServingError("vLLM: RuntimeError: NCCL", "RuntimeError")

    models.start = broken
    with pytest.raises(ServingError, match="NCCL"):
        choose(run(sampler="vllm", gpus=2), own, models, Log())
