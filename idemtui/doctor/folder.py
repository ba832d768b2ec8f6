"""Checks of the lab folder: whose it is, what it lies on, how much room there is, how its server is set."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

from engine.errors import UsageError
from idemtui.amounts import size
from idemtui.doctor.check import Check
from idemtui.doctor.patient import Patient
from store.lab import Lab

NETWORK = ("nfs", "cifs", "smb", "lustre", "gpfs", "beegfs", "ceph", "gluster", "afs", "9p", "fuse.sshfs", "fuse.s3")
"""How the names of file systems begin whose locks another machine may not see."""


def check_folder(lab: Lab) -> Check:
    """Owner, mode, permission to write, kind of file system."""
    try:
        found = lab.root.stat()
    except OSError as error:
        advice = "`idemtui demo` or `idemtui run STUDY.toml` makes one; --lab PATH or $IDEMTUI_LAB names another."
        return Check("lab folder", "bad", f"no lab in {lab.root} ({error.strerror})", advice)
    mode, kind = stat.S_IMODE(found.st_mode), filesystem(lab.root)
    what = f"{lab.root}, mode {mode:04o}, {kind or 'unknown file system'}"
    if found.st_uid != os.getuid():
        return Check("lab folder", "bad", f"{what}, owned by user {found.st_uid}", "Use a lab folder of your own.")
    if not os.access(lab.root, os.W_OK):
        return Check("lab folder", "warn", f"{what}, not writable", "It can be read; no server can run on it.")
    if mode & 0o077:
        return Check("lab folder", "warn", f"{what}: open to others", f"Run `chmod 700 {lab.root}`.")
    if kind.startswith(NETWORK):
        advice = "Locks may not hold between machines: use this lab from one machine only, or move it to a local disk."
        return Check("lab folder", "warn", f"{what}, over the network", advice)
    return Check("lab folder", "ok", what)


def filesystem(path: Path) -> str:
    """The kind of file system a path lies on; empty where that cannot be told."""
    import psutil

    try:
        mounts = psutil.disk_partitions(all=True)
    except OSError:
        return ""
    over = [mount for mount in mounts if path.resolve().is_relative_to(mount.mountpoint)]
    return str(max(over, key=lambda mount: len(mount.mountpoint)).fstype) if over else ""


def check_disk(patient: Patient) -> Check:
    """Free space against the reserve."""
    from idemtui.server.settings import ServerSettings, read_settings

    free = shutil.disk_usage(patient.lab.root).free
    reserve = (patient.status.get("disk") or {}).get("reserve_bytes")
    if reserve is None:
        try:
            settings = read_settings(patient.lab)
        except UsageError:
            settings = ServerSettings()
        reserve = settings.disk_reserve_mb * 1_000_000
    what = f"{size(free)} free, reserve {size(reserve)}"
    if free < reserve:
        advice = "Runs pause until there is room: `idemtui gc --keep ends`, `idemtui rm RUN`."
        return Check("disk", "bad", what, advice)
    return Check("disk", "ok", what)


def check_settings(patient: Patient) -> Check:
    """What is in force: the running server's word, else `server.toml`'s."""
    from idemtui.server.settings import read_settings

    path = patient.lab.root / "server.toml"
    try:
        read = read_settings(patient.lab).model_dump()
    except UsageError as error:
        return Check("settings", "bad", str(error), "The next server will not start until the file is right.")
    where = "server.toml" if path.exists() else "no server.toml"
    if patient.served and patient.status.get("settings"):
        read, where = dict(patient.status["settings"]), f"{where}; as the server runs now"
    shown = ", ".join(f"{key} = {value if value is not None else 'unset'}" for key, value in read.items())
    return Check("settings", "ok", f"{shown} ({where})")
