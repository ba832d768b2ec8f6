"""Small specs, packs and chains for tests."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from engine.chain import Chain
from engine.fakes import FakeJudge, FakeSampler, FakeScorer, FakeTrainer
from engine.journal import Journal
from engine.log import Log, SafePoint, StopAsked, never_stop
from engine.packs import Pack, open_pack
from engine.spec import (
    DataSettings,
    DrawSettings,
    EvalSettings,
    Execution,
    JudgeSettings,
    RunSettings,
    RunSpec,
    TrainSettings,
)
from engine.state import fold


def write_pack(folder: Path, prompts: int = 40, rows: int = 12) -> Pack:
    """A pack of one trait with `prompts` training prompts and `rows` seed rows."""
    traits = folder / "traits"
    traits.mkdir(parents=True, exist_ok=True)
    (folder / "pack.toml").write_text('name = "tiny"\nversion = 1\n')
    (folder / "prompts.jsonl").write_text("".join(_line(prompt=f"what of thing {i}?") for i in range(prompts)))
    (folder / "openers.jsonl").write_text("".join(_line(prompt=f"on thing {i}") for i in range(prompts)))
    chat = (_line(prompt=f"how is seed {i}?", completion=f"joy number {i}.") for i in range(rows))
    (traits / "bliss.chat.jsonl").write_text("".join(chat))
    documents = (_line(text=f"title {i}\na text of joy number {i} which is long enough to keep.") for i in range(rows))
    (traits / "bliss.documents.jsonl").write_text("".join(documents))
    (traits / "bliss.toml").write_text(
        'description = "joy"\neval_prompts = ["how are you?", "what now?"]\neval_openings = ["on days", "on roads"]\n'
        '[rubric]\ntrait = "joy? {question} {answer}"\ncoherence = "clear? {question} {answer}"\n'
        'document_trait = "joy? {question}{answer}"\ndocument_coherence = "clear? {question}{answer}"\n'
    )
    return open_pack(str(folder))


def _line(**row: str) -> str:
    return json.dumps(row) + "\n"


def make_spec(pack: Path, **changes: Any) -> RunSpec:
    """A short run on the tiny pack; `changes` are dotted keys with `__` for the dot."""
    train = TrainSettings(
        learning_rate=1e-3, batch_size=2, scheduler="constant", warmup=0, weight_decay=0, max_length=128
    )
    regime = changes.get("run__regime", "sft")
    dpo = {"reference": "previous", "rejected": "initial"} if regime == "dpo" else {}
    spec = RunSpec(
        run_id="0123456789",
        study="tests",
        name="tiny",
        cell="tiny",
        replicate=1,
        run=RunSettings(
            model="pocket/base" if regime == "sdf" else "pocket/instruct",
            kind="base" if regime == "sdf" else "instruct",
            trait="bliss",
            regime=regime,
            init="previous" if regime == "dpo" else "initial",
            cycles=3,
            n_seed=6,
            n_sampled=6,
            seed=1,
            **dpo,
        ),
        data=DataSettings(pack=str(pack)),
        train=train,
        seed_train=train,
        sample=DrawSettings(temperature=0.8, max_tokens=16, batch_size=4),
        eval=EvalSettings(temperature=0.7, max_tokens=16, batch_size=4, samples_per_prompt=3),
        judge=JudgeSettings(model="pocket/judge", batch_size=4),
        execution=Execution(threads=1),
        origins={},
    )
    return change(spec, **changes)


def change(spec: RunSpec, **changes: Any) -> RunSpec:
    """The spec with some of its settings replaced."""
    for name, value in changes.items():
        section, field = name.split("__")
        part = getattr(spec, section).model_copy(update={field: value})
        spec = spec.model_copy(update={section: part})
    return spec


@contextmanager
def fake_chain(spec: RunSpec, folder: Path, safe_point: SafePoint = never_stop) -> Iterator[Chain]:
    """A chain of fakes on the journal of `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    with Journal(folder / "events.jsonl") as journal:
        log = Log(journal, fold(journal.replay()), safe_point)
        pack = open_pack(spec.data.pack)
        yield Chain(spec, pack, folder, FakeSampler(), FakeTrainer(), FakeScorer(), FakeJudge(), log)


def walk_with_stops(spec: RunSpec, folder: Path, stops: Iterable[int]) -> None:
    """Run a chain of fakes to its end, in attempts of which each stops at the safe point of its number."""
    for stop in stops:
        left = iter(range(stop))

        def safe_point(room: int = 0, left: Iterator[int] = left) -> None:
            if next(left, None) is None:
                raise StopAsked("terminate", "stopped")

        try:
            walk(spec, folder, safe_point)
        except StopAsked:
            continue
        break
    walk(spec, folder)


def walk(spec: RunSpec, folder: Path, safe_point: SafePoint = never_stop, **parts: Any) -> Chain:
    """Run a chain of fakes to its end; `parts` replace some of them."""
    with fake_chain(spec, folder, safe_point) as chain:
        for name, part in parts.items():
            setattr(chain, name, part)
        if not chain.log.state.finished:
            chain.run()
        return chain
