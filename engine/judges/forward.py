"""Reads the probabilities of 0…100 as the next number after a prompt, from a causal model in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from engine.failures import gpu_failed, out_of_memory
from engine.judges.integers import NumberTree, number_tree
from engine.models import LoadedModel
from engine.samplers.transformers import left_pad

TOKENS = {"cpu": 4096, "cuda": 32768}
"""Padded tokens of one forward pass."""
LOGITS = 1 << 27
"""Numbers that the logits of one forward pass may hold."""
TOLERANCE = {torch.float64: 1e-6, torch.float32: 1e-3, torch.float16: 0.05, torch.bfloat16: 0.2}
"""How far log-probabilities through the tree may lie from those of a plain pass before the tree is given up."""
NO_SUCH_MASK = (TypeError, ValueError, RuntimeError, LookupError, AttributeError)
"""What models raise that take no mask of ours."""


@dataclass(frozen=True)
class Reading:
    """p(0)…p(100), and what the first token's distribution says besides."""

    numbers: list[float]
    likeliest: float
    refusal: float
    code: float


class NumberReader:
    """Exact number probabilities: one forward pass per prompt.

    Where every number is one token, p(v) is the sum of the tokens that strip to v. Otherwise all spellings hang on the
    prompt as one tree in the same pass (each tree token sees the prompt and its ancestors), and
    p(v) = Π p(token | before) · (1 − mass of the tokens that begin with a digit after v).
    """

    def __init__(self, loaded: LoadedModel) -> None:
        self._loaded = loaded
        self._model = loaded.model
        self.tree = number_tree(loaded.tokenizer)
        device = loaded.device
        self._digits = torch.tensor(self.tree.digits, device=device)
        self._refusal = torch.tensor(sorted(self.tree.refusal), device=device)
        self._code = torch.tensor(sorted(self.tree.code), device=device)
        self.in_one_pass = self.tree.single is not None or self._tree_works()

    @torch.inference_mode()
    def read(self, prompts: Sequence[Sequence[int]]) -> list[Reading]:
        """Readings in the order of `prompts`, computed shortest first in batches of about one size."""
        order = sorted(range(len(prompts)), key=lambda place: len(prompts[place]))
        readings: dict[int, Reading] = {}
        for batch in self._batches(order, prompts):
            read = self._read_batch([list(prompts[place]) for place in batch])
            readings.update(zip(batch, read, strict=True))
        return [readings[place] for place in range(len(prompts))]

    def _batches(self, order: list[int], prompts: Sequence[Sequence[int]]) -> list[list[int]]:
        extra = 0 if self.tree.single is not None else len(self.tree.nodes)
        vocabulary = self._model.get_output_embeddings().weight.shape[0]
        most = max(1, LOGITS // (vocabulary * (extra + 1)))
        budget = TOKENS[self._loaded.device.type]
        batches: list[list[int]] = []
        for place in order:
            rows = len(batches[-1]) + 1 if batches else 0
            if batches and rows <= most and rows * (len(prompts[place]) + extra) <= budget:
                batches[-1].append(place)
            else:
                batches.append([place])
        return batches

    def _read_batch(self, prompts: list[list[int]]) -> list[Reading]:
        if self.tree.single is not None:
            return [self._single(row) for row in self._last_logits(prompts)]
        if self.in_one_pass:
            return [self._tree_reading(row[0], row[1:]) for row in self._tree_logits(prompts)]
        return [self._plain_reading(prompt) for prompt in prompts]

    def _last_logits(self, rows: list[list[int]]) -> torch.Tensor:
        """Logits after each row, (rows, vocabulary)."""
        ids, mask = left_pad(rows, self._loaded.tokenizer.pad_token_id, self._loaded.device)
        positions = (mask.cumsum(1) - 1).clamp(min=0)
        output: Any = self._model(
            input_ids=ids, attention_mask=mask, position_ids=positions, use_cache=False, logits_to_keep=1
        )
        return torch.as_tensor(output.logits[:, -1])

    def _tree_logits(self, prompts: list[list[int]]) -> torch.Tensor:
        """Logits after each prompt and after each node of the tree, (rows, 1 + nodes, vocabulary)."""
        nodes = self.tree.nodes
        tokens = [node.token for node in nodes]
        ids, mask = left_pad([prompt + tokens for prompt in prompts], self._loaded.tokenizer.pad_token_id, self._device)
        start = ids.shape[1] - len(nodes)
        positions = (mask.cumsum(1) - 1).clamp(min=0)
        depths = torch.tensor([node.depth for node in nodes], device=self._device)
        positions[:, start:] = positions[:, start - 1 : start] + depths
        output: Any = self._model(
            input_ids=ids,
            attention_mask=self._attention(mask, positions, start),
            position_ids=positions,
            use_cache=False,
            logits_to_keep=len(nodes) + 1,
        )
        return torch.as_tensor(output.logits)

    @property
    def _device(self) -> torch.device:
        return self._loaded.device

    def _attention(self, mask: torch.Tensor, positions: torch.Tensor, start: int) -> Any:
        """Additive masks in which a tree token sees its prompt, its ancestors and itself, windows respected."""
        length = mask.shape[1]
        seen = torch.ones(length, length, dtype=torch.bool, device=self._device).tril()
        seen[start:, start:] = _ancestry(self.tree).to(self._device)
        allowed = seen & mask.bool()[:, None, None, :]
        config = self._model.config.get_text_config()
        window = getattr(config, "sliding_window", None)
        near = allowed
        if window:
            distance = positions[:, None, :, None] - positions[:, None, None, :]
            near = allowed & (distance < window)
        kinds = getattr(config, "layer_types", None)
        if kinds is None:
            return self._additive(near)
        masks = {"full_attention": allowed, "sliding_attention": near}
        return {kind: self._additive(masks[kind]) for kind in set(kinds)}

    def _additive(self, allowed: torch.Tensor) -> torch.Tensor:
        dtype = self._model.dtype
        return torch.zeros_like(allowed, dtype=dtype).masked_fill(~allowed, torch.finfo(dtype).min)

    def _single(self, logits: torch.Tensor) -> Reading:
        p = torch.softmax(_wide(logits), -1)
        assert self.tree.single is not None
        likely = p.cpu()
        return self._reading([float(likely[list(same)].sum()) for same in self.tree.single], p)

    def _tree_reading(self, root: torch.Tensor, after: torch.Tensor) -> Reading:
        """A reading from the logits after the prompt, (vocabulary,), and after every node, (nodes, vocabulary)."""
        first = torch.log_softmax(_wide(root), -1)
        then = torch.log_softmax(_wide(after), -1)
        ended = (1 - then[:, self._digits].exp().sum(-1)).clamp(min=0).tolist()
        logp: list[float] = []
        parents = torch.tensor([node.parent for node in self.tree.nodes], device=self._device)
        tokens = torch.tensor([node.token for node in self.tree.nodes], device=self._device)
        steps = torch.where(parents < 0, first[tokens], then[parents.clamp(min=0), tokens]).tolist()
        for node, step in zip(self.tree.nodes, steps, strict=True):
            logp.append(step + (logp[node.parent] if node.parent >= 0 else 0.0))
        reached = torch.tensor(logp, dtype=torch.float64).exp().tolist()
        return self._reading([reached[end] * ended[end] for end in self.tree.ends], first.exp())

    def _reading(self, numbers: list[float], p: torch.Tensor) -> Reading:
        return Reading(numbers, float(p.max()), float(p[self._refusal].sum()), float(p[self._code].sum()))

    def _plain_reading(self, prompt: list[int]) -> Reading:
        """The same reading by one plain row per node, for models that take no mask of ours."""
        rows = [prompt, *([*prompt, *self.tree.path(node)] for node in range(len(self.tree.nodes)))]
        size = max(1, TOKENS[self._device.type] // len(rows[-1]))
        logits = torch.cat([self._last_logits(rows[i : i + size]) for i in range(0, len(rows), size)])
        return self._tree_reading(logits[0], logits[1:])

    @torch.inference_mode()
    def _tree_works(self) -> bool:
        """Whether the model gives through the tree what it gives for plain rows, tried on a short prompt."""
        prompt = self._loaded.tokenizer.encode("Give a number from 0 to 100.\n" * 4, add_special_tokens=False)
        nodes = [0, len(self.tree.nodes) // 2, len(self.tree.nodes) - 1]
        plain = self._last_logits([[*prompt, *self.tree.path(node)] for node in nodes])
        try:
            tree = self._tree_logits([prompt[3:], prompt])[1, [node + 1 for node in nodes]]
        except NO_SUCH_MASK as error:
            if out_of_memory(error) or gpu_failed(error):
                raise
            return False
        apart = (torch.log_softmax(plain.float(), -1) - torch.log_softmax(tree.float(), -1)).abs().max()
        return bool(apart < TOLERANCE[self._model.dtype])


def _wide(logits: torch.Tensor) -> torch.Tensor:
    """At least float32: sums over a vocabulary need it."""
    return logits if logits.dtype == torch.float64 else logits.float()


def _ancestry(tree: NumberTree) -> torch.Tensor:
    """(nodes, nodes): whether the row's node is the column's node or comes after it."""
    seen = torch.eye(len(tree.nodes), dtype=torch.bool)
    for place, node in enumerate(tree.nodes):
        if node.parent >= 0:
            seen[place] |= seen[node.parent]
    return seen
