"""One base model in vLLM, kept through starts, sleeps and ends, with every checkpoint under a name of its own.

vLLM keeps prefixes by an adapter's name, so a name is made from the adapter's content and never given twice; the cache
is emptied whenever other weights answer than before.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import torch

from engine.adapter_files import is_full, weights_file
from engine.adapters import Identity, adapter_identity
from engine.children import close_after
from engine.errors import ServingError
from engine.memory import Residency
from engine.model_files import LoadedFiles, file_sha256
from engine.vllm.messages import (
    Ahead,
    Answer,
    EngineSettings,
    Forget,
    LookAhead,
    Looked,
    Prompt,
    Request,
    Response,
    Served,
    Sleep,
    Wake,
    Write,
    Written,
)
from engine.vllm.process import EngineProcess, Serving, StartServing

Who = str | None
"""An adapter's name, None for the base model."""


@dataclass
class ServedModel:
    """vLLM for one model; it is started by the first question and again by the first after an end."""

    name: str
    settings: EngineSettings
    residency: Residency = "resident"
    start: StartServing = EngineProcess
    switching_seconds: float = 0.0
    """Spent starting, putting to sleep, waking and ending so far."""
    _files: LoadedFiles = field(init=False)
    _engine: Serving | None = None
    _asleep: bool = False
    _answered: list[Who] = field(default_factory=list)
    """Whose weights answered last; empty before the first answer."""
    _proved: set[Who] = field(default_factory=set)
    """Whose canary was right since vLLM last came up."""
    _names: dict[Identity, str] = field(default_factory=dict)
    _numbers: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._files = LoadedFiles(self.settings.model)

    @property
    def lives(self) -> bool:
        """Whether vLLM's process is there, awake or asleep."""
        return self._engine is not None

    def suit(self, settings: EngineSettings, residency: Residency) -> None:
        """Be as a run needs it: a living vLLM of the same files that has room for what is asked stays, another goes."""
        wide = msgspec.structs.replace(
            settings, utilization=self.settings.utilization,
            length=max(settings.length, self.settings.length), rank=max(settings.rank, self.settings.rank),
            rows=max(settings.rows, self.settings.rows), sleeps=settings.sleeps or self.settings.sleeps,
        )  # fmt: skip
        if self._engine is None or wide != self.settings or self._files.changed:
            self.close()
            self.settings, self._files = settings, LoadedFiles(settings.model)
        self.residency = residency

    def make_room(self, length: int) -> None:
        """Have vLLM take sequences of this length, started anew where it does not."""
        if length > self.settings.length:
            self.close()
            self.settings = msgspec.structs.replace(self.settings, length=length)

    def write(
        self,
        prompts: Sequence[Prompt],
        adapter: Path | None,
        *,
        max_tokens: int,
        temperature: float,
        stop_ids: Sequence[int],
        logprobs: bool = False,
    ) -> list[Answer]:
        """Answers in the order of the prompts, by the base model or with the adapter in this folder."""
        served = None if adapter is None else self._served(adapter)
        answered = self._ask(
            Write(list(prompts), served, max_tokens, temperature, list(stop_ids), logprobs),
            None if served is None else served.name,
        )
        assert isinstance(answered, Written)
        return answered.answers

    def look_ahead(self, prompts: Sequence[Sequence[int]], tokens: Sequence[int]) -> list[Ahead]:
        """Log p of each of `tokens` as the base model's next one, in the order of the prompts."""
        looked = self._ask(LookAhead([list(prompt) for prompt in prompts], list(tokens)), None)
        assert isinstance(looked, Looked)
        return looked.ahead

    def unproved(self, adapter: Path | None) -> bool:
        """Whether no canary has shown yet that these weights answer, since vLLM last came up."""
        return self._engine is None or self._asleep or self._name(adapter) not in self._proved

    def prove(self, adapter: Path | None) -> None:
        """Remember that the canary was right."""
        self._proved.add(self._name(adapter))

    def come_up(self) -> None:
        """Start or wake vLLM now rather than with the first question; ServingError where that fails."""
        self._ready()

    def give_way(self) -> None:
        """Leave the device to a training, as far as the residency says."""
        started = time.monotonic()
        if self.residency == "exit":
            self.close()
        elif self.residency == "sleep" and self._engine is not None and not self._asleep:
            self._tell(self._engine, Sleep())
            self._asleep = True
        self.switching_seconds += time.monotonic() - started

    def close(self) -> None:
        """End vLLM's process, if it lives."""
        engine, self._engine = self._engine, None
        self._forget_all()
        if engine is not None:
            engine.close()

    def _ask(self, request: Request, who: Who) -> Response:
        engine = self._ready()
        if self._answered != [who]:
            self._tell(engine, Forget())
            self._answered = [who]
        return self._tell(engine, request)

    def _tell(self, engine: Serving, request: Request) -> Response:
        """Ask, and let go of a vLLM that failed: what it had begun stays in its queue, and its next question hangs."""
        try:
            return engine.ask(request)
        except ServingError as error:
            close_after(error, self.close)
            raise

    def _ready(self) -> Serving:
        started = time.monotonic()
        torch.cuda.empty_cache()
        engine = self._engine
        if engine is None:
            engine = self._start()
        elif self._asleep:
            self._tell(engine, Wake())
            self._forget_all()
        else:
            return engine
        self.switching_seconds += time.monotonic() - started
        return engine

    def _start(self) -> Serving:
        """A vLLM just started; one that was loaded while its files changed is let go."""
        try:
            with self._files.loading():
                self._engine = self.start(self.settings)
        except BaseException as error:
            close_after(error, self.close)
            raise
        return self._engine

    def _forget_all(self) -> None:
        self._asleep = False
        self._answered, self._proved = [], set()

    def _served(self, adapter: Path) -> Served:
        name = self._name(adapter)
        assert name is not None
        return Served(name, self._numbers.setdefault(name, len(self._numbers) + 1), str(adapter.resolve()))

    def _name(self, adapter: Path | None) -> Who:
        if adapter is None:
            return None
        if is_full(adapter):
            raise ServingError(
                f"{adapter} holds all weights of a model, but vLLM serves adapters; set execution.sampler = "
                '"transformers".',
                "Full",
            )
        identity = adapter_identity(adapter)
        if identity not in self._names:
            self._names[identity] = f"{identity[0]}@{file_sha256(weights_file(adapter))[:16]}"
        return self._names[identity]
