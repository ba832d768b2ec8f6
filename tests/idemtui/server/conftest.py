from pathlib import Path

import pytest

from store.lab import Lab, create_lab, find_lab


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return create_lab(find_lab(tmp_path / "lab"))


@pytest.fixture(autouse=True)
def _own_device_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GPU locks of tests are no real ones, and what this machine shows of its GPUs plays no part."""
    runtime = tmp_path / "runtime"
    runtime.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
