"""What may import what: proved in fresh processes, since this one has imported everything."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
HEAVY = {"torch", "transformers", "trl", "peft", "vllm", "pandas", "datasets", "accelerate", "openai"}
STORE_MAY = {"spec", "events", "score_events", "job_events", "record", "journal", "errors", "commands", "locks"}


def loaded_by(statement: str) -> set[str]:
    program = f"{statement}\nimport sys, json; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    "module",
    ["idemtui.cli.main", "idemtui.console.app", "idemtui.server.main", "store.client", "engine.study", "engine.worker"],
)
def test_what_a_terminal_needs_imports_no_torch(module: str) -> None:
    assert not loaded_by(f"import {module}") & HEAVY


def test_help_needs_neither_arrow_nor_duckdb_nor_pydantic() -> None:
    loaded = loaded_by("from idemtui.cli.main import run\ntry: run(['--help'])\nexcept SystemExit: pass")
    assert not loaded & (HEAVY | {"pyarrow", "duckdb", "pydantic", "textual", "numpy", "plotext"})


def test_what_console_and_commands_share_draws_nothing() -> None:
    shared = ("idemtui.listing", "idemtui.live", "idemtui.drawn", "idemtui.speed", "idemtui.console.facts")
    assert not loaded_by("\n".join(f"import {name}" for name in shared)) & {"textual", "rich", "plotext", "pyarrow"}


def test_the_console_paints_before_arrow_is_there() -> None:
    assert not loaded_by("import idemtui.console.app") & {"pyarrow", "duckdb"}


@cache
def nodes(package: str) -> tuple[tuple[Path, ast.AST], ...]:
    """Every piece of a package's code with the file it stands in."""
    paths = sorted((ROOT / package).rglob("*.py"))
    return tuple((path.relative_to(ROOT), node) for path in paths for node in ast.walk(ast.parse(path.read_text())))


@pytest.fixture(scope="module", autouse=True)
def syntax_trees_are_let_go() -> Iterator[None]:
    """Other tests of this process need the memory."""
    yield
    nodes.cache_clear()


def imports(package: str) -> list[tuple[Path, str]]:
    found = []
    for path, node in nodes(package):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        found += [(path, name) for name in names]
    return found


def test_engine_knows_neither_store_nor_screen() -> None:
    assert [pair for pair in imports("engine") if pair[1].split(".")[0] in ("store", "idemtui")] == []


def test_store_knows_only_the_engines_words() -> None:
    wrong = [pair for pair in imports("store") if pair[1].split(".")[0] == "idemtui"]
    wrong += [
        (path, name)
        for path, name in imports("store")
        if name.startswith("engine.") and name.split(".")[1] not in STORE_MAY and name != "engine.errors"
    ]
    assert wrong == []


def test_init_files_are_empty() -> None:
    files = [path for package in ("engine", "store", "idemtui") for path in (ROOT / package).rglob("__init__.py")]
    assert [str(path) for path in files if path.read_text().strip()] == []


UNPICKLING = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
SHELLS = {("os", "system"), ("os", "popen"), ("subprocess", "getoutput"), ("subprocess", "getstatusoutput")}
UNSAFE_CALLS = {("torch", "load"), ("numpy", "load"), ("np", "load")}


def calls() -> list[tuple[Path, ast.Call]]:
    """Every call in the three packages."""
    found = [pair for package in ("engine", "store", "idemtui") for pair in nodes(package)]
    return [(path, node) for path, node in found if isinstance(node, ast.Call)]


def dotted(call: ast.Call) -> tuple[str, str] | None:
    function = call.func
    if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
        return function.value.id, function.attr
    return None


def test_nothing_is_unpickled() -> None:
    imported = [pair for package in ("engine", "store", "idemtui") for pair in imports(package)]
    assert [pair for pair in imported if pair[1].split(".")[0] in UNPICKLING] == []
    assert [str(path) for path, call in calls() if dotted(call) in UNSAFE_CALLS] == []


def test_no_shell_is_asked_and_no_string_is_run() -> None:
    assert [str(path) for path, call in calls() if dotted(call) in SHELLS] == []
    shells = [path for path, call in calls() if any(word.arg == "shell" for word in call.keywords)]
    assert [str(path) for path in shells] == []
    run = [path for path, call in calls() if isinstance(call.func, ast.Name) and call.func.id in ("eval", "exec")]
    assert [str(path) for path in run] == []


def test_only_safetensors_are_loaded_and_no_model_brings_code() -> None:
    """Every `from_pretrained` of a user's model says so; `engine/pocket` loads what it has just made itself."""
    found = [
        (ast.unparse(call.func), {word.arg: ast.unparse(word.value) for word in call.keywords})
        for path, call in calls()
        if isinstance(call.func, ast.Attribute) and call.func.attr == "from_pretrained" and "pocket" not in path.parts
    ]
    loaded = [(name, given) for name, given in found if name.startswith("Auto")]
    assert len(loaded) == 3
    for name, given in loaded:
        assert given.get("trust_remote_code") == "False", name
        assert given.get("use_safetensors") == "True" or not name.startswith("AutoModel"), name
