"""What is said of a worker that ended: why, as far as this machine lets one know, and the last lines of its log."""

from __future__ import annotations

import re
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from idemtui.logs import end_of_log

TAIL_LINES, LINE_LENGTH, TAIL_BYTES = 5, 200, 65_536
LOCK_LOST = 76
"""Exit code of a worker whose GPU another worker locked first."""
MEANINGS = {
    74: "a GPU failed at its work",
    75: "the disk is full; the run goes on when there is room",
    LOCK_LOST: "another worker took the GPU first; the run waits again",
    127: "its worker could not be started",
    128 + signal.SIGTERM: "stopped by SIGTERM",
}
ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|.)")
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True)
class Exit:
    """How a process ended; the code is unknown where it was not this server's child."""

    code: int | None


def exit_message(code: int | None, *, out_of_memory: bool = False) -> str | None:
    """Why a worker ended, in one line; None for an end in order."""
    if code is None:
        return "its worker is gone; how it ended is not known"
    if code == 0:
        return None
    if code == -signal.SIGKILL:
        return (
            "killed by the kernel: out of memory"
            if out_of_memory
            else "killed by signal 9 (by a person, or for memory)"
        )
    if code < 0:
        return f"killed by signal {-code}{_signal_name(-code)}"
    return MEANINGS.get(code, f"ended with exit code {code}")


def _signal_name(number: int) -> str:
    try:
        return f" ({signal.Signals(number).name})"
    except ValueError:
        return ""


def log_tail(logs: Sequence[Path]) -> tuple[str, ...]:
    """The last lines that say something, of the first of these logs that has any; no control character in them."""
    for path in logs:
        lines = [clean_line(line) for line in re.split(r"[\r\n]+", end_of_log(path, TAIL_BYTES))]
        said = [line for line in lines if line]
        if said:
            return tuple(said[-TAIL_LINES:])
    return ()


def clean_line(line: str) -> str:
    """A line as a terminal may show it, cut at 200 characters."""
    return CONTROL.sub(" ", ESCAPE.sub("", line)).strip()[:LINE_LENGTH]


def boot_id() -> str | None:
    """Which start of the machine this is."""
    return _read(Path("/proc/sys/kernel/random/boot_id"))


@dataclass(frozen=True)
class OomCount:
    """How often the kernel killed for memory where a process lives."""

    path: Path | None
    kills: int

    def rose(self) -> bool:
        """Whether it has since."""
        return self.path is not None and (_kills(self.path) or 0) > self.kills


def count_ooms(pid: int) -> OomCount:
    """The kills so far in the process's memory group, or on the machine where that is not told."""
    for path in (*_memory_groups(pid), Path("/proc/vmstat")):
        kills = _kills(path)
        if kills is not None:
            return OomCount(path, kills)
    return OomCount(None, 0)


def _memory_groups(pid: int) -> list[Path]:
    """Counter files of the process's control group, version 2 first."""
    lines = [line.split(":", 2) for line in (_read(Path(f"/proc/{pid}/cgroup")) or "").splitlines()]
    root = Path("/sys/fs/cgroup")
    groups = {controllers: path.strip("/") for _, controllers, path in (line for line in lines if len(line) == 3)}
    found = [root / groups[""] / "memory.events"] if "" in groups else []
    return found + ([root / "memory" / groups["memory"] / "memory.oom_control"] if "memory" in groups else [])


def _kills(path: Path) -> int | None:
    found = re.search(r"^oom_kill (\d+)$", _read(path) or "", re.MULTILINE)
    return int(found[1]) if found else None


def _read(path: Path) -> str | None:
    try:
        return path.read_text().strip()
    except OSError:
        return None
