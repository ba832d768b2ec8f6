"""A systemd user unit per lab: its server starts with the machine and goes on with what was interrupted."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from pathlib import Path

from engine.errors import LabError, UsageError
from idemtui.server.survival import has_user_manager, read_login, run_quietly
from store.lab import Lab

KEPT = ("CUDA_VISIBLE_DEVICES", "HF_HOME", "HF_HUB_CACHE", "HF_HUB_OFFLINE", "IDEMTUI_SLOTS", "TMPDIR")
"""Variables that the unit takes along where they are set; secrets are never among them."""
SYSTEMD_SECONDS = 20.0

UNIT = """\
# Written by `idemtui serve --install`; `idemtui serve --uninstall` removes it.
[Unit]
Description=idemtui lab server of {description}

[Service]
Type=exec
{environment}ExecStart={command}
KillMode=process
Restart=on-failure
RestartSec=5
RestartPreventExitStatus=2 3
StandardOutput=append:{log}
StandardError=inherit

[Install]
WantedBy=default.target
"""


def unit_path(lab: Lab) -> Path:
    """Where the lab's unit is, or would be."""
    home = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    plain = re.sub(r"[^A-Za-z0-9_.-]+", "-", lab.root.name) or "lab"
    digest = hashlib.sha256(os.fsencode(lab.root)).hexdigest()[:6]
    return Path(home) / "systemd" / "user" / f"idemtui-{plain}-{digest}.service"


def unit_text(lab: Lab, command: Sequence[str]) -> str:
    """The unit that runs `command`; UsageError where a path or variable cannot stand in a unit file."""
    kept = {name: os.environ[name] for name in KEPT if os.environ.get(name)}
    for value in (str(lab.root), *command, *kept.values()):
        if any(ord(character) < 32 for character in value):
            raise UsageError(f"serve --install: {value!r} holds a control character, which no unit file may.")
    return UNIT.format(
        description=specifiers(str(lab.root)),
        environment="".join(f"Environment={quoted(f'{name}={value}')}\n" for name, value in kept.items()),
        command=" ".join(quoted(word) for word in (f":{command[0]}", *command[1:])),
        log=specifiers(str(lab.log)),
    )


def quoted(word: str) -> str:
    r"""One word of a unit file, by systemd.syntax(7): `\` and `"` escaped, `%` doubled, the whole in quotes.

    The command's leading `:` keeps `$` from being expanded.
    """
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{specifiers(escaped)}"'


def specifiers(text: str) -> str:
    """Text in which systemd expands nothing."""
    return text.replace("%", "%%")


def install_unit(lab: Lab, command: Sequence[str]) -> list[str]:
    """Write the unit and start it where a user manager answers; the lines to tell its user."""
    path, text = unit_path(lab), unit_text(lab, command)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    except OSError as error:
        raise LabError(f"{path}: {error.strerror}; the unit could not be written.") from None
    commands = [["daemon-reload"], ["enable", "--now", path.name]]
    return [f"Wrote {path}.", *_told(commands, "Started and enabled; it starts with the machine."), *_linger()]


def uninstall_unit(lab: Lab) -> list[str]:
    """Stop and remove the unit; the lines to tell its user. Workers go on."""
    path = unit_path(lab)
    if not path.exists():
        return [f"No unit of this lab: {path} does not exist."]
    said = _told([["disable", "--now", path.name]], "Stopped and disabled; workers go on.")
    try:
        path.unlink()
        (path.parent / "default.target.wants" / path.name).unlink(missing_ok=True)
    except OSError as error:
        raise LabError(f"{path}: {error.strerror}; the unit could not be removed.") from None
    if has_user_manager():
        _told([["daemon-reload"]], "")
    return [*said, f"Removed {path}."]


def _told(commands: list[list[str]], done: str) -> list[str]:
    """What came of `systemctl --user`, else the commands for its user to run."""
    lines = [["systemctl", "--user", *words] for words in commands]
    if has_user_manager() and all(run_quietly(line, SYSTEMD_SECONDS) is not None for line in lines):
        return [done]
    return ["No systemd manager of this user does that here. Where one does:", *("  " + " ".join(x) for x in lines)]


def _linger() -> list[str]:
    if read_login().linger:
        return []
    return ["It starts at boot, not only at your login, once `loginctl enable-linger` was run."]
