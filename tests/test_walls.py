"""The walls between the packages, proved on the imports themselves and in fresh processes."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("engine", "store", "idemtui")
HEAVY = ("torch", "transformers", "trl", "peft", "datasets", "vllm", "pandas")
STORE_MAY = {f"engine.{room}" for room in ("spec", "events", "journal", "commands", "errors")}


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            module = node.module or ""
            found |= {f"{module}.{alias.name}" for alias in node.names} if module in PACKAGES else {module}
    return found


def imported_by(package: str) -> dict[str, set[str]]:
    return {str(p.relative_to(ROOT)): imports(p) for p in (ROOT / package).rglob("*.py")}


def test_the_engine_knows_neither_store_nor_console() -> None:
    wrong = {
        f: m for f, names in imported_by("engine").items() for m in names if m.split(".")[0] in ("store", "idemtui")
    }
    assert wrong == {}


def test_the_store_knows_the_engines_plain_rooms_only() -> None:
    wrong = {
        file: module
        for file, names in imported_by("store").items()
        for module in names
        if module.startswith("idemtui") or (module.startswith("engine") and module not in STORE_MAY)
    }
    assert wrong == {}


def test_every_package_starts_empty() -> None:
    full = [str(p) for d in ("engine", "store", "idemtui") for p in (ROOT / d).rglob("__init__.py") if p.read_text()]
    assert full == []


@pytest.mark.parametrize(
    "module",
    ["idemtui.cli.main", "idemtui.console.app", "idemtui.server.main", "store.client", "engine.study", "engine.worker"],
)
def test_nothing_a_terminal_needs_imports_models(module: str) -> None:
    code = f"import sys, {module}; print([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"
