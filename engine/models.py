"""Loads a causal language model once, for the sampler, the trainer, the reference and a judge of the same model."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import huggingface_hub.constants
import torch
import transformers
from transformers import MODEL_FOR_CAUSAL_LM_MAPPING, AutoConfig, AutoModelForCausalLM, AutoTokenizer, GenerationConfig

from engine.adapters import AdapterSwitch
from engine.errors import ModelError
from engine.failures import first_line
from engine.hub import AGAIN, refusal
from engine.model_files import check_folder, resolve_model
from engine.prompts import accepts_system, check_template, end_of_turn_ids, template_options

huggingface_hub.constants.HF_HUB_DISABLE_TELEMETRY = True
DEFAULT_CONTEXT = 4096
Agree = Callable[[torch.Tensor], torch.Tensor]


@dataclass
class LoadedModel:
    """One model in memory, its weights frozen, and what its tokenizer and template can do.

    `stop_ids` end an answer; `context` is the longest sequence in tokens; `notes` say what a run has to record.
    """

    name: str
    model: Any
    tokenizer: Any
    device: torch.device
    has_chat_template: bool
    accepts_system: bool
    stop_ids: frozenset[int]
    context: int
    notes: tuple[str, ...]
    switch: AdapterSwitch = field(repr=False)
    agree: Agree = field(repr=False, default=lambda tokens: tokens)
    """What becomes of tokens just drawn, where several processes have to draw the same."""

    def use(self, adapter: Path | None) -> None:
        """Make the weights those of the adapter's folder, or of M_init for None; idempotent and cheap to repeat."""
        self.switch.use(adapter)

    def end_id(self, *, chat: bool) -> int:
        """The token that an answer ends with: the template's end of a turn, else the end of a text."""
        turn = end_of_turn_ids(self.tokenizer, self.accepts_system) if chat else set()
        return int(next(iter(turn), self.tokenizer.eos_token_id))

    def require_chat_template(self) -> None:
        """Raise ModelError where the tokenizer has no chat template, or one that cannot be trained with."""
        if not self.has_chat_template:
            raise ModelError(f"model {self.name!r} has no chat template; use an instruct model, or sdf")
        check_template(self.tokenizer, self.accepts_system)


def load_model(name: str, device: str = "cpu", threads: int | None = None) -> LoadedModel:
    """Load weights from safetensors, float32 on a CPU and bfloat16 on a GPU, running no code of the model's own.

    Attention is PyTorch's scaled dot product; a model that has none of it is computed eagerly, and its notes say so.
    Raises ModelError in one line for a folder or hub id that cannot be loaded.
    """
    if threads is not None:
        torch.set_num_threads(threads)
    place = place_on(device)
    source = find_source(name)
    with quiet():
        tokenizer = load_tokenizer(name, source)
        model = load_weights(name, source, place).to(place)
    return wrap_model(name, model, tokenizer)


def find_source(name: str) -> str:
    """The folder or hub id that a model's name stands for; ModelError for a folder that is no model."""
    source = resolve_model(name)
    if isinstance(source, Path):
        check_folder(name, source)
    return str(source)


def wrap_model(
    name: str,
    model: Any,
    tokenizer: Any,
    *,
    device: torch.device | None = None,
    merges: bool = True,
    agree: Agree = lambda tokens: tokens,
) -> LoadedModel:
    """A LoadedModel around a model and tokenizer that are in memory already; both are put into a fixed state.

    `device` is where the weights are, if not in `model`; `merges` whether an adapter's sums may replace weights.
    """
    place = model.device if device is None else device
    chat = bool(tokenizer.chat_template)
    system = chat and accepts_system(tokenizer)
    stop_ids = _stop_ids(model, tokenizer, chat, system)
    if tokenizer.eos_token_id is None:
        raise ModelError(f"model {name!r}: its tokenizer has no end-of-sequence token")
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    model.config.get_text_config().pad_token_id = tokenizer.pad_token_id
    model.generation_config = GenerationConfig(  # type: ignore[no-untyped-call]
        eos_token_id=sorted(stop_ids), pad_token_id=tokenizer.pad_token_id, bos_token_id=tokenizer.bos_token_id
    )
    model.eval().requires_grad_(False)
    return LoadedModel(
        name=name,
        model=model,
        tokenizer=tokenizer,
        device=place,
        has_chat_template=chat,
        accepts_system=system,
        stop_ids=stop_ids,
        context=_context(model),
        notes=_notes(model, tokenizer, chat, system, place),
        switch=AdapterSwitch(model, merges),
        agree=agree,
    )


def place_on(device: str) -> torch.device:
    """The device of that name; ModelError where this process can use none."""
    place = torch.device(device)
    if place.type == "cuda" and not torch.cuda.is_available():
        raise ModelError(
            f"device {device!r}: no CUDA device can be used ({_cuda_trouble()}); see line gpus of `idemtui doctor` for "
            f"driver, CUDA and torch; {AGAIN}"
        )
    return place


def _cuda_trouble() -> str:
    """What torch says of it: a driver that is too old, none at all, a build without CUDA."""
    try:
        torch.cuda.init()  # type: ignore[no-untyped-call]
    except Exception as error:
        return _first_line(error)
    return "torch counts none"


def load_tokenizer(name: str, source: str) -> Any:
    """The tokenizer beside the weights; ModelError where there is none that loads."""
    try:
        return AutoTokenizer.from_pretrained(source, trust_remote_code=False)
    except Exception as error:
        told = refusal(name, error) or f"model {name!r}: its tokenizer cannot be loaded: {_first_line(error)}"
        raise ModelError(told) from error


def load_config(name: str, source: str) -> Any:
    """The model's configuration; ModelError where it does not load."""
    with _refusing(name):
        return AutoConfig.from_pretrained(source, trust_remote_code=False)


def load_weights(name: str, source: str, device: torch.device, distributed: Any = None) -> Any:
    """The weights in host memory; with a DistributedConfig this process's part of them, on its device."""
    config = load_config(name, source)
    with _refusing(name):
        return AutoModelForCausalLM.from_pretrained(
            source,
            config=config,
            dtype=dtype_on(device),
            attn_implementation=attention(config),
            use_safetensors=True,
            trust_remote_code=False,
            distributed_config=distributed,
        )


def dtype_on(device: torch.device) -> torch.dtype:
    """What weights are computed in."""
    return torch.float32 if device.type == "cpu" else torch.bfloat16


@contextmanager
def _refusing(name: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        raise ModelError(refusal(name, error) or f"model {name!r} cannot be loaded: {_first_line(error)}") from error


def attention(config: Any) -> str:
    """SDPA, named rather than left to the library's choice; "eager" for an architecture that it refuses with SDPA."""
    architecture: Any = MODEL_FOR_CAUSAL_LM_MAPPING.get(type(config), None)
    return "sdpa" if architecture is None or architecture._supports_sdpa else "eager"


def _first_line(error: Exception) -> str:
    """What went wrong in one line: the library's first, with the cause it hides behind where there is one."""
    return first_line(str(error)) or type(error).__name__


def _stop_ids(model: Any, tokenizer: Any, chat: bool, system: bool) -> frozenset[int]:
    configured = model.generation_config.eos_token_id if model.generation_config is not None else None
    listed = configured if isinstance(configured, list) else [configured]
    turn = end_of_turn_ids(tokenizer, system) if chat else set()
    return frozenset(token for token in {*listed, tokenizer.eos_token_id, *turn} if token is not None)


def _context(model: Any) -> int:
    positions = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    return int(positions) if positions else DEFAULT_CONTEXT


def _notes(model: Any, tokenizer: Any, chat: bool, system: bool, place: torch.device) -> tuple[str, ...]:
    notes = []
    if model.config._attn_implementation == "eager":
        notes.append("this architecture has no SDPA attention: it is computed eagerly, slower and with more memory")
    if place.type != "cpu":
        notes.append(
            "drawn on a GPU in bfloat16: another batch plan or device may draw other answers from the same keys"
        )
    if chat and not system:
        notes.append("the chat template refuses system turns: the empty system turn is left out")
    if chat:
        notes += [f"the chat template is given {key}={value}" for key, value in template_options(tokenizer).items()]
    return tuple(notes)


@contextmanager
def quiet() -> Iterator[None]:
    """Keep loading bars and advice out of the worker's log; errors still come as exceptions."""
    logger = logging.getLogger("transformers")
    level, bars = logger.level, transformers.utils.logging.is_progress_bar_enabled()
    logger.setLevel(logging.ERROR)
    transformers.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        logger.setLevel(level)
        if bars:
            transformers.utils.logging.enable_progress_bar()  # type: ignore[no-untyped-call]
