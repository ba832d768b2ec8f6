"""What the worker and vLLM's process say to each other: one JSON object a line, each way."""

from __future__ import annotations

import msgspec


class EngineSettings(msgspec.Struct, frozen=True, tag="start"):
    """How vLLM is started; the same settings are the same engine."""

    model: str
    """A model folder or hub id."""
    dtype: str
    """As the worker's own model: `float32` on a CPU, `bfloat16` on a GPU."""
    device: str
    """`cpu` or `cuda`."""
    length: int
    """Longest sequence in tokens, prompt and answer."""
    rank: int
    """Highest LoRA rank, one of `engine.backends.RANKS`."""
    rows: int
    """Answers written side by side at most."""
    utilization: float = 0.9
    """Share of the whole device that vLLM may take; without meaning on a CPU."""
    sleeps: bool = False
    """Whether it must be able to sleep."""
    shards: int = 1
    """GPUs that the model is spread over (tensor parallel)."""
    gpus: tuple[str, ...] = ()
    """UUIDs of those that its process may use; the worker's own where none is named."""


class Served(msgspec.Struct, frozen=True):
    """A LoRA as vLLM is asked for it: name, number and folder are this checkpoint's alone."""

    name: str
    number: int
    folder: str


class Prompt(msgspec.Struct, frozen=True):
    """Token ids up to where an answer begins, and the seed of its draw; greedy without one."""

    ids: list[int]
    seed: int | None = None


class Write(msgspec.Struct, frozen=True, tag="write"):
    """Write an answer to each prompt, up to and with a stop token."""

    prompts: list[Prompt]
    adapter: Served | None
    max_tokens: int
    temperature: float
    stop_ids: list[int]
    logprobs: bool = False
    """Whether each answer's log p is wanted, under the model itself (temperature 1)."""


class LookAhead(msgspec.Struct, frozen=True, tag="look_ahead"):
    """Tell log p of these tokens as the next one after each prompt."""

    prompts: list[list[int]]
    tokens: list[int]


class Forget(msgspec.Struct, frozen=True, tag="forget"):
    """Empty the prefix cache."""


class Sleep(msgspec.Struct, frozen=True, tag="sleep"):
    """Move the weights to host memory and let the cache go (vLLM's level 1)."""


class Wake(msgspec.Struct, frozen=True, tag="wake"):
    """Come back from sleep."""


Request = EngineSettings | Write | LookAhead | Forget | Sleep | Wake


class Done(msgspec.Struct, frozen=True, tag="done"):
    """It was done; `version` is vLLM's."""

    version: str = ""


class Answer(msgspec.Struct, frozen=True):
    """Token ids with the stop token, whether there is one, and log p of all of them where that was asked for."""

    ids: list[int]
    stopped: bool
    logp: float = 0.0


class Written(msgspec.Struct, frozen=True, tag="written"):
    """Answers in the order of the prompts."""

    answers: list[Answer]


class Ahead(msgspec.Struct, frozen=True):
    """log p of the tokens that were asked about, and of the likeliest of all."""

    logps: list[float]
    likeliest: float


class Looked(msgspec.Struct, frozen=True, tag="looked"):
    """In the order of the prompts."""

    ahead: list[Ahead]


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """It could not be done: the exception's type and first line; the process may go on."""

    kind: str
    message: str


Response = Done | Written | Looked | Failed
