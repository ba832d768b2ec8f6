"""Whether Triton could compile here, told as Triton itself looks for compiler and headers."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from engine.compiler import check_compiler, compiler_trouble
from engine.errors import ModelError


@pytest.fixture
def triton(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine with Triton and Python's headers; programs are looked for in the folder that is given."""
    programs, headers = tmp_path / "bin", tmp_path / "include"
    for folder in (programs, headers):
        folder.mkdir()
    (headers / "Python.h").touch()
    monkeypatch.setattr("engine.compiler.find_spec", lambda name: object())
    monkeypatch.setattr("engine.compiler.sysconfig.get_path", lambda *_: str(headers))
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.delenv("CC", raising=False)
    return programs


def program(path: Path) -> None:
    path.touch()
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


@pytest.mark.parametrize("name", ["gcc", "clang"])
def test_a_compiler_and_headers_are_enough(triton: Path, name: str) -> None:
    assert compiler_trouble() == "there is no C compiler (gcc or clang)"
    program(triton / name)
    assert compiler_trouble() is None
    check_compiler("cuda")


def test_what_cc_names_is_what_triton_takes(triton: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(triton / "gcc")
    monkeypatch.setenv("CC", "icx")
    assert compiler_trouble() == "the C compiler that CC names, 'icx', is not there"
    program(triton / "icx")
    assert compiler_trouble() is None


def test_missing_headers_are_named_with_what_to_install(triton: Path) -> None:
    program(triton / "gcc")
    (triton.parent / "include" / "Python.h").unlink()
    with pytest.raises(
        ModelError, match=r"Python's headers are not there \(.*Python.h\); install both \(build-essential"
    ):
        check_compiler("cuda")
    check_compiler("cpu")


def test_where_triton_is_not_installed_nothing_is_asked(triton: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.compiler.find_spec", lambda name: None)
    assert compiler_trouble() is None
