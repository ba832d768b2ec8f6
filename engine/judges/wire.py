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

from engine.judges.endpoint import Endpoint
from engine.judges.pace import LONGEST_WISH, Pace
from engine.judges.refusals import CAN_DO_WITHOUT, Complaint, complaint, named_field
from engine.judges.replies import Reply, token
from engine.seams import Spent

TRIES = 7
TOP = 20
NO_KEY = "none"


@dataclass(frozen=True)
class Answered:
    """A server's answer and what it took."""

    reply: Reply
    spent: Spent
    finish_reason: str = "stop"
    """Why it ended: `stop`, `length`, or what else the server says (`content_filter`)."""


class TooLong(Exception):  # noqa: N818
    """The question does not fit the server's context."""


class Wire:
    """Asks one model of one server; safe to use from several threads."""

    def __init__(self, endpoint: Endpoint, pace: Pace, say: Callable[[str], None] = lambda _: None) -> None:
        """`say` is told of every wait that a server asks for; `endpoint.fails` is raised without its key."""
        self.endpoint, self.pace, self._say = endpoint, pace, say
        name = endpoint.key_name
        key = os.environ.get(name or "") or None
        if name and key is None:
            raise endpoint.fails(
                f"{self.name} needs ${name}, which is not set; set it and `idemtui resume` the {endpoint.work}."
            )
        self._key = key
        self._client = openai.OpenAI(
            api_key=key or NO_KEY, base_url=endpoint.url, max_retries=0, timeout=endpoint.timeout_seconds
        )
        self._without: set[str] = set()

    @property
    def name(self) -> str:
        """Who is asked, as messages name it."""
        return self.endpoint.name

    def ask(self, messages: list[dict[str, str]], *, max_tokens: int, **wanted: Any) -> Answered:
        """One answer; `wanted` are further fields of the request.

        `endpoint.fails` where the server refuses or keeps failing, TooLong where the question does not fit.
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
                raise self.endpoint.fails(told.line(self.endpoint, failures))
            self._wait(told, failures)

    def _send(self, messages: list[dict[str, str]], max_tokens: int, wanted: dict[str, Any]) -> Any:
        fields = {"seed": 0, **wanted}
        extra = {**fields.pop("extra_body", {})}
        if self.endpoint.server == "openai":
            fields["max_completion_tokens"] = max_tokens
        else:
            fields["max_tokens"] = max_tokens
            extra["chat_template_kwargs"] = {"enable_thinking": False}
        fields = {name: value for name, value in fields.items() if name not in self._without}
        extra = {name: value for name, value in extra.items() if name not in self._without}
        chat: Any = self._client.chat.completions
        return chat.create(model=self.endpoint.model, messages=messages, extra_body=extra or None, **fields)

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
            raise self.endpoint.fails(told.line(self.endpoint, failures))
        if told.retry_after:
            self._say(f"{self.name}: {told.what}; asking again in {seconds:.0f} s")
            self.pace.put_off(told.retry_after)
        self.pace.wait(seconds)

    def _answered(self, answer: Any, wanted: dict[str, Any]) -> Answered:
        choice = answer.choices[0] if getattr(answer, "choices", None) else None
        if choice is None or getattr(choice, "message", None) is None:
            raise self.endpoint.fails(
                f"{self.name} answered without a choice; {self.endpoint.setting('server')} has to be the /v1 of a chat "
                "server."
            )
        content = getattr(choice.logprobs, "content", None) or ()
        places = tuple(
            tuple(token(one.token, one.logprob) for one in sorted(_likely(place), key=lambda one: -one.logprob))
            for place in content
        )
        if wanted.get("logprobs") and (choice.logprobs is None or (choice.message.content and not places)):
            raise self.endpoint.fails(
                f'{self.name} gives no logprobs; set judge.method = "sampled", which draws judge.draws numbers, or use '
                "another judge."
            )
        usage = answer.usage
        spent = Spent(1, getattr(usage, "prompt_tokens", 0) or 0, getattr(usage, "completion_tokens", 0) or 0)
        reply = Reply(choice.message.content or "", places, tuple(place.token for place in content))
        return Answered(reply, spent, choice.finish_reason or "stop")

    def close(self) -> None:
        """Let go of its connections."""
        self._client.close()


def _likely(place: Any) -> list[Any]:
    """The likeliest tokens of a place, the one that was written among them."""
    top = list(place.top_logprobs or ())
    return top if any(one.token == place.token for one in top) else [*top, place]
