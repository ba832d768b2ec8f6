"""A trainer that keeps activations where they fit beside everything else, and computes them again where they do not.

Gradient checkpointing changes no result and costs operations: with frozen weights 6 a weight and token in the place
of 4. Left open, it is decided for each training anew: from its own longest row, which is often far below `max_length`,
and from what is free on the device at that moment, when vLLM has given way. Where that estimate was wrong and memory
runs out, the training starts over with checkpointing before anything is halved: it saves more than half a batch does,
and the same sums are formed in the same order, which accumulated halves do not promise.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from engine.checkpointing import Checkpointing, plan_checkpointing
from engine.events import Noted
from engine.failures import out_of_memory
from engine.halving import begin_again, free_memory
from engine.log import Log
from engine.memory import Load
from engine.models import LoadedModel
from engine.prompts import prompt_token_ids
from engine.seams import Trainer, Training, TrainJob
from engine.trainers.session import batch_parts

TURN_TOKENS = 8
"""What a template may add behind an answer."""


@dataclass
class FittingTrainer:
    """A Trainer of one job at a time."""

    trainer: Trainer
    loaded: LoadedModel
    load: Load | None
    """None where the model's shape is not known: nothing is kept then."""
    setting: Literal["auto", "on", "off"]
    log: Log
    free: Callable[[], int] | None
    """Bytes of the device that a training may take now; None on a CPU, whose memory is not reckoned with."""
    _said: bool | None = None
    _ran_out: bool = False

    def train(self, jobs: Sequence[TrainJob]) -> list[Training]:
        """See `engine.seams.Trainer`."""
        return [self._train(job) for job in jobs]

    def _train(self, job: TrainJob) -> Training:
        choice = self._choose(job)
        if choice.on != self._said and choice.reason:
            self._note(f"gradient checkpointing is {'on' if choice.on else 'off'}: {choice.reason}")
            self._said = choice.on
        try:
            return self.trainer.train([replace(job, recomputed=choice.on)])[0]
        except Exception as error:
            if choice.on or self.setting != "auto" or not out_of_memory(error):
                raise
        # Here the failed attempt's tensors are no longer held by its traceback.
        free_memory()
        self._ran_out = self._said = True
        begin_again(self.log, len(job.rows))
        self._note("memory ran out without gradient checkpointing; tried once more, and from here on, with it")
        return self.trainer.train([replace(job, recomputed=True)])[0]

    def _choose(self, job: TrainJob) -> Checkpointing:
        if self.setting != "auto":
            return Checkpointing(self.setting == "on", "as the study says")
        if self.free is None:
            return Checkpointing(False, "")
        if self._ran_out:
            return Checkpointing(True, "")
        if self.load is None:
            return Checkpointing(True, "the model's shape is not known")
        return plan_checkpointing(self.load, batch_tokens(self.loaded, job), self.free())

    def _note(self, message: str) -> None:
        cycle, stage = self.log.under_way or (None, None)
        self.log.append(Noted(topic="checkpointing", message=message, cycle=cycle, stage=stage))


def batch_tokens(loaded: LoadedModel, job: TrainJob) -> int:
    """Tokens of one forward pass at most: the longest row, in every place of a batch; a DPO pair counts as two rows."""
    settings = job.settings
    rows = settings.batch_size // (batch_parts(settings.batch_size) if job.accumulated else 1)
    sides = ("chosen", "rejected") if job.method == "dpo" else ("completion",) if job.method == "sft" else ("text",)
    longest = max((_length(loaded, row.get("prompt", ""), row[side]) for row in job.rows for side in sides), default=0)
    extra = 0 if job.method == "sdf" or not job.rows else _around(loaded, job.rows[0]["prompt"])
    return rows * len(sides) * min(longest + extra + TURN_TOKENS, settings.max_length)


def _length(loaded: LoadedModel, prompt: str, answer: str) -> int:
    return len(loaded.tokenizer(prompt)["input_ids"]) + len(loaded.tokenizer(answer)["input_ids"])


def _around(loaded: LoadedModel, prompt: str) -> int:
    """What the chat template puts around a prompt."""
    rendered = prompt_token_ids(loaded.tokenizer, prompt, True, loaded.accepts_system)
    return max(len(rendered) - len(loaded.tokenizer(prompt)["input_ids"]), 0)
