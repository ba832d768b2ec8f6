"""A terminal of one's own for a proof: tmux around ssh to an sshd on loopback, with keys that live as long as it."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

PATIENCE_SECONDS = 100.0
WIDTH, HEIGHT = 140, 45
SSHD = shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin:/usr/local/sbin")


def missing() -> str:
    """What this machine lacks for a walk; empty where it has everything."""
    lacks = [name for name in ("tmux", "ssh", "ssh-keygen") if shutil.which(name) is None]
    lacks += [] if SSHD else ["sshd"]
    return f"not installed: {', '.join(lacks)}" if lacks else ""


@contextmanager
def sshd(folder: Path) -> Iterator[list[str]]:
    """An ssh daemon for this user alone; yields the command that goes through it."""
    folder.mkdir(mode=0o700)
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # as its service does; sshd of a root wants it to be there
    for name in ("host", "mine"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
    shutil.copy(folder / "mine.pub", folder / "allowed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    lines = {
        "ListenAddress": f"127.0.0.1:{port}", "HostKey": folder / "host", "AuthorizedKeysFile": folder / "allowed",
        "PidFile": "none", "StrictModes": "no", "PasswordAuthentication": "no", "PermitRootLogin": "yes",
        "AcceptEnv": "NO_COLOR",
    }  # fmt: skip
    (folder / "config").write_text("\n".join(f"{key} {value}" for key, value in lines.items()) + "\n")
    command = [str(SSHD), "-D", "-e", "-f", str(folder / "config")]
    with (folder / "log").open("w") as log, subprocess.Popen(command, stderr=log) as daemon:
        try:
            _listening(port, daemon, folder / "log")
            yield [
                "ssh", "-tt", "-q", "-p", str(port), "-i", str(folder / "mine"), "-o", "StrictHostKeyChecking=no",
                "-o", "UserKnownHostsFile=/dev/null", "-o", "IdentitiesOnly=yes", "-o", "SendEnv=NO_COLOR",
                f"{getpass.getuser()}@127.0.0.1",
            ]  # fmt: skip
        finally:
            daemon.terminate()


def _listening(port: int, daemon: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        assert daemon.poll() is None, log.read_text()
        with socket.socket() as asking:
            if asking.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.05)


@dataclass
class Terminal:
    """One tmux server with one window; every screen that was waited for is kept in `seen`."""

    socket: Path
    seen: list[tuple[str, str]] = field(default_factory=list)

    def open(self, command: list[str], **environment: str) -> None:
        """Start a program in a window of WIDTH × HEIGHT."""
        size = ["-x", str(WIDTH), "-y", str(HEIGHT)]
        words = ["env", *(f"{key}={value}" for key, value in environment.items()), *command]
        self.tmux("-f", "/dev/null", "new-session", "-d", *size, *words)

    def press(self, *keys: str) -> None:
        """Keys by tmux's names."""
        self.tmux("send-keys", *keys)

    def escape(self) -> None:
        """Escape, and the half second after which no terminal takes the next key for Alt and that key."""
        self.press("Escape")
        time.sleep(0.5)

    def screen(self, *how: str) -> str:
        """What stands on it now."""
        return self.tmux("capture-pane", "-p", *how)

    def sees(self, *words: str) -> str:
        """Wait until all of these stand on the screen, and keep it."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not all(word in (screen := self.screen()) for word in words):
            assert time.monotonic() < deadline, f"{words} did not come; there stands:\n{screen}"
            time.sleep(0.1)
        self.seen.append((" ".join(words), screen))
        return screen

    def gone(self) -> None:
        """Wait until the program has ended, and with it the window."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while subprocess.run(["tmux", "-S", self.socket, "has-session"], capture_output=True).returncode == 0:
            assert time.monotonic() < deadline, self.screen()
            time.sleep(0.1)

    def close(self) -> None:
        """End it, whatever runs in it."""
        subprocess.run(["tmux", "-S", self.socket, "kill-server"], capture_output=True, check=False)

    def tmux(self, *words: str) -> str:
        """A command of tmux."""
        done = subprocess.run(["tmux", "-S", self.socket, *words], capture_output=True, text=True, check=True)
        return done.stdout


def console(lab: Path, home: Path) -> list[str]:
    """The command line that a person would type at the other end."""
    folders = {"XDG_CONFIG_HOME": home / "config", "XDG_STATE_HOME": home / "state"}
    return [
        "env",
        *(f"{key}={value}" for key, value in folders.items()),
        sys.executable,
        "-m",
        "idemtui",
        "--lab",
        str(lab),
    ]
