"""Files of lines with one writer, on good days and on a full disk."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from engine.commands import append_command, read_commands, stop_requested
from engine.errors import DiskFullError, JournalError
from engine.lines import append_line


def test_a_torn_end_is_cut_off_before_the_next_line(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    append_line(path, b"one\n")
    with path.open("ab") as file:
        file.write(b"tor")
    append_line(path, b"two\n")
    assert path.read_bytes() == b"one\ntwo\n"


def test_a_full_disk_leaves_nothing_of_the_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    append_command(tmp_path, "queued")
    before = (tmp_path / "commands.jsonl").read_bytes()

    def full(_fd: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DiskFullError, match=r"commands\.jsonl: its disk or quota is full"):
        append_command(tmp_path, "pause_requested")
    assert (tmp_path / "commands.jsonl").read_bytes() == before
    assert stop_requested(tmp_path) is None


def test_a_line_that_is_no_command_is_named(tmp_path: Path) -> None:
    append_command(tmp_path, "queued")
    append_line(tmp_path / "commands.jsonl", b'{"ts": "", "type": "dance"}\n')
    with pytest.raises(JournalError, match=r"commands\.jsonl, line 2 is no command of this version"):
        list(read_commands(tmp_path))
