"""A machine with two pretended GPUs, built once for all tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pretended.gpus import GB, Gpus, build_device, build_driver, no_compiler


def _built(config: pytest.Config) -> Path:
    why = no_compiler()
    if why is not None:
        pytest.skip(why)
    cache = config.cache
    assert cache is not None
    return cache.mkdir("pretended")


def _two(folder: Path, libraries: Path) -> Gpus:
    folder.mkdir()
    gpus = Gpus(folder, libraries)
    for _ in range(2):
        gpus.add(4 * GB)
    return gpus


@pytest.fixture
def driver(pytestconfig: pytest.Config, tmp_path: Path) -> Gpus:
    """Two GPUs that a driver knows, and that nothing can compute on."""
    return _two(tmp_path / "gpus", build_driver(_built(pytestconfig)))


@pytest.fixture
def gpus(pytestconfig: pytest.Config, tmp_path: Path) -> Gpus:
    """Two GPUs that torch computes on."""
    return _two(tmp_path / "gpus", build_device(_built(pytestconfig)))
