"""What is said of a run or a job that could not go on: one line with what failed, where, and what to lower."""

from __future__ import annotations

from engine.errors import IdemtuiError
from engine.events import RunFailed, Stage
from engine.gpus import held_gpus
from engine.jobs.spec import JobSpec
from engine.lineage import model_name
from engine.secrets import hide_secrets
from engine.spec import RunSpec

LONGEST = 500
NO_MEMORY = (
    "out of memory", "can't allocate memory", "not enough memory", "cannot allocate memory",
    "cublas_status_alloc_failed", "cudnn_status_alloc_failed",
)  # fmt: skip


def out_of_memory(error: BaseException) -> bool:
    """Whether it is Python, torch on a CPU or on a GPU, or vLLM that got no memory."""
    names = type(error).__name__, getattr(error, "kind", "")
    if isinstance(error, MemoryError) or "OutOfMemoryError" in names:
        return True
    return isinstance(error, RuntimeError) and any(said in str(error).lower() for said in NO_MEMORY)


def gpu_failed(error: BaseException) -> bool:
    """Whether CUDA failed beneath torch, after which it answers nothing in this process any more."""
    if not isinstance(error, RuntimeError) or out_of_memory(error):
        return False
    return type(error).__name__ == "AcceleratorError" or "CUDA error" in str(error)


def first_line(said: str) -> str:
    """The first line that says something; empty where none does."""
    return next((line.strip() for line in said.splitlines() if line.strip()), "")


def with_notes(error: BaseException) -> str:
    """What it says, and what came to light while it was answered, such as memory that stays held."""
    notes = getattr(error, "__notes__", ())
    return "; ".join([str(error).rstrip("."), *notes]) if notes else str(error)


def run_failed(error: Exception, spec: RunSpec | JobSpec, under_way: tuple[int, Stage] | None) -> RunFailed:
    """The end of a run or job as its journal tells it; `under_way` is the cycle and stage in which it came."""
    name, message = type(error).__name__, with_notes(error)
    if not isinstance(error, IdemtuiError):
        message = " ".join(message.split())[:LONGEST]
    if out_of_memory(error):
        told = _job_memory(spec) if isinstance(spec, JobSpec) else _memory_message(spec, under_way)
        name, message = "OutOfMemoryError", told
    elif gpu_failed(error):
        message = _gpu_message(error, spec, under_way)
    return RunFailed(error=name, message=hide_secrets(message, spec.execution.secrets))


def _gpu_message(error: Exception, spec: RunSpec | JobSpec, under_way: tuple[int, Stage] | None) -> str:
    where = f" at {model_name(under_way[0])}, {under_way[1]}" if under_way is not None else ""
    device = ", ".join(held_gpus()) or spec.execution.device
    return (
        f"{first_line(str(error)).rstrip('.')} on {device}{where}; its worker ends, as CUDA answers it nothing more. "
        "`idemtui resume` goes on from the last batch; where a GPU fails again, `idemtui hold` keeps runs off it."
    )


def _job_memory(spec: JobSpec) -> str:
    models = " and ".join(name for name in (spec.model, spec.judge) if name is not None)
    return f"out of memory on {spec.execution.device} with {models}; free memory there, or use smaller ones."


def _memory_message(spec: RunSpec, under_way: tuple[int, Stage] | None) -> str:
    device = spec.execution.device
    if under_way is None:
        return f"out of memory on {device} while loading {_loaded(spec)}; free memory there, or use smaller models."
    cycle, stage = under_way
    settings = "; lower one of " + ", ".join(f"{key} (now {_value(spec, key)})" for key in _to_lower(cycle, stage))
    return f"out of memory on {device} at {model_name(cycle)}, {stage}{settings}, or free memory there."


def _loaded(spec: RunSpec) -> str:
    judge = spec.judge.local_model
    return spec.run.model if judge is None else f"{spec.run.model} and {judge}"


def _to_lower(cycle: int, stage: Stage) -> list[str]:
    match stage:
        case "train":
            section = "seed_train" if cycle == 0 else "train"
            return [f"{section}.{field}" for field in ("batch_size", "max_length", "lora_rank")]
        case "judge" | "select":
            return ["judge.batch_size"]
        case "sample_eval" | "likelihood":
            return ["eval.batch_size", "eval.max_tokens"]
        case _:
            return ["sample.batch_size", "sample.max_tokens"]


def _value(spec: RunSpec, dotted: str) -> object:
    section, _, field = dotted.partition(".")
    return getattr(getattr(spec, section), field)
