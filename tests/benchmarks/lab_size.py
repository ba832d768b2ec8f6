"""Labs of any size from nothing: whole chains with answers of 250 characters, streamed to journals, always the same.

Answers are cut from a long text of words drawn as language draws them (Zipf), no two alike, so that they compress
about as English does. Lines are put together as bytes: a million samples in a minute.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
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
SAMPLE = (
    '{"sample_id":"%s","prompt_id":"%s","draw":%d,"prompt":"%s","response":"%s","tokens":60,"stop_reason":"stop",'
    '"kept":true,"kept_reason":null,"words":50,"sentences":1,"mean_sentence_length":%.3f,"repeat_4gram":%.4f,'
    '"echo":%.4f}'
)
SCORE = '{"sample_id":"%s","value":%.3f,"mass":%.4f,"variance":%.3f,"label":"score","distribution":[%s]}'
PAIRS = ",".join(["[%d,%.4f]"] * 10)

Payload = tuple[str, bytes]
"""An event's type, and its other fields as JSON."""
Asked = list[tuple[str, int]]
"""Prompts and draws."""


@dataclass
class Written:
    """What was written: bytes of all journals, and of the samples alone as JSON lines."""

    runs: int = 0
    samples: int = 0
    scores: int = 0
    journal_bytes: int = 0
    sample_bytes: int = 0


def write_big_lab(root: Path, runs: int, *, scored: bool = True) -> tuple[Lab, Written]:
    """A lab of `runs` finished chains of SAMPLES_PER_RUN samples each; no database."""
    lab, written = create_lab(find_lab(root)), Written()
    for number in range(runs):
        write_big_run(lab, number, written, scored=scored)
    return lab, written


def write_big_run(lab: Lab, number: int, written: Written, *, scored: bool = True) -> str:
    """One run's folder; returns its run id. Where not `scored`, its journal holds samples and nothing else."""
    chain = Chain(f"run-{number}", study=f"study-{number // 20}", seed=number, replicate=number % 4 + 1, minutes=number)
    spec = chain_spec(chain)
    folder = lab.run(spec.run_id)
    folder.mkdir()
    (folder / "spec.json").write_text(spec.model_dump_json())
    commands: tuple[tuple[str, dict[str, int]], ...] = (
        ("queued", {}), ("started", {"pid": number + 1}), ("worker_exited", {"exit_code": 0}),
    )  # fmt: skip
    lines = [msgspec.json.encode({"ts": stamp(START), "type": type_, **fields}) for type_, fields in commands]
    (folder / "commands.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    at = START + timedelta(minutes=number)
    texts = _Texts(spec.run_id, number, written)
    with (folder / "events.jsonl").open("wb", buffering=1 << 20) as file:
        events = (e for e in _events(texts) if scored or e[0] == "samples_drawn")
        for seq, (type_, payload) in enumerate(events):
            head = f'{{"seq":{seq},"ts":"{stamp(at + timedelta(seconds=seq))}","type":"{type_}","payload":'
            written.journal_bytes += file.write(head.encode() + payload + b"}\n")
    written.runs += 1
    return spec.run_id


@cache
def _long_text() -> str:
    """Sixteen million characters of 5,000 words."""
    random_ = random.Random(0)
    letters, weights = "etaoinshrdlucmfwypvbgk", [12, 9, 8, 8, 7, 7, 6, 6, 6, 4, 4, 3, 3, 2, 2, 2, 2, 2, 1, 1, 1, 1]
    sizes = (2, 3, 3, 4, 4, 5, 6, 7, 8, 10)
    words = ["".join(random_.choices(letters, weights, k=random_.choice(sizes))) for _ in range(5000)]
    drawn = random_.choices(words, cum_weights=list(accumulate(1 / (rank + 10) for rank in range(5000))), k=2_600_000)
    return " ".join(drawn)


class _Texts:
    """Samples and scores of one run, as JSON."""

    def __init__(self, run_id: str, number: int, written: Written) -> None:
        self.run_id, self.written = run_id, written
        self.random = random.Random(number)
        self.text = _long_text()

    def samples(self, cycle: int, purpose: str, asked: Asked) -> tuple[list[str], list[str]]:
        """Ids and lines of samples."""
        ids, lines = [], []
        next_, text, half = self.random.random, self.text, CHARACTERS // 2
        room = len(text) - CHARACTERS
        for prompt, draw in asked:
            key = prompt_id(prompt)
            ids.append(sample_id(self.run_id, cycle, purpose, key, draw))
            one, two = int(next_() * room), int(next_() * room)
            response = f"{text[one : one + half].capitalize()} {text[two : two + half - 2]}."
            numbers = 20 * next_(), next_(), next_()
            lines.append(SAMPLE % (ids[-1], key, draw, prompt, response, *numbers))
        self.written.samples += len(lines)
        self.written.sample_bytes += sum(map(len, lines)) + len(lines)
        return ids, lines

    def scores(self, ids: list[str]) -> list[str]:
        """One score of every sample, with a distribution of ten pairs."""
        next_, lines = self.random.random, []
        for id_ in ids:
            middle = 10 + int(next_() * 80)
            pairs = PAIRS % tuple(x for i in range(-5, 5) for x in (middle + i, next_() / 10))
            lines.append(SCORE % (id_, middle + next_(), next_(), 20 * next_(), pairs))
        self.written.scores += len(lines)
        return lines


def _events(texts: _Texts) -> Iterator[Payload]:
    yield _event("run_started", pid=4242, host="box", device="cpu", threads=1, resumed=False)
    for metric in METRICS:
        judge = {"judge_id": JUDGE, "metric": metric, "model": "pocket/judge", "rubric": metric}
        yield _event("judge_declared", **judge, rubric_version=metric, method="tree")
    for cycle in range(-1, CYCLES + 1):
        yield _event("cycle_started", cycle=cycle)
        if cycle >= 0:
            yield from _made(texts, cycle)
        yield from _measured(texts, cycle)
        yield _event("cycle_finished", cycle=cycle)
    yield _event("run_finished", cycles_done=CYCLES)


def _made(texts: _Texts, cycle: int) -> Iterator[Payload]:
    purpose, count = ("seed", SEEDS) if cycle == 0 else ("train", TRAINED)
    asked = [(f"Tell me about number {cycle * 1000 + i} of the harbour.", 0) for i in range(count)]
    ids, lines = texts.samples(cycle, purpose, asked)
    head = {"cycle": cycle, "purpose": purpose, "drawn_by": None if cycle == 0 else cycle - 1}
    drawn = _batches("samples_drawn", head, "samples", lines)
    yield from _stage(cycle, "seed_rows" if cycle == 0 else "sample_train", drawn, count)
    rows = [{"position": i, "sample_id": id_, "role": "prompt_completion", "pair": None} for i, id_ in enumerate(ids)]
    yield _event("rows_built", cycle=cycle, rows=rows)
    yield from _stage(cycle, "train", _steps(cycle), count)
    yield _event(
        "adapter_trained", cycle=cycle, path=f"cycles/{cycle:02d}/adapter",
        adapter_sha256=f"{texts.random.getrandbits(256):064x}", init="M_init", reference=None,
        trainable_parameters=98304, optimizer_steps=STEPS, gradient_norm_max=2.0, delta_norm=1.5, logp_before=-2.5,
        logp_after=-1.25, rows_moved=count, dropped_rows=0, truncated_rows=0, notes=[],
    )  # fmt: skip


def _steps(cycle: int) -> Iterator[Payload]:
    for step in range(1, STEPS + 1):
        values = {"loss": 2 / step, "grad_norm": 1.0, "learning_rate": 1e-3}
        yield _event("train_stepped", cycle=cycle, step=step, values=values)


def _measured(texts: _Texts, cycle: int) -> Iterator[Payload]:
    questions = [f"What do you think about topic {i} of twelve, and why?" for i in range(PROMPTS)]
    asked = [(question, draw) for question in questions for draw in range(DRAWS)]
    ids, lines = texts.samples(cycle, "eval", asked)
    head = {"cycle": cycle, "purpose": "eval", "drawn_by": cycle}
    yield from _stage(cycle, "sample_eval", _batches("samples_drawn", head, "samples", lines), len(ids))
    judged = [
        event
        for metric in METRICS
        for event in _batches(
            "samples_judged", {"cycle": cycle, "metric": metric, "judge_id": JUDGE}, "scores", texts.scores(ids)
        )
    ]
    yield from _stage(cycle, "judge", judged, len(METRICS) * len(ids))


def _stage(cycle: int, stage: str, events: Iterable[Payload], total: int) -> Iterator[Payload]:
    yield _event("stage_started", cycle=cycle, stage=stage, total=total)
    yield from events
    yield _event("stage_finished", cycle=cycle, stage=stage, seconds=1.5, tokens=30 * total)


def _batches(type_: str, head: dict[str, Any], name: str, lines: list[str]) -> Iterator[Payload]:
    """Batches as the sampler's and the judge's."""
    for start in range(0, len(lines), BATCH):
        opening = msgspec.json.encode(head | {"batch": start // BATCH})[:-1]
        yield type_, opening + f',"{name}":[{",".join(lines[start : start + BATCH])}]}}'.encode()


def _event(type_: str, **fields: Any) -> Payload:
    return type_, msgspec.json.encode(fields)
