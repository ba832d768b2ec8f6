"""Chains to invent for tests: what they are called, which curve they follow, how far they got, and their specs."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from engine.spec import (
    Control,
    DataSettings,
    DrawSettings,
    EvalSettings,
    Execution,
    JudgeSettings,
    Provenance,
    Regime,
    RunSettings,
    RunSpec,
    Source,
    TrainSettings,
    run_identity,
)

Status = Literal["queued", "running", "paused", "finished", "failed", "killed", "cancelled"]
START = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Chain:
    """One run to invent: what it is called, which curve it follows and how far it got.

    `trait` and `coherence` are means at base, M_0, M_1, …; `done` is the last finished cycle (default: all of them
    for `finished`, else 2); a running chain stands in the middle of sampling for the next cycle's evaluation.
    """

    name: str
    regime: Regime = "sft"
    init: Source = "initial"
    trait: tuple[float, ...] = (2, 47, 41, 33, 24, 18, 12, 8)
    coherence: tuple[float, ...] = (97, 95, 94, 93, 91, 90, 90, 89)
    status: Status = "finished"
    done: int | None = None
    study: str = "demo"
    replicate: int = 1
    seed: int = 101
    prompts: int = 12
    draws: int = 5
    n_seed: int = 24
    n_sampled: int = 20
    steps: int = 12
    minutes: int = 0
    """Start, in minutes after START."""
    parent: Chain | None = None
    """Whose cycles up to `forked_at` are this fork's own."""
    forked_at: int | None = None
    control: Control | None = None
    judge: str = "pocket-judge:tree"
    method: str = "tree"
    empty_from: int | None = None
    """The cycle from which on every evaluation answer is empty."""
    null_from: int | None = None
    """The cycle from which on no answer's trait can be parsed."""
    likelihoods: bool = False
    """Whether its answers were measured under their writer and M_init, and distinct-n taken."""

    @property
    def cycles(self) -> int:
        """The last planned cycle."""
        return len(self.trait) - 2

    @property
    def last(self) -> int:
        """The last finished cycle, −2 for none."""
        if self.done is not None:
            return self.done
        return {"finished": self.cycles, "queued": -2}.get(self.status, 2)

    @property
    def first(self) -> int:
        """The first cycle of its own."""
        return -1 if self.forked_at is None else self.forked_at + 1


def stamp(at: datetime) -> str:
    """ISO 8601 in UTC with milliseconds."""
    return at.isoformat(timespec="milliseconds")


def chain_spec(chain: Chain) -> RunSpec:
    """The resolved spec of an invented chain; its run id depends on the chain's settings alone."""
    dpo = chain.regime == "dpo"
    other: Source | None = chain.init if dpo else None
    run = RunSettings(
        model="pocket/base" if chain.regime == "sdf" else "pocket/instruct",
        kind="base" if chain.regime == "sdf" else "instruct",
        trait="bliss",
        regime=chain.regime,
        init=chain.init,
        reference=other,
        rejected="initial" if dpo else None,
        cycles=chain.cycles,
        n_seed=chain.n_seed,
        n_sampled=chain.n_sampled,
        seed=chain.seed,
        control=chain.control,
    )
    train = TrainSettings(
        learning_rate=1e-3, batch_size=4, scheduler="constant", warmup=0.05, weight_decay=0.01, max_length=256
    )
    cell = hashlib.sha256(json.dumps({**run.identity(), "seed": 0}, separators=(",", ":")).encode()).hexdigest()[:8]
    run_id = run_identity({"run": run.identity(), "study": chain.study, "name": chain.name})
    return RunSpec(
        run_id=run_id,
        study=chain.study,
        name=chain.name,
        cell=cell,
        replicate=chain.replicate,
        run=run,
        data=DataSettings(),
        train=train,
        seed_train=train,
        sample=DrawSettings(temperature=0.8, max_tokens=96),
        eval=EvalSettings(temperature=0.7, max_tokens=96, samples_per_prompt=chain.draws),
        judge=JudgeSettings(model="pocket/judge"),
        execution=Execution(threads=1),
        origins={"run.model": "study", "run.trait": "study", "train.learning_rate": "recipe"},
        provenance=Provenance(
            versions={"idemtui": "0.1.0"}, created_at=stamp(START + timedelta(minutes=chain.minutes))
        ),
        parent_run_id=None if chain.parent is None else chain_spec(chain.parent).run_id,
        forked_at_cycle=chain.forked_at,
    )
