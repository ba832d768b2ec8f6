"""Tiny models, built once per test session and kind; fake parts for the real worker."""

from __future__ import annotations

import pytest

from tests.engine.fake_parts import install
from tests.engine.tiny import build_tiny


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory):
    """A function from a kind to the folder of its tiny model."""
    root = tmp_path_factory.mktemp("tiny")

    def folder(kind):
        return root / kind if (root / kind).is_dir() else build_tiny(kind, root / kind)

    return folder


@pytest.fixture(scope="session")
def tiny(tiny_folder):
    """A function from a kind to its loaded tiny model, shared by all tests: leave it as you found it."""
    from engine.models import load_model

    loaded = {}

    def load(kind):
        if kind not in loaded:
            loaded[kind] = load_model(str(tiny_folder(kind)), threads=1)
        return loaded[kind]

    return load


@pytest.fixture
def parts(monkeypatch):
    """Fake sampler, trainer and judge in place of the real worker's."""
    return install(monkeypatch)
