"""What vLLM is told of a device and of shards, without vLLM."""

import msgspec
import pytest

from engine.vllm.arguments import arguments, environment
from engine.vllm.messages import EngineSettings

ON_GPU = EngineSettings(
    model="m", dtype="bfloat16", device="cuda", length=512, rank=16, rows=8, utilization=0.7, sleeps=True
)
ON_CPU = EngineSettings(model="m", dtype="float32", device="cpu", length=512, rank=8, rows=64, sleeps=True)


def told(settings, *names, **changed):
    given = arguments(msgspec.structs.replace(settings, **changed))
    return {name: given[name] for name in names if name in given}


SPREAD = ("tensor_parallel_size", "distributed_executor_backend")
DEVICE = ("enforce_eager", "gpu_memory_utilization", "enable_sleep_mode")


@pytest.mark.parametrize("settings", [ON_GPU, ON_CPU])
def test_the_model_is_spread_over_its_shards_on_any_device(settings):
    assert told(settings, *SPREAD) == {}
    spread = {"tensor_parallel_size": 4, "distributed_executor_backend": "mp"}
    assert told(settings, *SPREAD, shards=4) == spread


@pytest.mark.parametrize("shards", [1, 2])
def test_a_gpu_is_shared_and_vllm_can_sleep_there_and_a_cpu_is_neither(shards):
    on_gpu = {"enforce_eager": False, "gpu_memory_utilization": 0.7, "enable_sleep_mode": True}
    assert told(ON_GPU, *DEVICE, shards=shards) == on_gpu
    assert told(ON_CPU, *DEVICE, shards=shards) == {"enforce_eager": True, "enable_sleep_mode": False}
    assert told(ON_GPU, "enable_sleep_mode", sleeps=False) == {"enable_sleep_mode": False}


def test_what_it_is_asked_for_is_what_it_has_room_for():
    room = told(ON_GPU, "model", "dtype", "max_model_len", "max_lora_rank", "max_num_seqs")
    assert list(room.values()) == ["m", "bfloat16", 512, 16, 8]


def test_its_variables_hold_for_its_shards_and_people_may_have_it_say_more():
    there = {
        "VLLM_LOGGING_LEVEL": "INFO",
        "VLLM_WORKER_MULTIPROC_METHOD": "fork",
        "CUDA_VISIBLE_DEVICES": "GPU-a",
    }
    variables = environment(ON_GPU, there)
    assert variables["VLLM_LOGGING_LEVEL"] == "INFO"
    assert variables["CUDA_VISIBLE_DEVICES"] == "GPU-a"
    assert variables["VLLM_WORKER_MULTIPROC_METHOD"] == "spawn"
    assert "VLLM_CPU_KVCACHE_SPACE" not in variables
    quiet = environment(ON_CPU, {})
    assert (quiet["VLLM_LOGGING_LEVEL"], quiet["VLLM_CPU_KVCACHE_SPACE"]) == ("ERROR", "1")
