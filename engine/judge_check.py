"""What a study may say of its judge: a server's address, and the name (never the value) of its key."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from engine.errors import SpecError
from engine.spec import JudgeSettings

VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*")
SERVERS_ALONE = ("method", "draws", "key", "concurrency", "requests_per_minute", "timeout_seconds", "price_input",
                 "price_output")  # fmt: skip


def check_judge(where: str, judge: JudgeSettings) -> None:
    """Raise SpecError for an address that is none, a key in the place of its name, and what needs a server without one.

    No message repeats what may be a secret.
    """
    check_key(f"{where}: judge.key", judge.key)
    if judge.server is not None:
        check_address(f"{where}: judge.server", judge.server)
        return
    for name in SERVERS_ALONE:
        value = getattr(judge, name)
        if value != JudgeSettings.model_fields[name].default:
            raise SpecError(f"{where}: judge.{name} = {value!r} needs judge.server; the judge here is a local model.")


def check_key(where: str, key: str | None) -> None:
    """Raise SpecError for a key's name that is none; `where` names the setting."""
    if key is not None and not VARIABLE.fullmatch(key):
        raise SpecError(
            f"{where} is not the name of an environment variable (capital letters, digits and _); write "
            "the name of the variable that holds the key, never the key itself."
        )


def check_address(where: str, server: str) -> None:
    """Raise SpecError for an address that is none or that holds a secret; `where` names the setting."""
    if server == "openai":
        return
    parts = urlsplit(server)
    if "@" in parts.netloc or parts.query:
        raise SpecError(
            f"{where} must not hold a password or key; put it into an environment variable and name that in "
            f"{where.split()[-1].replace('server', 'key')}."
        )
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SpecError(f'{where} = {server!r}; allowed: "http://HOST:PORT/v1", "https://…" or "openai".')
