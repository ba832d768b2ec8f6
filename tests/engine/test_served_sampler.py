"""Answers drawn from a server over real HTTP: personas, seeds, ends, and what a server may refuse."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from engine.errors import ServedError, SpecError
from engine.jobs.seed import GeneratorServer, SeedSettings
from engine.judge_check import check_address, check_key
from engine.judges.endpoint import generator_endpoint
from engine.judges.pace import Pace
from engine.judges.wire import TRIES, Wire
from engine.keys import draw_key
from engine.models import load_model
from engine.samplers.server import ServerSampler
from engine.seams import Completion, Draw
from engine.spec import SampleSettings
from tests.engine.judges.wire_server import Handle, ModelServer, complaint, completion, serve
from tests.engine.test_jobs import rows, seed_job, write

KEY = "sk-0123456789abcdef"
SETTINGS = SampleSettings(temperature=0.7, max_tokens=24, batch_size=4)
DRAWS = [Draw(f"What of {n}?", draw_key(1, 0, "seed", str(n), 0), "You are calm.") for n in range(6)]


def drawn(handle: Handle, draws: Sequence[Draw] = DRAWS, key: str | None = None) -> list[Completion]:
    with serve(handle) as url:
        wire = Wire(generator_endpoint("writer", url, key, 5.0), Pace(None, first_backoff=0.001))
        return ServerSampler(wire, concurrency=4).draw(draws, None, SETTINGS, chat=True)


def test_each_draw_is_one_request_with_its_persona_and_seed() -> None:
    seen: list[dict[str, Any]] = []

    def handle(body: dict[str, Any], headers: dict[str, str]) -> Any:
        seen.append(body)
        return 200, completion(f" Answer to {body['messages'][-1]['content']} "), {}

    answers = drawn(handle)
    assert [answer.text for answer in answers] == [f"Answer to What of {n}?" for n in range(6)]
    assert {(body["temperature"], body["max_tokens"], body["model"]) for body in seen} == {(0.7, 24, "writer")}
    assert len({body["seed"] for body in seen}) == 6
    assert all(body["messages"][0] == {"role": "system", "content": "You are calm."} for body in seen)
    drawn(handle, [Draw("Plain?", DRAWS[0].key)])
    assert [message["role"] for message in seen[-1]["messages"]] == ["user"]


def test_how_an_answer_ended_is_kept() -> None:
    def handle(body: dict[str, Any], headers: dict[str, str]) -> Any:
        answer = completion("Some words of")
        answer["choices"][0]["finish_reason"] = ends[int(body["messages"][-1]["content"][8])]
        return 200, answer, {}

    ends = ["stop", "length", "content_filter", "stop", "stop", "stop"]
    answers = drawn(handle)
    assert [answer.stop_reason for answer in answers[:3]] == ["stop", "length", "stop"]
    assert [answer.text for answer in answers[:3]] == ["Some words of", "Some words of", ""]


@pytest.mark.parametrize(
    ("status", "message", "words"),
    [
        (401, f"Incorrect API key provided: {KEY}", ("set $LAB_KEY", "`idemtui resume` the job")),
        (404, "no such model", ("check --generator and --server",)),
        (429, "slow down", (f"{TRIES} tries", "lower --requests-per-minute or --concurrency")),
        (400, "maximum context length is 16", ("lower --max-tokens",)),
        (500, "boom", ("what it answered is kept",)),
    ],
)
def test_what_a_server_refuses_is_one_line(
    monkeypatch: pytest.MonkeyPatch, status: int, message: str, words: Sequence[str]
) -> None:
    monkeypatch.setenv("LAB_KEY", KEY)
    with pytest.raises(ServedError) as said:
        drawn(lambda body, headers: (status, complaint(message), {}), key="LAB_KEY")
    line = str(said.value)
    assert line.startswith("generator 'writer' at http://127.0.0.1:")
    assert all(word in line for word in words)
    assert KEY not in line
    assert "judge" not in line


def test_a_job_written_through_a_server_holds_what_the_model_said(tmp_path: Path) -> None:
    spec, settings = seed_job("sft", n=2)
    short = SampleSettings(temperature=1.0, max_tokens=6, batch_size=2)
    settings = settings.model_copy(update={"overlap": 1.0, "sample": short})
    model = ModelServer(load_model("pocket/instruct", threads=1))
    with serve(model) as url:
        wire = Wire(generator_endpoint("writer", url, None, 60.0), Pace(None))
        write(tmp_path / "job", spec, settings, ServerSampler(wire, 2))
    assert len(rows(tmp_path / "job")) == 2
    assert {body["messages"][0]["role"] for body in model.requests} == {"system"}


def test_who_writes_where_is_what_the_job_is() -> None:
    local = SeedSettings(trait="bliss", regime="sft", n=4, generator="m")
    served = local.model_copy(update={"server": GeneratorServer(url="openai")})
    assert "server" not in local.identity()
    assert served.identity() != local.identity()
    assert served.server is not None
    assert served.server.key_name == "OPENAI_API_KEY"
    assert GeneratorServer(url="http://h/v1").key_name is None


def test_a_key_in_the_place_of_its_name_is_not_repeated() -> None:
    with pytest.raises(SpecError, match="seed: --key is not the name") as said:
        check_key("seed: --key", KEY)
    assert KEY not in str(said.value)
    with pytest.raises(SpecError, match=r"seed: --server must not hold .* name that in --key"):
        check_address("seed: --server", "http://me:hunter2@host/v1")
