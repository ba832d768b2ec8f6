"""`transformers serve`, a server of another make: the pocket judge draws numbers there, the pocket model seed data."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.errors import JudgeError
from engine.events import RunFinished, SamplesDrawn
from engine.jobs.resolving import resolve_job
from engine.jobs.seed import GeneratorServer, SeedSettings
from engine.judges.local import LocalJudge
from engine.model_files import resolve_model
from engine.models import load_model
from engine.spec import SampleSettings
from tests.engine.judges.test_server import asked, judge_at
from tests.engine.judges.transformers_server import transformers_serve
from tests.engine.workers import events, finish, start_worker, wait_until

MODEL = str(resolve_model("pocket/judge"))


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with transformers_serve() as url:
        yield url


@pytest.mark.proof
def test_a_server_without_logprobs_is_refused_and_then_drawn_from(url: str) -> None:
    with pytest.raises(JudgeError, match=r"gives no logprobs; set judge\.method"):
        judge_at(url, model=MODEL).score(asked(1))
    judge = judge_at(url, model=MODEL, method="sampled", draws=5)
    drawn, known = judge.score(asked(3)), LocalJudge(load_model("pocket/judge")).score(asked(3))
    assert judge.method == "sampled-5"
    assert [one.label for one in drawn] == ["score"] * 6
    for one, exact in zip(drawn, known, strict=True):
        assert exact.variance is not None
        assert one.value == pytest.approx(exact.value, abs=4 * (exact.variance / 5) ** 0.5 + 1)


@pytest.mark.proof
def test_a_generator_behind_it_writes_seed_data_also_when_killed(url: str, tmp_path: Path) -> None:
    settings = SeedSettings(
        trait="bliss",
        regime="dpo",
        n=6,
        generator=str(resolve_model("pocket/instruct")),
        server=GeneratorServer(url=url, concurrency=2),
        overlap=1.0,
        sample=SampleSettings(temperature=1.0, max_tokens=48, batch_size=2),
    )
    spec = resolve_job("seed", "seed-bliss", settings)
    folder = tmp_path / "lab" / "jobs" / spec.job_id
    folder.mkdir(parents=True)
    (folder / "spec.json").write_text(spec.model_dump_json())
    worker = start_worker(folder)
    wait_until(folder, lambda seen: any(isinstance(event, SamplesDrawn) for event in seen), worker)
    worker.kill()
    finish(worker)
    before = events(folder)
    code, said = finish(start_worker(folder))
    assert code == 0, said
    seen = events(folder)
    assert seen[: len(before)] == before
    assert isinstance(seen[-1], RunFinished)
    drawn = [(e.purpose, e.batch) for e in seen if isinstance(e, SamplesDrawn)]
    assert len(drawn) == len(set(drawn))
    rows = [json.loads(line) for line in (folder / "rows.jsonl").read_text().splitlines()]
    assert len(rows) == 6
    assert all(row["chosen"].strip() and row["rejected"].strip() for row in rows)
