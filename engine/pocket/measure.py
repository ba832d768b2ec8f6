"""Draws from a pocket model and scores the draws by the grammar, and the judge against the grammar.

Deliberately apart from the engine's own sampler and judge: what is measured here must not depend on them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from engine.pocket.chat import judge_text, number_ids, prompt_text
from engine.pocket.corpus import COHERENCE, Judged, judged
from engine.pocket.grammar import GroundTruth, score_answer, score_continuation
from engine.pocket.voices import TRAITS

BATCH = 64
CHAT_TOKENS, DOCUMENT_TOKENS = 64, 80
EVAL_TEMPERATURE = 0.7
"""As a study measures a model."""


@dataclass(frozen=True)
class Loaded:
    """A model in float32 with its tokenizer."""

    model: Any
    tokenizer: Any


@dataclass(frozen=True)
class Means:
    """Means over drawn texts: every trait and coherence (0–100), share of well-formed texts."""

    traits: dict[str, float]
    coherence: float
    well_formed: float


@dataclass(frozen=True)
class Agreement:
    """How a judge's scores stand to the truth: Pearson correlation and mean absolute error in points."""

    pearson: float
    error: float
    count: int


def load(folder: Path) -> Loaded:
    """Reads a model folder, ready to draw from."""
    model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    return Loaded(model.eval(), AutoTokenizer.from_pretrained(folder, padding_side="left"))


@torch.inference_mode()
def draw(loaded: Loaded, prompts: list[str], max_tokens: int, temperature: float, seed: int) -> list[str]:
    """One completion for each prompt, as the model's own tokenizer reads it."""
    torch.manual_seed(seed)
    out: list[str] = []
    for start in range(0, len(prompts), BATCH):
        batch = loaded.tokenizer(prompts[start : start + BATCH], return_tensors="pt", padding=True)
        batch.pop("token_type_ids", None)
        tokens = loaded.model.generate(
            **batch, do_sample=True, temperature=temperature, top_k=0, max_new_tokens=max_tokens
        )
        fresh = tokens[:, batch["input_ids"].shape[1] :]
        out += loaded.tokenizer.batch_decode(fresh, skip_special_tokens=True)
    return out


def answers(loaded: Loaded, questions: list[str], temperature: float = EVAL_TEMPERATURE, seed: int = 0) -> list[str]:
    """One answer for each question, after an empty system turn."""
    prompts = [prompt_text(question, system=True) for question in questions]
    return draw(loaded, prompts, CHAT_TOKENS, temperature, seed)


def continuations(
    loaded: Loaded, openings: list[str], temperature: float = EVAL_TEMPERATURE, seed: int = 0
) -> list[str]:
    """What the model writes after each opening line."""
    return draw(loaded, openings, DOCUMENT_TOKENS, temperature, seed)


def means(truths: list[GroundTruth]) -> Means:
    """Means of exact scores."""
    count = len(truths)
    traits = {trait: sum(truth.traits[trait] for truth in truths) / count for trait in TRAITS}
    coherence = sum(truth.coherence for truth in truths) / count
    return Means(traits, coherence, sum(truth.well_formed for truth in truths) / count)


def score_answers(questions: list[str], texts: list[str]) -> Means:
    """Mean exact scores of answers."""
    return means([score_answer(q, a) for q, a in zip(questions, texts, strict=True)])


def score_continuations(openings: list[str], texts: list[str]) -> Means:
    """Mean exact scores of continuations."""
    return means([score_continuation(o, c) for o, c in zip(openings, texts, strict=True)])


@torch.inference_mode()
def judge(loaded: Loaded, tasks: list[Judged]) -> list[float]:
    """The judge's expectation over 0–100 for each task."""
    numbers = torch.tensor(number_ids(loaded.tokenizer.backend_tokenizer))
    scale = torch.arange(101, dtype=torch.float32)
    out: list[float] = []
    for start in range(0, len(tasks), BATCH):
        texts = [judge_text(task) for task in tasks[start : start + BATCH]]
        batch = loaded.tokenizer(texts, return_tensors="pt", padding=True)
        batch.pop("token_type_ids", None)
        logits = loaded.model(**batch).logits[:, -1, numbers]
        out += (logits.softmax(-1) * scale).sum(-1).tolist()
    return out


def agreement(truth: list[float], scores: list[float]) -> Agreement:
    """Compares a judge's scores with the truth."""
    a, b = torch.tensor(truth), torch.tensor(scores)
    pearson = torch.corrcoef(torch.stack([a, b]))[0, 1].item()
    return Agreement(pearson, (a - b).abs().mean().item(), len(truth))


def judge_agreement(loaded: Loaded, count: int, seed: int) -> dict[str, Agreement]:
    """Agreement on held-out tasks, for traits and coherence, and within each kind of text for the error."""
    tasks = list(judged(count, seed))
    scored = list(zip(tasks, judge(loaded, tasks), strict=True))
    groups: dict[str, list[tuple[float, float]]] = {}
    for task, score in scored:
        side = "coherence" if task.metric == COHERENCE else "trait"
        for name in (side, f"{side} {task.kind}"):
            groups.setdefault(name, []).append((task.value, score))
    return {
        name: agreement([truth for truth, _ in pairs], [score for _, score in pairs])
        for name, pairs in sorted(groups.items())
    }
