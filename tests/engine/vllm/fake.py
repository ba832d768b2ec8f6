"""A vLLM that only remembers what it was asked: for faults, and for what no CPU build can do."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.errors import ServingError
from engine.vllm.messages import Answer, Done, EngineSettings, Request, Response, Write, Written


@dataclass
class FakeServing:
    """Answers with the adapter's number; `fails` is raised by the request of that name."""

    log: list[str]
    fails: dict[str, ServingError] = field(default_factory=dict)

    def ask(self, request: Request) -> Response:
        name = type(request).__name__
        adapter = f" {request.adapter.number}" if isinstance(request, Write) and request.adapter else ""
        self.log.append(name + adapter)
        if name in self.fails:
            raise self.fails.pop(name)
        if isinstance(request, Write):
            number = request.adapter.number if request.adapter else 0
            return Written([Answer([number], True, 0.0) for _ in request.prompts])
        return Done("0")

    def close(self) -> None:
        self.log.append("close")


@dataclass
class FakeStart:
    """Starts fakes that write into one log."""

    log: list[str] = field(default_factory=list)
    fails: dict[str, ServingError] = field(default_factory=dict)

    def __call__(self, settings: EngineSettings) -> FakeServing:
        self.log.append(f"start {settings.length}")
        return FakeServing(self.log, self.fails)
