"""Outliving a login: which of a user's processes the login manager ends, and a scope of its own for the server.

Three cases (logind.conf, `loginctl enable-linger`, systemd-run(1)):

* Lingering on: the user's systemd manager lives always, so a scope under it survives every logout.
* Lingering off, logout kills: processes of a login end with it; a scope lives until the user's last login ends.
* Lingering off, logout spares: a plain process lives on, while a scope would end with the user's manager. No scope.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
import os
import pwd
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from store.lab import Lab

VARIABLE = "IDEMTUI_SCOPE"
"""`0` in the environment: never ask systemd for a scope."""
TRIAL_SECONDS = 2.0
LINGERING = Path("/var/lib/systemd/linger")
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Login:
    """What the login manager says; None where it says nothing."""

    manager: bool
    """Whether a systemd manager of this user is there to hold a scope."""
    linger: bool | None = None
    """Whether that manager outlives the user's logins."""
    kills: bool | None = None
    """Whether logout ends what a login left running."""

    @property
    def scope_helps(self) -> bool:
        """Whether a process lives longer in a scope than without."""
        return self.manager and (self.linger is True or self.kills is True)


def scoped(command: Sequence[str], lab: Lab) -> list[str]:
    """The command in a user scope where that lets it live longer and systemd makes one, else as it is.

    `systemd-run --scope` becomes the command, so process id, session, files and environment stay the caller's.
    """
    if os.environ.get(VARIABLE) == "0" or not read_login().scope_helps or not scopes_work():
        return list(command)
    unit = f"--unit={scope_prefix(lab)}{os.getpid()}-{next(_numbers)}"
    return [*_scope(), unit, "--", *command]


def scope_prefix(lab: Lab) -> str:
    """How the names of this lab's scopes begin."""
    return f"idemtui-{hashlib.sha256(os.fsencode(lab.root)).hexdigest()[:8]}-"


def _scope() -> list[str]:
    return ["systemd-run", "--user", "--scope", "--quiet", "--collect"]


@functools.cache
def read_login() -> Login:
    """Ask once per process; without a user manager nothing is started for it."""
    if not has_user_manager():
        return Login(manager=False)
    return Login(True, *ask_logind())


def has_user_manager() -> bool:
    """Whether this user's systemd manager listens where it should."""
    return (Path(os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}") / "systemd" / "private").exists()


def ask_logind(seconds: float = TRIAL_SECONDS) -> tuple[bool | None, bool | None]:
    """Whether this user lingers, and whether logout ends this user's processes."""
    user = user_name()
    own = _properties(seconds, user, "--property=Linger")
    linger = own["Linger"] == "yes" if "Linger" in own else (LINGERING / user).exists() if LINGERING.exists() else None
    all_users = ("KillUserProcesses", "KillOnlyUsers", "KillExcludeUsers")
    said = _properties(seconds, *(f"--property={name}" for name in all_users))
    if "KillUserProcesses" not in said:
        return linger, None
    only, spared = said.get("KillOnlyUsers", "").split(), said.get("KillExcludeUsers", "").split()
    return linger, said["KillUserProcesses"] == "yes" and (not only or user in only) and user not in spared


def user_name() -> str:
    """The user's name, its number where it has none."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def _properties(seconds: float, *arguments: str) -> dict[str, str]:
    """`loginctl show-user`'s Name=value lines; nothing where it does not answer in time."""
    said = run_quietly(["loginctl", "show-user", *arguments], seconds)
    return dict(line.split("=", 1) for line in (said or "").splitlines() if "=" in line)


@functools.cache
def scopes_work() -> bool:
    """Whether a scope can be made now, tried once per process."""
    return run_quietly([*_scope(), "--", "true"]) is not None


def run_quietly(command: Sequence[str], seconds: float = TRIAL_SECONDS) -> str | None:
    """What a command printed; None where it is missing, failed, or took too long."""
    if shutil.which(command[0]) is None:
        return None
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode(errors="replace") if done.returncode == 0 else None
