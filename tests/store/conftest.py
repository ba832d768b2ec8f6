from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from store.client import Client, connect
from store.lab import Lab
from store.service import LabService
from tests.store.journals import write_lab


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Lab, Client]]:
    """A lab with a service in this process, everything ingested, and a client."""
    lab = write_lab(tmp_path_factory.mktemp("served") / "lab")
    service = LabService(lab, {"echo": lambda arguments: {"said": arguments}})
    service.start()
    with connect(lab) as client:
        assert client.sync(60)
        yield lab, client
    assert service.close()


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    """A lab folder with the demo's journals, no database and no service."""
    return write_lab(tmp_path / "lab")
