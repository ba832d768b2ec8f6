"""The lines that vLLM's exceptions become; the messages are those of vLLM 0.32."""

import pytest
from pydantic import TypeAdapter, ValidationError

from engine.errors import ServingError
from engine.failures import out_of_memory
from engine.vllm.failing import failed

SHARD = "Worker failed with error '{}', please check the stack trace above for the root cause"


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (ValueError("no such model\nsee the docs"), "ValueError", "no such model"),
        (KeyError(), "KeyError", "KeyError"),
        (RuntimeError(SHARD.format("LoRA rank 16 > 8.")), "RuntimeError", "LoRA rank 16 > 8."),
        (RuntimeError("can't allocate memory: 2 GiB"), "OutOfMemoryError", "can't allocate memory: 2 GiB"),
        (
            RuntimeError(SHARD.format("CUDA out of memory. Tried to allocate 2 GiB.\nGPU 1 has 'none'")),
            "OutOfMemoryError",
            "CUDA out of memory. Tried to allocate 2 GiB.",
        ),
        (RuntimeError("Executor failed."), "Ended", "the process of a shard ended; the end of worker.log may say why"),
        (RuntimeError("cancelled"), "Ended", "the process of a shard ended; the end of worker.log may say why"),
        (
            Exception("WorkerProc initialization failed due to an exception in a background process. See …"),
            "Exception",
            "a shard did not start; the end of worker.log may say why",
        ),
    ],
)  # fmt: skip
def test_an_exception_is_one_line(error, kind, message):
    said = failed(error)
    assert (said.kind, said.message) == (kind, message)


def test_what_a_setting_may_be_is_said_without_pydantic_s_first_line():
    with pytest.raises(ValidationError) as raised:
        TypeAdapter(dict[str, int]).validate_python({"max_lora_rank": "nine"})
    assert failed(raised.value).message.startswith("max_lora_rank: Input should be a valid integer")


def test_a_shard_out_of_memory_is_out_of_memory():
    said = failed(RuntimeError(SHARD.format("CUDA out of memory.")))
    assert out_of_memory(ServingError(said.message, said.kind))
