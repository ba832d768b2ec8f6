"""Why a server did not answer: what is worth another try, what is not, and the one line that says so."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Literal

import openai

from engine.judges.endpoint import Endpoint

Kind = Literal["later", "too_long", "field", "no_logprobs", "key", "model", "quota", "refused"]
CAN_DO_WITHOUT = frozenset({"chat_template_kwargs", "seed"})
LONGEST = 200
CONTEXT = re.compile(
    r"context.{0,12}(length|window|size)|maximum.{0,20}tokens|too many tokens|prompt.{0,8}too long", re.IGNORECASE
)
LOGPROBS = re.compile(r"log_?prob", re.I)
QUOTA = re.compile(r"insufficient_quota|billing|exceeded your current quota", re.I)
TROUBLED = frozenset({408, 409, 425, 429})


@dataclass(frozen=True)
class Complaint:
    """What went wrong with one request; `message` holds no key."""

    kind: Kind
    what: str
    message: str
    retry_after: float | None = None

    def line(self, asked: Endpoint, failures: int) -> str:
        """What a person reads: who, what, what it said, what to do."""
        said = f": {self.message}" if self.message else ""
        tried = f" ({failures} tries)" if failures > 1 else ""
        what = self.what.format(timeout=asked.setting("timeout_seconds")) if self.kind == "later" else self.what
        return f"{asked.name}: {what}{tried}{said}{_advice(self, asked)}"


def _advice(told: Complaint, asked: Endpoint) -> str:
    key, named, again = asked.key_name, asked.setting, f"`idemtui resume` the {asked.work}"
    match told.kind:
        case "key" if key is None:
            return f"; name the variable that holds its key in {named('key')}, and {again}."
        case "key":
            return f"; set ${key} to a key that it takes, and {again}."
        case "model":
            return f"; check {named('model')} and {named('server')} (it ends in /v1; GET …/models lists its models)."
        case "quota":
            return f"; see to the account, then {again}."
        case "no_logprobs":
            return '; set judge.method = "sampled", which draws judge.draws numbers, or use another judge.'
        case "later" if told.what.startswith("429"):
            return f"; lower {named('requests_per_minute')} or {named('concurrency')}, or {again} later."
        case "later":
            return f"; see whether it runs, then {again}: what it answered is kept."
        case _:
            return "; no further request was sent."


def complaint(error: openai.APIError, key: str | None) -> Complaint:
    """What an error of the client means."""
    message = _short(_message(error), key)
    if isinstance(error, openai.APITimeoutError):
        return Complaint("later", "no answer within {timeout}", "")
    if isinstance(error, openai.APIConnectionError):
        return Complaint("later", "cannot be reached", _short(str(error.__cause__ or error), key))
    if not isinstance(error, openai.APIStatusError):
        return Complaint("refused", "its answer cannot be read", message)
    status = error.status_code
    what = f"{status} {type(error).__name__.removesuffix('Error')}"
    if status == 429 and QUOTA.search(f"{error.code} {_message(error)}"):
        return Complaint("quota", what, message)
    if status in TROUBLED or status >= 500:
        return Complaint("later", what, message, _retry_after(error))
    return Complaint(_refusal(status, message), what, message)


def _refusal(status: int, message: str) -> Kind:
    if status in (401, 403):
        return "key"
    if status == 404:
        return "model"
    if CONTEXT.search(message) or status == 413:
        return "too_long"
    if LOGPROBS.search(message):
        return "no_logprobs"
    return "field" if named_field(message, CAN_DO_WITHOUT) else "refused"


def named_field(message: str, fields: frozenset[str] | set[str]) -> str | None:
    """The one of these fields that a message complains of."""
    return next((field for field in sorted(fields) if field in message), None)


def _retry_after(error: openai.APIStatusError) -> float | None:
    stated = error.response.headers.get("retry-after-ms")
    if stated and stated.isdigit():
        return int(stated) / 1000
    stated = error.response.headers.get("retry-after", "").strip()
    try:
        return max(float(stated), 0.0) if stated else None
    except ValueError:
        return _until(stated)


def _until(stated: str) -> float | None:
    try:
        at = parsedate_to_datetime(stated)
    except ValueError:
        return None
    return max((at.astimezone(UTC) - datetime.now(UTC)).total_seconds(), 0.0)


def _message(error: openai.APIError) -> str:
    body = error.body
    if isinstance(body, dict):
        for name in ("message", "detail", "error"):
            if isinstance(body.get(name), str):
                return str(body[name])
    return str(error.message)


def _short(message: str, key: str | None) -> str:
    """One line without the key, as long as a line should be."""
    if key:
        message = message.replace(key, "***")
    return " ".join(message.split())[:LONGEST]
