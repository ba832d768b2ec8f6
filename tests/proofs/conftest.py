from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.proofs.broken_off import BrokenOff
from tests.proofs.labs import ProofLab, new_lab, remove


@pytest.fixture
def proof_lab() -> Iterator[ProofLab]:
    """A lab that does not exist yet, and no process of it afterwards."""
    lab = new_lab()
    yield lab
    remove(lab)


@pytest.fixture(scope="module")
def labs() -> Iterator[Callable[..., ProofLab]]:
    """Makes labs that live as long as their module's tests."""
    made: list[ProofLab] = []

    def make(**environment: str) -> ProofLab:
        made.append(new_lab(**environment))
        return made[-1]

    yield make
    for lab in made:
        remove(lab)


@pytest.fixture(scope="package")
def one_broken_off() -> Iterator[BrokenOff]:
    """A chain broken off in its second training, made once."""
    chain = BrokenOff()
    yield chain
    chain.close()


@pytest.fixture
def broken_off(one_broken_off: BrokenOff) -> Iterator[BrokenOff]:
    """A chain broken off in its second training; a test takes copies, which end with it."""
    yield one_broken_off
    one_broken_off.remove_copies()
