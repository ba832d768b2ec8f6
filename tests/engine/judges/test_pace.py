"""Requests a minute, by a clock of the test's own: over real HTTP no minute sees more than were asked for."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from engine.judges import pace as pacing
from engine.judges.asking import Asker
from engine.judges.endpoint import judge_endpoint
from engine.judges.pace import Pace
from engine.judges.server import ServerJudge
from engine.judges.wire import Wire
from engine.seams import JudgeQuestion
from engine.spec import JudgeSettings
from tests.engine.judges.wire_server import completion, place, serve

FIFTY = completion("50", [place(("50", -0.1))])


class Clock:
    """Time that goes on where somebody waits, and nowhere else."""

    def __init__(self) -> None:
        self.now = 1000.0
        self._lock = threading.Lock()

    def monotonic(self) -> float:
        return self.now

    def until(self, at: float) -> None:
        with self._lock:
            self.now = max(self.now, at)


class Timed(Pace):
    """A pace whose waits are told to the clock."""

    def __init__(self, clock: Clock, per_minute: float | None) -> None:
        super().__init__(per_minute)
        self.clock = clock

    def wait(self, seconds: float) -> None:
        self.clock.until(self.clock.now + max(seconds, 0.0))


@pytest.mark.parametrize("per_minute", [6.0, 90.0])
def test_no_minute_sees_more_requests_than_were_asked_for(monkeypatch: pytest.MonkeyPatch, per_minute: float) -> None:
    clock, seen = Clock(), []
    monkeypatch.setattr(pacing.time, "monotonic", clock.monotonic)

    def handle(body: dict[str, Any], headers: dict[str, str]) -> Any:
        seen.append(clock.now)
        return 200, FIFTY if body.get("logprobs") else completion("0"), {}

    with serve(handle) as url:
        settings = JudgeSettings(model="m", server=url, concurrency=1, requests_per_minute=per_minute)
        judge = ServerJudge(
            Asker(Wire(judge_endpoint(settings), Timed(clock, settings.requests_per_minute)), settings), None
        )
        said = judge.score([JudgeQuestion("{question}{answer}", "q", f"answer {n}") for n in range(20)])
    assert all(one.value is not None for one in said)
    assert len(seen) == 22, "two to find out how numbers are written, one an answer"
    busiest = max(sum(start <= at < start + 60 for at in seen) for start in seen)
    assert busiest <= per_minute
    assert seen[-1] - seen[0] == pytest.approx(21 * 60 / per_minute)
