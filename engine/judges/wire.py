"""One server over the OpenAI wire, through the official client: asked politely, tried again, and refused in one line.

The client's own retries are off: here all threads share one pace, a wait ends when the run is stopped, and a
`Retry-After` is honoured however long it is (up to ten minutes).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import openai

from engine.errors import JudgeError
from engine.judges.pace import LONGEST_WISH, Pace
from engine.judges.refusals import CAN_DO_WITHOUT, Complaint, complaint, named_field
from engine.judges.replies import Reply, token
from engine.seams import Spent
from engine.spec import JudgeSettings

TRIES = 7
TOP = 20
OPENAI_URL = "https://api.openai.com/v1"
NO_KEY = "none"


@dataclass(frozen=True)
class Answered:
    """A server's answer and what it took."""

    reply: Reply
    spent: Spent


class TooLong(Exception):  # noqa: N818
    """The question does not fit the server's context."""


class Wire:
    """Asks one model of one server; safe to use from several threads."""

    def __init__(self, settings: JudgeSettings, pace: Pace, say: Callable[[str], None] = lambda _: None) -> None:
        """`say` is told of every wait that a server asks for."""
        assert settings.server is not None
        self.settings, self.pace, self._say = settings, pace, say
        self.url = OPENAI_URL if settings.server == "openai" else settings.server.rstrip("/")
        key = os.environ.get(settings.key_name or "") or None
        if settings.key_name and key is None:
            raise JudgeError(
                f"{self.name} needs ${settings.key_name}, which is not set; set it and `idemtui resume` the run."
            )
        self._key = key
        self._client = openai.OpenAI(
            api_key=key or NO_KEY, base_url=self.url, max_retries=0, timeout=settings.timeout_seconds
        )
        self._without: set[str] = set()

    @property
    def name(self) -> str:
        """The judge as messages name it."""
        return f"judge {self.settings.model!r} at {self.url}"

    def ask(self, messages: list[dict[str, str]], *, max_tokens: int, **wanted: Any) -> Answered:
        """One answer; `wanted` are further fields of the request.

        JudgeError where the server refuses or keeps failing, TooLong where the question does not fit.
        """
        failures = 0
        while True:
            self.pace.turn()
            try:
                return self._answered(self._send(messages, max_tokens, wanted), wanted)
            except openai.APIError as error:
                told = complaint(error, self._key)
            if told.kind == "too_long":
                raise TooLong
            if told.kind == "field" and self._drop(told):
                continue
            failures += 1
            if told.kind != "later" or failures == TRIES:
                raise JudgeError(told.line(self.name, self.settings, failures))
            self._wait(told, failures)

    def _send(self, messages: list[dict[str, str]], max_tokens: int, wanted: dict[str, Any]) -> Any:
        fields = {"seed": 0, **wanted}
        extra = {**fields.pop("extra_body", {})}
        if self.settings.server == "openai":
            fields["max_completion_tokens"] = max_tokens
        else:
            fields["max_tokens"] = max_tokens
            extra["chat_template_kwargs"] = {"enable_thinking": False}
        fields = {name: value for name, value in fields.items() if name not in self._without}
        extra = {name: value for name, value in extra.items() if name not in self._without}
        chat: Any = self._client.chat.completions
        return chat.create(model=self.settings.model, messages=messages, extra_body=extra or None, **fields)

    def _drop(self, told: Complaint) -> bool:
        """Ask without a field that the server does not know, once for each that a judgement can do without."""
        field = named_field(told.message, CAN_DO_WITHOUT - self._without)
        if field is None:
            return False
        self._without.add(field)
        return True

    def _wait(self, told: Complaint, failures: int) -> None:
        seconds = max(told.retry_after or 0.0, self.pace.backoff(failures))
        if seconds > LONGEST_WISH:
            raise JudgeError(told.line(self.name, self.settings, failures))
        if told.retry_after:
            self._say(f"{self.name}: {told.what}; asking again in {seconds:.0f} s")
            self.pace.put_off(told.retry_after)
        self.pace.wait(seconds)

    def _answered(self, answer: Any, wanted: dict[str, Any]) -> Answered:
        choice = answer.choices[0] if getattr(answer, "choices", None) else None
        if choice is None or getattr(choice, "message", None) is None:
            raise JudgeError(f"{self.name} answered without a choice; judge.server has to be the /v1 of a chat server.")
        content = getattr(choice.logprobs, "content", None) or ()
        places = tuple(
            tuple(token(one.token, one.logprob) for one in sorted(_likely(place), key=lambda one: -one.logprob))
            for place in content
        )
        if wanted.get("logprobs") and (choice.logprobs is None or (choice.message.content and not places)):
            raise JudgeError(
                f'{self.name} gives no logprobs; set judge.method = "sampled", which draws judge.draws numbers, or use '
                "another judge."
            )
        usage = answer.usage
        spent = Spent(1, getattr(usage, "prompt_tokens", 0) or 0, getattr(usage, "completion_tokens", 0) or 0)
        return Answered(Reply(choice.message.content or "", places, tuple(place.token for place in content)), spent)

    def close(self) -> None:
        """Let go of its connections."""
        self._client.close()


def _likely(place: Any) -> list[Any]:
    """The likeliest tokens of a place, the one that was written among them."""
    top = list(place.top_logprobs or ())
    return top if any(one.token == place.token for one in top) else [*top, place]
