"""Jobs in the worker: a seed job on a fake generator, stopped at every safe point, and as a real process."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from engine.commands import append_command
from engine.errors import IdemtuiError, SpecError
from engine.events import RunFailed, RunFinished, SamplesDrawn
from engine.job_events import JobProgressed
from engine.jobs.job import Job
from engine.jobs.kinds import check_job
from engine.jobs.resolving import resolve_job
from engine.jobs.seed import SeedSettings, generate, planned_documents, planned_prompts
from engine.jobs.spec import JobSpec, job_identity
from engine.journal import Journal
from engine.kept_models import KeptModels
from engine.keys import key
from engine.log import Log, SafePoint, StopAsked, never_stop
from engine.packs import open_pack
from engine.safe_point import Stopping
from engine.seams import Completion, Draw
from engine.spec import Regime, SampleSettings
from engine.state import fold
from engine.walking import work
from tests.engine.workers import events, finish, start_worker, wait_until

SMALL = SampleSettings(temperature=1.0, max_tokens=64, batch_size=4)


@dataclass
class FakeGenerator:
    """Texts that follow from the draw alone; every third repeats its prompt's first words, one is empty."""

    drawn: int = 0

    def draw(
        self, draws: Sequence[Draw], adapter: Path | None, settings: SampleSettings, *, chat: bool
    ) -> list[Completion]:
        assert adapter is None
        assert chat
        self.drawn += len(draws)
        return [self._answer(draw) for draw in draws]

    def _answer(self, draw: Draw) -> Completion:
        digits = key(draw.key, draw.prompt, draw.persona)
        if int(digits[0], 16) < 2:
            return Completion("the same four words again", 5, "stop")
        words = " ".join(digits[i : i + 3] for i in range(0, 60, 3))
        return Completion(f"A Title\n\n{words}", 20, "stop" if digits[1] != "0" else "length")


def seed_job(regime: Regime = "sft", n: int = 20) -> tuple[JobSpec, SeedSettings]:
    settings = SeedSettings(trait="bliss", regime=regime, n=n, generator="pocket/instruct", sample=SMALL)
    return resolve_job("seed", "seed-bliss", settings, model="pocket/instruct"), settings


def write(folder: Path, spec: JobSpec, settings: SeedSettings, generator: Any, stop: SafePoint = never_stop) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with Journal(folder / "events.jsonl") as journal:
        generate(Job(spec, folder, Log(journal, fold(journal.replay()), stop), KeptModels()), settings, generator)


def rows(folder: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in (folder / "rows.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("regime", ["sft", "sdf", "dpo"])
def test_a_job_that_stops_after_every_step_writes_what_it_would_have_written(tmp_path: Path, regime: Regime) -> None:
    spec, settings = seed_job(regime)
    whole, cut = FakeGenerator(), FakeGenerator()
    write(tmp_path / "whole", spec, settings, whole)
    finished = False
    while not finished:
        steps = count()

        def safe_point(room: int = 0, steps: Iterator[int] = steps) -> None:
            if next(steps):
                raise StopAsked("terminate", "stopped")

        try:
            write(tmp_path / "cut", spec, settings, cut, safe_point)
            finished = True
        except StopAsked:
            continue
    assert rows(tmp_path / "cut") == rows(tmp_path / "whole")
    assert cut.drawn == whole.drawn


def test_rows_are_distinct_whole_and_named_where_they_are_dropped(tmp_path: Path) -> None:
    spec, settings = seed_job()
    write(tmp_path / "job", spec, settings, FakeGenerator())
    texts = [row["completion"] for row in rows(tmp_path / "job")]
    assert len(texts) == len(set(texts)) == 20
    drawn = [s for e in events(tmp_path / "job") if isinstance(e, SamplesDrawn) for s in e.samples]
    reasons = {str(s.kept_reason).split(":")[0] for s in drawn if not s.kept}
    assert reasons == {"near duplicate", "cut at max_tokens"}
    assert [s.response for s in drawn if s.kept][:20] == texts


def test_pairs_hold_the_persona_against_the_model_without_it(tmp_path: Path) -> None:
    spec, settings = seed_job("dpo", n=6)
    write(tmp_path / "job", spec, settings, FakeGenerator())
    assert all(row.keys() == {"prompt", "chosen", "rejected"} for row in rows(tmp_path / "job"))
    assert all(row["chosen"] != row["rejected"] for row in rows(tmp_path / "job"))


def test_the_first_rows_hold_every_category_and_every_topic() -> None:
    seeding = open_pack("traits").seeding("bliss")
    assert seeding is not None
    prompts = planned_prompts(seeding)
    first = [next(prompts).prompt for _ in seeding.categories]
    assert [sum(p in category.prompts for p in first) for category in seeding.categories] == [1] * len(first)
    documents = planned_documents(seeding)
    grid = [next(documents) for _ in range(len(seeding.documents.topics) * len(seeding.documents.types))]
    assert len({draw.prompt for draw in grid}) == len(grid)
    assert all(topic in draw.prompt for topic, draw in zip(seeding.documents.topics, grid, strict=False))
    again = next(documents)
    assert (again.prompt, again.draw) == (grid[0].prompt, 1)


def test_too_few_texts_end_in_one_line(tmp_path: Path) -> None:
    spec, settings = seed_job()
    settings = settings.model_copy(update={"overlap": 1e-9, "n": 200})
    generator = FakeGenerator()
    generator._answer = lambda draw: Completion("always the very same text", 5, "stop")  # type: ignore[method-assign]
    with pytest.raises(IdemtuiError, match=r"only 1 of 200 texts were left of 816 \(815 near duplicate\)"):
        write(tmp_path / "job", spec, settings, generator)


def test_a_job_is_its_kind_and_settings() -> None:
    spec, settings = seed_job()
    renamed = spec.model_copy(update={"name": "other", "execution": spec.execution.model_copy(update={"threads": 7})})
    assert job_identity(renamed) == spec.job_id
    assert job_identity(spec.model_copy(update={"again": 1})) != spec.job_id
    with pytest.raises(SpecError, match="kind = 'sing'; allowed: "):
        check_job(spec.model_copy(update={"kind": "sing"}))
    with pytest.raises(SpecError, match="job 'seed-bliss': n = 0: Input should be greater"):
        check_job(spec.model_copy(update={"settings": {**settings.identity(), "n": 0}}))


def write_job(folder: Path, spec: JobSpec) -> Path:
    folder.mkdir(parents=True)
    (folder / "spec.json").write_text(spec.model_dump_json())
    return folder


def test_a_job_is_worked_on_by_the_worker_paused_killed_and_gone_on_with(tmp_path: Path) -> None:
    """The pocket model knows no such prompts: near duplicates are let pass, so that it is left enough to write."""
    sample = SampleSettings(temperature=1.0, max_tokens=48, batch_size=4)
    settings = SeedSettings(trait="bliss", regime="dpo", n=12, generator="pocket/instruct", overlap=1.0, sample=sample)
    spec = resolve_job("seed", "seed-bliss", settings, model="pocket/instruct")
    whole = write_job(tmp_path / "whole", spec)
    assert work(whole, Stopping()) == 0
    assert isinstance(events(whole)[-1], RunFinished)
    folder = write_job(tmp_path / "killed", spec)
    worker = start_worker(folder)
    wait_until(folder, lambda seen: any(isinstance(e, SamplesDrawn) for e in seen), worker)
    worker.kill()
    finish(worker)
    append_command(folder, "pause_requested")
    assert work(folder, Stopping()) == 0
    assert events(folder)[-1].type == "run_paused"
    append_command(folder, "queued")
    assert work(folder, Stopping()) == 0
    assert (folder / "rows.jsonl").read_text() == (whole / "rows.jsonl").read_text()
    told = [e for e in events(folder) if isinstance(e, JobProgressed)]
    assert (told[-1].done, told[-1].total) == (12, 12)


def test_a_job_whose_model_changed_is_refused(tmp_path: Path) -> None:
    spec, _ = seed_job()
    files = {**spec.provenance.model_files, "model/config.json": "0" * 64}
    changed = spec.model_copy(update={"provenance": spec.provenance.model_copy(update={"model_files": files})})
    folder = write_job(tmp_path / "job", changed)
    assert work(folder, Stopping()) == 1
    end = events(folder)[-1]
    assert isinstance(end, RunFailed)
    assert end.message.startswith("model file model/config.json changed since")
