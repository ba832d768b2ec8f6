"""What vLLM is started with: all that depends on the device stands here, apart from vLLM itself, so that it is tested
without it.
"""

from __future__ import annotations

from typing import Any

from engine.vllm.messages import EngineSettings

CACHE_GB = "1"
"""The KV cache of a shard on a CPU, which is for tests."""
ALWAYS = {
    "VLLM_NO_USAGE_STATS": "1",
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",  # the engine's core in this process: one thing less to outlive it
    "VLLM_WORKER_MULTIPROC_METHOD": "spawn",  # a forked shard would hold our pipe open after this process's end
}
QUIETLY = {"VLLM_LOGGING_LEVEL": "ERROR"}
"""Where nobody asked for more."""


def environment(settings: EngineSettings, given: dict[str, str]) -> dict[str, str]:
    """Variables that vLLM and its shards read, to be set before it is imported; `given` are those that are there."""
    on_cpu = {"VLLM_CPU_KVCACHE_SPACE": CACHE_GB} if settings.device == "cpu" else {}
    return QUIETLY | given | ALWAYS | on_cpu


def arguments(settings: EngineSettings) -> dict[str, Any]:
    """Those of `vllm.LLM`."""
    return {
        "model": settings.model,
        "skip_tokenizer_init": True,
        "trust_remote_code": False,
        "load_format": "safetensors",
        "generation_config": "vllm",
        "dtype": settings.dtype,
        "max_model_len": settings.length,
        "max_num_seqs": settings.rows,
        "enable_prefix_caching": True,
        "enable_lora": True,
        "max_lora_rank": settings.rank,
        "max_loras": 1,
        "enable_sleep_mode": can_sleep(settings),
        "disable_log_stats": True,
        "seed": 0,
        **_on_device(settings),
        **_spread(settings),
    }


def can_sleep(settings: EngineSettings) -> bool:
    """Whether this vLLM does what it is asked for; on a CPU there is no sleep."""
    return settings.sleeps and settings.device != "cpu"


def _on_device(settings: EngineSettings) -> dict[str, Any]:
    """How much of each GPU; compiling on a CPU would take longer than what it speeds up."""
    if settings.device == "cpu":
        return {"enforce_eager": True}
    return {"enforce_eager": False, "gpu_memory_utilization": settings.utilization}


def _spread(settings: EngineSettings) -> dict[str, Any]:
    """Over how many shards, each a process of this machine also where Ray is running."""
    if settings.shards == 1:
        return {}
    return {"tensor_parallel_size": settings.shards, "distributed_executor_backend": "mp"}
