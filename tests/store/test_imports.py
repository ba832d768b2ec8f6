from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("torch", "transformers", "trl", "pandas", "pyarrow", "duckdb", "numpy", "scipy", "grpc")


@pytest.mark.parametrize(
    ("module", "allowed"),
    [
        ("store.client", ()),
        ("store.queries", ()),
        ("store.texts", ()),
        ("store.lab", ()),
        ("store.wire", ()),
        ("store.direct", ("pyarrow", "duckdb", "numpy")),
        ("store.service", ("pyarrow", "duckdb", "numpy", "pandas")),
    ],
)
def test_what_an_import_loads(module: str, allowed: tuple[str, ...]) -> None:
    code = f"import sys, {module}; print(' '.join(m for m in {HEAVY} if m in sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert set(loaded) <= set(allowed)
