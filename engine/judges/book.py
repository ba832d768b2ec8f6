"""The lab's judgements, so that no text is paid for twice: `judgements/<judge_id>.jsonl`, one line a judgement.

The file's name says judge and rubric version; the key is a hash of question and answer. Lines are only ever added,
under a lock; one that a crash tore is passed over. While an answer is asked about, its key is claimed: another worker
with the same text waits, and then reads what was said.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from engine.disk import naming_full_disk
from engine.seams import Judgement, JudgeQuestion, Spent

KEPT = ("value", "mass", "variance", "label", "distribution", "truncated")


def book_key(question: JudgeQuestion) -> str:
    """32 hex digits of question and answer."""
    told = json.dumps([question.question, question.answer], ensure_ascii=False)
    return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:32]


class Book:
    """One judge's judgements by one rubric; each process has its own, over the same file, for all its threads."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        claims = path.with_suffix(".claims")
        self._claims = os.open(claims, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._path = path
        self._places: dict[str, tuple[int, int]] = {}
        self._read_to = 0
        self._looking = threading.Lock()

    def get(self, key: str) -> Judgement | None:
        """What was said, by this process or, as of the last `look`, by another; `spent` counts it as known."""
        place = self._places.get(key)
        return None if place is None else _judgement(json.loads(os.pread(self._fd, place[1], place[0])))

    def look(self) -> None:
        """Take in what was added since; one thread at a time, or places would be counted twice and lead astray."""
        with self._looking:
            self._look()

    def _look(self) -> None:
        size = os.fstat(self._fd).st_size
        content = os.pread(self._fd, size - self._read_to, self._read_to)
        for line in content.splitlines(keepends=True):
            if not line.endswith(b"\n"):
                return
            key = _key_of(line)
            if key is not None:
                self._places.setdefault(key, (self._read_to, len(line)))
            self._read_to += len(line)

    def put(self, judgements: Mapping[str, Judgement]) -> None:
        """Add these, durable before it returns; DiskFullError for want of room."""
        lines = [
            json.dumps({"key": key, **{name: getattr(said, name) for name in KEPT}}) for key, said in judgements.items()
        ]
        data = "".join(f"{line}\n" for line in lines).encode()
        with naming_full_disk(self._path):
            fcntl.flock(self._fd, fcntl.LOCK_EX)
            try:
                end = os.fstat(self._fd).st_size
                torn = end > 0 and os.pread(self._fd, 1, end - 1) != b"\n"
                os.write(self._fd, b"\n" * torn + data)
                os.fsync(self._fd)
            finally:
                fcntl.flock(self._fd, fcntl.LOCK_UN)

    def claim(self, key: str) -> bool:
        """Whether nobody else asks about this text now; the claim ends with `release` or with the process."""
        try:
            fcntl.lockf(self._claims, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _byte(key))
        except BlockingIOError:
            return False
        return True

    def release(self, key: str) -> None:
        """Let go of a claim."""
        with suppress(OSError):
            fcntl.lockf(self._claims, fcntl.LOCK_UN, 1, _byte(key))

    def close(self) -> None:
        """Let go of the files."""
        os.close(self._fd)
        os.close(self._claims)


def _byte(key: str) -> int:
    return int(key[:15], 16)


def _key_of(line: bytes) -> str | None:
    with suppress(ValueError, KeyError, TypeError):
        raw = json.loads(line)
        _judgement(raw)
        return str(raw["key"])
    return None


def _judgement(raw: dict[str, Any]) -> Judgement:
    fields = {name: raw[name] for name in KEPT}
    fields["distribution"] = tuple((int(number), float(p)) for number, p in raw["distribution"])
    return Judgement(**fields, spent=Spent(known=1))
