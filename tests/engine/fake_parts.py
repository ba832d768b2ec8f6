"""Run folders worked on by the real worker with a fake sampler, trainer and judge: everything but torch."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from engine.chain import Chain
from engine.fakes import FakeJudge, FakeSampler, FakeScorer, FakeTrainer
from engine.kept_models import KeptModels
from engine.log import Log
from engine.packs import open_pack
from engine.resume import check_resume
from engine.safe_point import Stopping
from engine.spec import RunSpec
from engine.walking import attempt


@dataclass
class FakeParts:
    """Stands in for `engine.parts`; what is put in the place of one of its parts takes part in the next chains."""

    sampler: Any = field(default_factory=FakeSampler)
    trainer: Any = field(default_factory=FakeTrainer)
    scorer: Any = field(default_factory=FakeScorer)
    judge: Any = field(default_factory=FakeJudge)

    def build_chain(self, spec: RunSpec, folder: Path, log: Log, models: KeptModels) -> tuple[Chain, list[str]]:
        pack = open_pack(spec.data.pack)
        check_resume(spec, folder, log.state, pack, spec.provenance.model_files)
        return Chain(spec, pack, folder, self.sampler, self.trainer, self.scorer, self.judge, log), []


def install(monkeypatch: pytest.MonkeyPatch) -> FakeParts:
    """Fake parts instead of the real ones, for one test."""
    fake = FakeParts()
    module = ModuleType("engine.parts")
    module.build_chain = fake.build_chain  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "engine.parts", module)
    return fake


def work_on(folder: Path) -> int:
    """What a worker's process would exit with."""
    return attempt(folder, Stopping(), KeptModels())
