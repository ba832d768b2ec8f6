"""Checks of what a logout and a reboot do to the server and its workers."""

from __future__ import annotations

from pathlib import Path

from idemtui.doctor.check import Check
from idemtui.doctor.patient import Patient
from idemtui.doctor.serving import process_group
from idemtui.server.survival import Login, ask_logind, has_user_manager
from idemtui.server.unit import unit_path
from store.lab import Lab

BOOTED = Path("/run/systemd/system")
"""There where systemd runs the machine."""
NO_HELP = (
    "Run `loginctl enable-linger`, or ask an administrator for it. Without it, leave one login open: a server in a "
    "scope, or `idemtui serve` inside `systemd-run --user --scope tmux`, lives as long as your last login does."
)


def read_login() -> Login:
    """What the login manager says, also where there is no user manager."""
    return Login(has_user_manager(), *ask_logind(seconds=0.7))


def check_logout(patient: Patient, login: Login) -> Check:
    """Whether the server and its workers outlive the login that started them."""
    where = f"; the server is in {process_group(patient.status['pid'])}" if patient.served else ""
    if not BOOTED.exists() and not login.manager:
        return Check("logout", "ok", f"no systemd runs here, and nothing else known ends processes at logout{where}")
    if login.linger and login.manager:
        return Check("logout", "ok", f"lingering is on: a server in a scope of its own outlives logout{where}")
    if login.kills is False:
        return Check("logout", "ok", f"this machine leaves processes running at logout{where}")
    if login.kills is None:
        what = f"the login manager does not say whether it ends processes at logout{where}"
        advice = "`loginctl show-user` tells KillUserProcesses; with `yes`, ask for `loginctl enable-linger`."
        return Check("logout", "warn", what, advice)
    until = "when your last login ends" if login.manager else "at logout"
    return Check("logout", "bad", f"this machine ends your processes {until}{where}", NO_HELP)


def check_reboot(lab: Lab, login: Login) -> Check:
    """Whether somebody goes on after a reboot."""
    path = unit_path(lab)
    if not path.exists():
        what = "no user unit: after a reboot the first command says what was interrupted"
        return Check("reboot", "ok", what, "`idemtui serve --install` goes on without being asked.")
    if not login.linger:
        return Check("reboot", "warn", f"{path.name} starts at your next login", "`loginctl enable-linger`: at boot.")
    return Check("reboot", "ok", f"{path.name} starts at boot and goes on with what was interrupted")
