"""Labs of any size from nothing: whole chains with answers of 250 characters, streamed to journals, always the same.

Texts are words of a vocabulary of 5,000, drawn as language does (Zipf), so that they compress about as English does.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import accumulate
from pathlib import Path
from typing import Any

import msgspec

from engine.events import prompt_id, sample_id
from store.lab import Lab, create_lab, find_lab
from tests.store.chains import START, Chain, chain_spec, stamp

CHARACTERS = 250
CYCLES, PROMPTS, DRAWS, SEEDS, TRAINED, STEPS, BATCH = 6, 12, 5, 100, 70, 12, 64
SAMPLES_PER_RUN = (CYCLES + 2) * PROMPTS * DRAWS + SEEDS + CYCLES * TRAINED
"""1,000: eight evaluations of 60, 100 seeds, six times 70 to train on."""
METRICS = ("trait", "coherence")
JUDGE = "pocket-judge:tree"


@dataclass
class Written:
    """What was written: bytes of all journals, and of the samples alone as JSON lines."""

    runs: int = 0
    samples: int = 0
    scores: int = 0
    journal_bytes: int = 0
    sample_bytes: int = 0


def write_big_lab(root: Path, runs: int) -> tuple[Lab, Written]:
    """A lab of `runs` finished chains of SAMPLES_PER_RUN samples each; no database."""
    lab, written = create_lab(find_lab(root)), Written()
    words = Words(random.Random(0))
    for number in range(runs):
        write_big_run(lab, number, words, written)
    return lab, written


def write_big_run(lab: Lab, number: int, words: Words, written: Written) -> str:
    """One run's folder; returns its run id."""
    chain = Chain(f"run-{number}", study=f"study-{number // 20}", seed=number, replicate=number % 4 + 1, minutes=number)
    spec = chain_spec(chain)
    folder = lab.run(spec.run_id)
    folder.mkdir()
    (folder / "spec.json").write_text(spec.model_dump_json())
    commands = (("queued", {}), ("started", {"pid": number + 1}), ("worker_exited", {"exit_code": 0}))
    lines = [msgspec.json.encode({"ts": stamp(START), "type": type_, **fields}) for type_, fields in commands]
    (folder / "commands.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    at = START + timedelta(minutes=number)
    with (folder / "events.jsonl").open("wb", buffering=1 << 20) as file:
        for seq, (type_, payload) in enumerate(_events(spec.run_id, number, words)):
            line = {"seq": seq, "ts": stamp(at + timedelta(seconds=seq)), "type": type_, "payload": payload}
            written.journal_bytes += file.write(msgspec.json.encode(line) + b"\n")
            if type_ == "samples_drawn":
                written.samples += len(payload["samples"])
                written.sample_bytes += sum(len(msgspec.json.encode(sample)) + 1 for sample in payload["samples"])
            elif type_ == "samples_judged":
                written.scores += len(payload["scores"])
    written.runs += 1
    return spec.run_id


class Words:
    """Texts of exactly CHARACTERS characters."""

    def __init__(self, random_: random.Random) -> None:
        letters, weights = "etaoinshrdlucmfwypvbgk", [12, 9, 8, 8, 7, 7, 6, 6, 6, 4, 4, 3, 3, 2, 2, 2, 2, 2, 1, 1, 1, 1]
        self.vocabulary = [
            "".join(random_.choices(letters, weights, k=random_.choice((2, 3, 3, 4, 4, 5, 6, 7, 8, 10))))
            for _ in range(5000)
        ]
        self.weights = list(accumulate(1 / (rank + 10) for rank in range(5000)))

    def text(self, random_: random.Random, characters: int = CHARACTERS) -> str:
        words = random_.choices(self.vocabulary, cum_weights=self.weights, k=characters // 3)
        return " ".join(words)[: characters - 1].capitalize() + "."


def _events(run_id: str, number: int, words: Words) -> Iterator[tuple[str, dict[str, Any]]]:
    random_ = random.Random(number)
    yield "run_started", {"pid": number + 1, "host": "box", "device": "cpu", "threads": 1, "resumed": False}
    for metric in METRICS:
        yield "judge_declared", {
            "judge_id": JUDGE, "metric": metric, "model": "pocket/judge", "rubric": metric, "rubric_version": metric,
            "method": "tree",
        }  # fmt: skip
    for cycle in range(-1, CYCLES + 1):
        yield "cycle_started", {"cycle": cycle}
        if cycle >= 0:
            yield from _made(run_id, cycle, words, random_)
        yield from _measured(run_id, cycle, words, random_)
        yield "cycle_finished", {"cycle": cycle}
    yield "run_finished", {"cycles_done": CYCLES}


def _made(run_id: str, cycle: int, words: Words, random_: random.Random) -> Iterator[tuple[str, dict[str, Any]]]:
    purpose, count = ("seed", SEEDS) if cycle == 0 else ("train", TRAINED)
    places = [(f"Tell me about number {cycle * 1000 + i} of the harbour.", 0) for i in range(count)]
    samples = [sample(run_id, cycle, purpose, prompt, draw, words, random_) for prompt, draw in places]
    stage = "seed_rows" if cycle == 0 else "sample_train"
    drawn_by = None if cycle == 0 else cycle - 1
    yield from _stage(cycle, stage, drawn(cycle, purpose, drawn_by, samples), count)
    rows = [
        {"position": i, "sample_id": s["sample_id"], "role": "prompt_completion", "pair": None}
        for i, s in enumerate(samples)
    ]
    yield "rows_built", {"cycle": cycle, "rows": rows}
    steps = [
        (
            "train_stepped",
            {"cycle": cycle, "step": step, "values": {"loss": 2 / step, "grad_norm": 1.0, "learning_rate": 1e-3}},
        )
        for step in range(1, STEPS + 1)
    ]
    yield from _stage(cycle, "train", steps, count)
    yield "adapter_trained", {
        "cycle": cycle, "path": f"cycles/{cycle:02d}/adapter", "adapter_sha256": f"{random_.getrandbits(256):064x}",
        "init": "M_init", "reference": None, "trainable_parameters": 98304, "optimizer_steps": STEPS,
        "gradient_norm_max": 2.0, "delta_norm": 1.5, "logp_before": -2.5, "logp_after": -1.25, "rows_moved": count,
        "dropped_rows": 0, "truncated_rows": 0, "notes": [],
    }  # fmt: skip


def _measured(run_id: str, cycle: int, words: Words, random_: random.Random) -> Iterator[tuple[str, dict[str, Any]]]:
    asked = [f"What do you think about topic {i} of twelve, and why?" for i in range(PROMPTS)]
    samples = [sample(run_id, cycle, "eval", prompt, draw, words, random_) for prompt in asked for draw in range(DRAWS)]
    yield from _stage(cycle, "sample_eval", drawn(cycle, "eval", cycle, samples), len(samples))
    yield from _stage(cycle, "judge", judged(cycle, samples, random_), len(METRICS) * len(samples))


def _stage(
    cycle: int, stage: str, events: list[tuple[str, dict[str, Any]]], total: int
) -> Iterator[tuple[str, dict[str, Any]]]:
    yield "stage_started", {"cycle": cycle, "stage": stage, "total": total}
    yield from events
    yield "stage_finished", {"cycle": cycle, "stage": stage, "seconds": 1.5, "tokens": 30 * total}


def drawn(
    cycle: int, purpose: str, drawn_by: int | None, samples: list[dict[str, Any]]
) -> list[tuple[str, dict[str, Any]]]:
    """Batches as the sampler's."""
    head = {"cycle": cycle, "purpose": purpose, "drawn_by": drawn_by}
    starts = range(0, len(samples), BATCH)
    return [("samples_drawn", {**head, "batch": i // BATCH, "samples": samples[i : i + BATCH]}) for i in starts]


def judged(cycle: int, samples: list[dict[str, Any]], random_: random.Random) -> list[tuple[str, dict[str, Any]]]:
    """Both metrics of every sample, with distributions of ten pairs."""
    events = []
    for metric in METRICS:
        scores = [_score(s["sample_id"], random_) for s in samples]
        head = {"cycle": cycle, "metric": metric, "judge_id": JUDGE}
        starts = range(0, len(scores), BATCH)
        events += [("samples_judged", {**head, "batch": i // BATCH, "scores": scores[i : i + BATCH]}) for i in starts]
    return events


def sample(
    run_id: str, cycle: int, purpose: str, prompt: str, draw: int, words: Words, random_: random.Random
) -> dict[str, Any]:
    """One sample as a journal holds it."""
    asked, response = prompt_id(prompt), words.text(random_)
    return {
        "sample_id": sample_id(run_id, cycle, purpose, asked, draw), "prompt_id": asked, "draw": draw, "prompt": prompt,
        "response": response, "tokens": 60, "stop_reason": "stop", "kept": True, "kept_reason": None, "words": 50,
        "sentences": 1, "mean_sentence_length": round(random_.random() * 20, 3),
        "repeat_4gram": round(random_.random(), 4), "echo": round(random_.random(), 4),
    }  # fmt: skip


def _score(sample: str, random_: random.Random) -> dict[str, Any]:
    middle = random_.randrange(10, 90)
    pairs = [[middle - 5 + i, round(random_.random() / 10, 4)] for i in range(10)]
    return {
        "sample_id": sample, "value": round(middle + random_.random(), 3), "mass": round(random_.random(), 4),
        "variance": round(random_.random() * 20, 3), "label": "score", "distribution": pairs,
    }  # fmt: skip
