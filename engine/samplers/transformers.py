"""Draws answers with plain transformers on a CPU or a GPU, each from its own key.

The decoding loop is written out rather than left to `generate`, which would add a model's own generation defaults
(repetition penalties, top-k) to the protocol's temperature, and would run every row until the last one has ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import DynamicCache

from engine.models import LoadedModel
from engine.samplers.noise import KeyedGumbel
from engine.samplers.texts import read_completion, render_prompt
from engine.seams import Completion, Draw
from engine.spec import SampleSettings

COMPACT_AT = 0.75
"""Finished rows leave the batch once at most this share of it is still being written."""


class TransformersSampler:
    """A Sampler on a model in memory: temperature only, no top-k, no top-p, no penalties."""

    def __init__(self, loaded: LoadedModel) -> None:
        self._loaded = loaded

    def draw(
        self, draws: Sequence[Draw], adapter: Path | None, settings: SampleSettings, *, chat: bool
    ) -> list[Completion]:
        """Completions in the order of `draws`; see `engine.seams.Sampler`.

        A prompt that leaves no room in the model's context loses its oldest tokens. Raises ModelError for `chat`
        without a chat template.
        """
        if not draws:
            return []
        loaded = self._loaded
        loaded.use(adapter)
        prompts = [render_prompt(loaded, draw, settings.max_tokens, chat=chat) for draw in draws]
        batch = _Batch(loaded, prompts, [draw.key for draw in draws], settings.temperature)
        drawn = batch.decode(settings.max_tokens)
        return [
            read_completion(loaded, prompt, tokens, chat=chat) for prompt, tokens in zip(prompts, drawn, strict=True)
        ]


class _Batch:
    """One batch on its way: left-padded prompts, a cache, and the rows still being written."""

    def __init__(self, loaded: LoadedModel, prompts: list[list[int]], keys: list[str], temperature: float) -> None:
        self._model = loaded.model
        self._device = loaded.device
        self._stop = torch.tensor(sorted(loaded.stop_ids), device=loaded.device)
        self._cache = DynamicCache(config=loaded.model.config)
        self._temperature = temperature
        self._keys = keys
        self._agree = loaded.agree
        self._noise: KeyedGumbel | None = None
        self._inputs, self._mask = left_pad(prompts, loaded.tokenizer.pad_token_id, loaded.device)
        self._positions = (self._mask.cumsum(1) - 1).clamp(min=0)
        self._rows = list(range(len(prompts)))

    @torch.inference_mode()
    def decode(self, max_tokens: int) -> list[list[int]]:
        """The tokens of every row up to and with its stop token."""
        drawn: list[list[int]] = [[] for _ in self._rows]
        live = torch.ones(len(self._rows), dtype=torch.bool, device=self._device)
        for _ in range(max_tokens):
            tokens = self._agree(self._step())
            for row, token, open_ in zip(self._rows, tokens.tolist(), live.tolist(), strict=True):
                if open_:
                    drawn[row].append(token)
            live &= ~torch.isin(tokens, self._stop)
            alive = int(live.sum())
            if alive == 0:
                break
            if alive <= COMPACT_AT * len(self._rows):
                tokens, live = self._compact(tokens, live)
            self._advance(tokens)
        return drawn

    def _step(self) -> torch.Tensor:
        output: Any = self._model(
            input_ids=self._inputs,
            attention_mask=self._mask,
            position_ids=self._positions,
            past_key_values=self._cache,
            use_cache=True,
            logits_to_keep=1,
        )
        logits: torch.Tensor = output.logits[:, -1].float()
        if self._temperature == 0:
            return logits.argmax(-1)
        if self._noise is None:
            self._noise = KeyedGumbel(self._keys, logits.shape[-1], self._device)
        return torch.add(self._noise.next(), logits, alpha=1 / self._temperature).argmax(-1)

    def _advance(self, tokens: torch.Tensor) -> None:
        self._inputs = tokens[:, None]
        self._mask = torch.cat([self._mask, self._mask.new_ones(len(tokens), 1)], 1)
        self._positions = self._positions[:, -1:] + 1

    def _compact(self, tokens: torch.Tensor, live: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        kept = live.nonzero()[:, 0]
        self._cache.batch_select_indices(kept)
        self._mask, self._positions = self._mask[kept], self._positions[kept]
        rows = kept.tolist()
        self._rows = [self._rows[row] for row in rows]
        if self._noise is not None:
            self._noise.keep(rows)
        return tokens[kept], live[kept]


def left_pad(rows: list[list[int]], pad: int, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """Token ids and attention mask, (rows, longest), every row ending in the last column."""
    longest = max(len(row) for row in rows)
    ids = torch.tensor([[pad] * (longest - len(row)) + row for row in rows], device=device)
    mask = torch.tensor([[0] * (longest - len(row)) + [1] * len(row) for row in rows], device=device)
    return ids, mask
