"""Checks of the server itself: lock, socket, and the process behind them."""

from __future__ import annotations

import os
import stat
from datetime import datetime
from pathlib import Path

from idemtui.amounts import span
from idemtui.doctor.check import Check
from idemtui.doctor.patient import Patient
from store.lab import Lab


def check_lock(patient: Patient) -> Check:
    """Who holds the lab."""
    lock = patient.lab.lock
    if patient.holder is None:
        left = "; the file of an earlier one is left, which does no harm" if lock.exists() else ""
        return Check("lock", "ok", f"held by nobody{left}")
    if patient.holder == 0:
        return Check("lock", "warn", "held by a process that has not written its number yet")
    state = process_state(patient.holder)
    if state is None:
        advice = "Its holder runs on another machine, or in another container: stop it there."
        return Check("lock", "warn", f"held by process {patient.holder}, which is not on this machine", advice)
    return Check("lock", "ok", f"held by process {patient.holder} ({state})")


def process_state(pid: int) -> str | None:
    """`running`, `sleeping`, `stopped`, …; None where there is no such process here."""
    import psutil

    try:
        return str(psutil.Process(pid).status())
    except psutil.Error:
        return None


def check_socket(patient: Patient) -> Check:
    """Where it is, who may use it, whether anybody answers."""
    path, lab = patient.lab.socket, patient.lab
    place = str(path) + (" (a path in the lab would be too long)" if path.parent != lab.root else "")
    if not path.exists():
        if patient.holder is not None and path.parent != lab.root:
            advice = "The server may have another $TMPDIR than this login: set the same in both."
            return Check("socket", "bad", f"{place} is missing though the lab is held", advice)
        return Check("socket", "ok", f"none at {place}: no server listens")
    mode = stat.S_IMODE(path.stat().st_mode)
    what = f"{place}, mode {mode:04o}"
    if mode & 0o077:
        return Check("socket", "bad", f"{what}: open to others", f"Run `chmod 600 {path}`.")
    outside = _open_folder(lab)
    if outside:
        return Check("socket", "bad", f"{what}; {outside}", f"`chmod 700 {path.parent}`, or use a shorter lab path.")
    if patient.answer == "dead":
        return Check("socket", "warn", f"{what}: dead, left by a server that was killed", "The next server clears it.")
    words = {"answered": "answers", "hung": "somebody listens, nobody answers", "refused": "answers with a refusal"}
    return Check("socket", "ok" if patient.served else "bad", f"{what}: {words[patient.answer]}")


def _open_folder(lab: Lab) -> str:
    folder = lab.socket.parent
    if folder == lab.root:
        return ""
    found = folder.stat()
    if found.st_uid != os.getuid():
        return f"{folder} belongs to user {found.st_uid}"
    return f"{folder} is open to others" if stat.S_IMODE(found.st_mode) & 0o077 else ""


def check_server(patient: Patient) -> Check:
    """Version, age, end, and where the system keeps its process."""
    if patient.served:
        return _living(patient)
    if patient.holder is None:
        return Check("server", "ok", "none runs; any command that needs one starts it")
    if patient.answer == "refused":
        advice = "It may be of another version: `idemtui stop`, then any command starts a new one; workers go on."
        return Check("server", "bad", f"process {patient.holder} refuses to tell its state: {patient.problem}", advice)
    stopped = process_state(patient.holder) == "stopped"
    what = f"process {patient.holder} holds the lab and does not answer" + (": it is stopped" if stopped else "")
    first = f"`kill -CONT {patient.holder}` lets it go on" if stopped else "`idemtui stop` ends it"
    advice = f"{first}, `kill -9 {patient.holder}` ends it at once; workers go on and nothing is lost."
    return Check("server", "bad", what, advice)


def _living(patient: Patient) -> Check:
    from idemtui.server.options import PROTOCOL
    from idemtui.version import VERSION

    status, own = patient.status, VERSION
    words = [f"version {status.get('version')}, process {status.get('pid')}", f"in {process_group(status.get('pid'))}"]
    if status.get("started_at"):
        words.append(f"up since {local_time(str(status['started_at']))}")
    left = status.get("ends_in_seconds")
    busy = status.get("waiting") or any(worker.get("run_id") for worker in status.get("workers") or ())
    words.append(
        f"ends in {span(left)} if nobody asks" if left is not None else "at work" if busy else "stays for ever"
    )
    what = ", ".join(words)
    if status.get("protocol") != PROTOCOL or status.get("version") != own:
        here = f"this program is {own}, protocol {PROTOCOL}; the server's protocol is {status.get('protocol')}"
        return Check("server", "warn", f"{what}; {here}", "The next command replaces it; workers go on.")
    return Check("server", "ok", what)


def local_time(stamp: str) -> str:
    """A UTC time stamp on this machine's clock; as it is where it is none."""
    try:
        return datetime.fromisoformat(stamp).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    except ValueError:
        return stamp


def process_group(pid: object) -> str:
    """The scope or service that systemd counts a process to; `no scope of its own` where there is none."""
    try:
        text = Path(f"/proc/{pid}/cgroup").read_text()
    except OSError:
        return "an unknown place"
    leaf = text.strip().splitlines()[-1].rsplit("/", 1)[-1] if text.strip() else ""
    return leaf if leaf.endswith((".scope", ".service")) else "no scope of its own"
