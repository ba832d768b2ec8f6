"""A machine with two pretended GPUs, built once for all tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pretended.gpus import GB, Gpus, build_device, build_driver, place_to_build


@pytest.fixture
def driver(pytestconfig: pytest.Config, tmp_path: Path) -> Gpus:
    """Two GPUs that a driver knows, and that nothing can compute on."""
    return Gpus.of(tmp_path / "gpus", build_driver(place_to_build(pytestconfig)), [4 * GB, 4 * GB])


@pytest.fixture
def gpus(pytestconfig: pytest.Config, tmp_path: Path) -> Gpus:
    """Two GPUs that torch computes on."""
    return Gpus.of(tmp_path / "gpus", build_device(place_to_build(pytestconfig)), [4 * GB, 4 * GB])
