import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.errors import UsageError
from idemtui.server import survival
from idemtui.server.unit import install_unit, uninstall_unit, unit_path, unit_text
from store.lab import Lab, find_lab

LAB = find_lab("/data/my lab")
COMMAND = ["python", "-m", "idemtui.server.main"]


class Systemd:
    """Fakes of the three programs, first on PATH, and what they were called with."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.calls_file = folder, folder / "calls"
        runtime = folder / "runtime" / "systemd"
        runtime.mkdir(parents=True)
        (runtime / "private").touch()
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime.parent))
        monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
        monkeypatch.delenv(survival.VARIABLE, raising=False)
        self.program("systemctl", "exit 0")
        self.program("systemd-run", 'while [ "$1" != -- ]; do shift; done; shift; exec "$@"')
        self.says(linger="no", kills="yes")

    def program(self, name: str, body: str) -> None:
        path = self.folder / name
        path.write_text(f'#!/bin/sh\necho "{name} $*" >> "{self.calls_file}"\n{body}\n')
        path.chmod(0o755)

    def says(self, linger: str, kills: str, spared: str = "") -> None:
        everybody = f"echo KillUserProcesses={kills}; echo KillOnlyUsers=; echo KillExcludeUsers={spared}"
        self.program("loginctl", f'case "$*" in *Linger*) echo Linger={linger};; *) {everybody};; esac')

    @property
    def calls(self) -> list[str]:
        return self.calls_file.read_text().splitlines() if self.calls_file.exists() else []


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Systemd]:
    forget()
    yield Systemd(tmp_path, monkeypatch)
    forget()


def forget() -> None:
    survival.read_login.cache_clear()
    survival.scopes_work.cache_clear()


@pytest.mark.parametrize(
    ("linger", "kills", "helps"), [("yes", "no", True), ("yes", "yes", True), ("no", "yes", True), ("no", "no", False)]
)
def test_a_scope_is_used_only_where_the_server_lives_longer_in_it(
    systemd: Systemd, linger: str, kills: str, helps: bool
) -> None:
    systemd.says(linger, kills)
    line = survival.scoped(COMMAND, LAB)
    assert (line[0] == "systemd-run") is helps
    assert line[-3:] == COMMAND
    assert any(word.startswith(f"--unit={survival.scope_prefix(LAB)}{os.getpid()}-") for word in line) is helps


def test_a_user_whom_the_login_manager_spares_gets_none(systemd: Systemd) -> None:
    systemd.says("no", "yes", spared=f"nobody {survival.user_name()}")
    assert survival.scoped(COMMAND, LAB) == COMMAND


def test_the_scoped_command_is_the_process_that_was_started(systemd: Systemd) -> None:
    asking = [sys.executable, "-c", "import os; print(os.getpid())"]
    with subprocess.Popen(survival.scoped(asking, LAB), stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert int(process.stdout.read()) == process.pid


def test_two_servers_of_one_process_get_two_scopes_and_one_trial(systemd: Systemd) -> None:
    first, second = survival.scoped(COMMAND, LAB), survival.scoped(COMMAND, LAB)
    assert first != second
    assert sum("systemd-run" in call for call in systemd.calls) == 1


@pytest.mark.parametrize("trial", ["exit 1", "exec sleep 60"])
def test_a_scope_that_cannot_be_made_is_not_used(systemd: Systemd, trial: str, monkeypatch: pytest.MonkeyPatch) -> None:
    systemd.program("systemd-run", trial)
    monkeypatch.setattr(survival.run_quietly, "__defaults__", (0.3,))
    assert survival.scoped(COMMAND, LAB) == COMMAND


def test_nothing_is_asked_without_a_user_manager_or_against_the_users_word(
    systemd: Systemd, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(survival.VARIABLE, "0")
    assert survival.scoped(COMMAND, LAB) == COMMAND
    monkeypatch.delenv(survival.VARIABLE)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "elsewhere"))
    assert survival.scoped(COMMAND, LAB) == COMMAND
    assert systemd.calls == []


@pytest.fixture
def odd_lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("HF_HOME", '/models/100% "mine"')
    monkeypatch.setenv("HF_TOKEN", "hf_not_for_a_file")
    return find_lab(tmp_path / "my lab 50%")


def test_a_unit_quotes_paths_by_systemds_rules_and_holds_no_secret(odd_lab: Lab) -> None:
    text = unit_text(odd_lab, ["/opt/my python/bin/python", "-m", "idemtui.server.main", "--lab", str(odd_lab.root)])
    doubled = str(odd_lab.root).replace("%", "%%")
    assert f'ExecStart=":/opt/my python/bin/python" "-m" "idemtui.server.main" "--lab" "{doubled}"\n' in text
    assert 'Environment="HF_HOME=/models/100%% \\"mine\\""\n' in text
    assert "KillMode=process\n" in text
    assert "Restart=on-failure\n" in text
    assert "hf_not_for_a_file" not in text
    with pytest.raises(UsageError, match="control character"):
        unit_text(odd_lab, ["/bin/python\nExecStartPost=/bin/rm"])


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze judges the unit file")
def test_systemd_finds_no_fault_in_a_unit(odd_lab: Lab, tmp_path: Path) -> None:
    file = tmp_path / "idemtui-odd.service"
    file.write_text(unit_text(odd_lab, [sys.executable, "-m", "idemtui.server.main", "--lab", str(odd_lab.root)]))
    environment = os.environ | {"XDG_RUNTIME_DIR": str(tmp_path)}
    judged = subprocess.run(
        ["systemd-analyze", "verify", "--user", str(file)], capture_output=True, text=True, env=environment
    )
    assert [line for line in judged.stderr.splitlines() if file.name in line] == []


def test_installing_starts_the_unit_and_uninstalling_removes_it(systemd: Systemd, odd_lab: Lab) -> None:
    said = install_unit(odd_lab, COMMAND)
    name = unit_path(odd_lab).name
    assert "idemtui.server.main" in unit_path(odd_lab).read_text()
    assert f"systemctl --user enable --now {name}" in systemd.calls
    assert any("enable-linger" in line for line in said)
    assert "Removed" in uninstall_unit(odd_lab)[-1]
    assert not unit_path(odd_lab).exists()
    assert f"systemctl --user disable --now {name}" in systemd.calls
    assert "No unit" in uninstall_unit(odd_lab)[0]


def test_without_a_user_manager_the_commands_are_told(
    systemd: Systemd, odd_lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/nowhere")
    said = install_unit(odd_lab, COMMAND)
    assert "  systemctl --user daemon-reload" in said
    assert f"  systemctl --user enable --now {unit_path(odd_lab).name}" in said
    assert systemd.calls == []
