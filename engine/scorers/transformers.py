"""Likelihoods of answers with plain transformers: one pass under the writer, one under M_init, one over the blocks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from engine.models import LoadedModel
from engine.samplers.transformers import left_pad
from engine.scorers.spelling import Spelled, blocks, spell
from engine.seams import Answer, Likelihood
from engine.spec import SampleSettings

TOKENS = {"cpu": 4096, "cuda": 32768}
"""Padded tokens of one forward pass."""
LOGITS = {"cpu": 1 << 26, "cuda": 1 << 27}
"""Numbers that the logits of one forward pass may hold: those of two models stand beside each other."""


class TransformersScorer:
    """A Scorer on the model in memory that the sampler and the trainer use too."""

    def __init__(self, loaded: LoadedModel) -> None:
        self._loaded = loaded
        self._vocabulary = int(loaded.model.get_output_embeddings().weight.shape[0])

    def likelihoods(
        self, answers: Sequence[Answer], adapter: Path | None, settings: SampleSettings, *, chat: bool
    ) -> list[Likelihood]:
        """Likelihoods in the order of `answers`; see `engine.seams.Scorer`. Float32 arithmetic on the model's logits.

        Prompts lose their oldest tokens exactly as they do when an answer of `settings.max_tokens` is drawn.
        """
        self._loaded.use(adapter)
        end = self._loaded.end_id(chat=chat)
        spelled = [spell(self._loaded, a, chat=chat, room=settings.max_tokens, end=end) for a in answers]
        found: dict[int, Likelihood] = {}
        for places in self._batches([len(one.ids) for one in spelled], [len(one.answer) + 1 for one in spelled]):
            found.update(zip(places, self.measure([spelled[place] for place in places]), strict=True))
        return [found[place] for place in range(len(answers))]

    def _batches(self, lengths: list[int], kept: list[int]) -> list[list[int]]:
        """Places shortest first, in batches of about one size that two models' logits have room for."""
        device = self._loaded.device.type
        order = sorted(range(len(lengths)), key=lambda place: (lengths[place], kept[place]))
        most = max(1, LOGITS[device] // self._vocabulary)
        batches: list[list[int]] = []
        widest = 0
        for place in order:
            rows = len(batches[-1]) + 1 if batches else 0
            widest = max(widest, kept[place])
            if batches and rows * lengths[place] <= TOKENS[device] and rows * widest <= most:
                batches[-1].append(place)
            else:
                batches.append([place])
                widest = kept[place]
        return batches

    @torch.inference_mode()
    def measure(self, batch: Sequence[Spelled]) -> list[Likelihood]:
        """Likelihoods of spelled answers under the weights in use and under M_init, as one batch."""
        rows, kept = [one.ids for one in batch], max(len(one.answer) for one in batch)
        own, switch = self._logits(rows, kept), self._loaded.switch
        with switch.initially():
            initial = self._logits(rows, kept) if switch.adapted else own
            isolated = self._in_blocks(batch)
        return [
            Likelihood(len(one.answer), *_compared(own[row], initial[row], one.answer), *isolated[row])
            for row, one in enumerate(batch)
        ]

    def _in_blocks(self, batch: Sequence[Spelled]) -> list[tuple[int, float | None]]:
        """How many tokens of every text its blocks predict, and their −log p; None for none."""
        first = self._loaded.tokenizer.bos_token_id
        cut = [(row, block) for row, one in enumerate(batch) for block in blocks(one.text, first)]
        tokens, sums = [0] * len(batch), [0.0] * len(batch)
        for (row, block), logp in zip(cut, self._block_logps([block for _, block in cut]), strict=True):
            tokens[row] += len(block) - 1
            sums[row] -= logp
        return [(count, _finite(total) if count else None) for count, total in zip(tokens, sums, strict=True)]

    def _logits(self, rows: list[list[int]], kept: int) -> torch.Tensor:
        """What predicts the last `kept` tokens of every row, (rows, kept, vocabulary)."""
        ids, mask = left_pad(rows, self._loaded.tokenizer.pad_token_id, self._loaded.device)
        positions = (mask.cumsum(1) - 1).clamp(min=0)
        output: Any = self._loaded.model(
            input_ids=ids, attention_mask=mask, position_ids=positions, use_cache=False, logits_to_keep=kept + 1
        )
        return torch.as_tensor(output.logits)[:, :-1]

    def _block_logps(self, rows: list[list[int]]) -> list[float]:
        """The log p of every block's tokens after its first one."""
        found: dict[int, float] = {}
        lengths = [len(row) for row in rows]
        for places in self._batches(lengths, lengths):
            batch = [rows[place] for place in places]
            logits = self._logits(batch, max(map(len, batch)) - 1)
            for place, block, row in zip(places, batch, logits, strict=True):
                found[place] = float(_chosen(_log_softmax(row, len(block) - 1), block[1:]).double().sum())
        return [found[place] for place in range(len(rows))]


def _compared(
    own: torch.Tensor, initial: torch.Tensor, answer: list[int]
) -> tuple[float | None, float | None, float | None]:
    """−log p of an answer under both models and Σ_t KL(own ‖ initial), from logits that end with it, (≥ tokens, V)."""
    if not answer:
        return None, None, None
    p, q = _log_softmax(own, len(answer)), _log_softmax(initial, len(answer))
    held = p.exp()
    kl = torch.where(held > 0, held * (p - q), 0.0).sum(-1)
    sums = (-_chosen(p, answer).double().sum(), -_chosen(q, answer).double().sum(), kl.double().sum())
    nll, init_nll, divergence = (_finite(float(value)) for value in sums)
    return nll, init_nll, divergence


def _log_softmax(logits: torch.Tensor, last: int) -> torch.Tensor:
    """Of the last positions, in float32."""
    return torch.log_softmax(logits[logits.shape[0] - last :].float(), -1)


def _chosen(logps: torch.Tensor, tokens: list[int]) -> torch.Tensor:
    return logps.gather(-1, torch.tensor(tokens, device=logps.device)[:, None])[:, 0]


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
