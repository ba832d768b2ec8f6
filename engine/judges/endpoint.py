"""One model of one OpenAI-compatible server, as its asker knows it: a study's judge, or a generator of seed data."""

from __future__ import annotations

from dataclasses import dataclass

from engine.errors import IdemtuiError, JudgeError, ServedError
from engine.spec import JudgeSettings

OPENAI_URL = "https://api.openai.com/v1"


@dataclass(frozen=True)
class Endpoint:
    """What is asked where, with which key, and how messages name the settings that people can change."""

    role: str
    """`judge` or `generator`."""
    model: str
    server: str
    """`http://host:port/v1`, or `openai`."""
    key_name: str | None
    timeout_seconds: float
    work: str
    """What is resumed once the trouble is over: a run or a job."""
    fails: type[IdemtuiError]
    """What is raised where the server does not answer."""

    @property
    def url(self) -> str:
        """The address that is asked."""
        return OPENAI_URL if self.server == "openai" else self.server.rstrip("/")

    @property
    def name(self) -> str:
        """Model and address as messages name them."""
        return f"{self.role} {self.model!r} at {self.url}"

    def setting(self, name: str) -> str:
        """A setting as its user writes it: `judge.key` in a study, `--key` on the command line."""
        if self.role == "judge":
            return f"judge.{name}"
        return "--generator" if name == "model" else f"--{name.replace('_', '-')}"


def judge_endpoint(settings: JudgeSettings) -> Endpoint:
    """Where a judge with a server is asked."""
    assert settings.server is not None
    return Endpoint(
        "judge", settings.model, settings.server, settings.key_name, settings.timeout_seconds, "run", JudgeError
    )


def generator_endpoint(model: str, server: str, key_name: str | None, timeout_seconds: float) -> Endpoint:
    """Where a generator is asked."""
    return Endpoint("generator", model, server, key_name, timeout_seconds, "job", ServedError)
