"""The pocket model in one process and in two, which meet through gloo; started once for a module's tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.sharded.group import ShardGroup, Sharding
from engine.sharded.loading import describe_model
from engine.sharded.model import ShardedModel

MODEL = "pocket/instruct"
Spread = Callable[[int], ShardedModel]


@pytest.fixture(scope="module", autouse=True)
def importable() -> Iterator[None]:
    """Shards find what tests ask of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).parents[3]))
        yield


@pytest.fixture(scope="module")
def spread() -> Iterator[Spread]:
    """A function from a number of shards to the model in so many, living or to be started."""
    models: dict[int, ShardedModel] = {}

    def model(shards: int) -> ShardedModel:
        if shards not in models:
            models[shards] = ShardedModel(describe_model(MODEL, "cpu"), ShardGroup(Sharding(MODEL, "cpu", 1, shards)))
        return models[shards]

    yield model
    for each in models.values():
        each.group.close()
