"""The models that a worker keeps loaded from one run to the next: in its own process, in shards, and in vLLM.

Imports torch only when it loads one.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from engine.children import close_after
from engine.errors import ProcessError
from engine.failures import first_line
from engine.model_files import LoadedFiles

if TYPE_CHECKING:
    from engine.memory import Residency
    from engine.models import LoadedModel
    from engine.sharded.group import Sharding
    from engine.sharded.model import ShardedModel
    from engine.vllm.messages import EngineSettings
    from engine.vllm.served import ServedModel

Model = TypeVar("Model")


@dataclass(frozen=True)
class _Kept(Generic[Model]):
    model: Model
    files: LoadedFiles


class KeptModels:
    """Loaded models by name and device: the next run takes those it shares, and the others go.

    A model is given as a process of its own would have loaded it: where its files changed since, it is loaded anew.
    """

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], _Kept[LoadedModel]] = {}
        self._sharded: dict[Sharding, _Kept[ShardedModel]] = {}
        self._served: dict[str, ServedModel] = {}

    def take(self, name: str, device: str) -> LoadedModel:
        """The model as M_init, loaded now or before; ModelError as `engine.models.load_model` says."""
        kept = self._kept.get((name, device))
        if kept is None or kept.files.changed:
            self._kept.pop((name, device), None)
            kept = self._kept[name, device] = _load(name, device)
        kept.model.switch.forget()
        return kept.model

    def take_sharded(self, sharding: Sharding, safe_point: Callable[[], None]) -> ShardedModel:
        """The model as M_init in its shards, which are loaded now or were before; `safe_point` may stop the loading."""
        kept = self._sharded.get(sharding)
        if kept is None or kept.files.changed:
            self._let_go_of_shards(set())
            kept = self._sharded[sharding] = _load_shards(sharding, safe_point)
        else:
            kept.model.come_up(safe_point)
        return kept.model

    def keep_only(self, names: Collection[str], device: str, sharding: Sharding | None = None) -> None:
        """Let go of all models but these, before others are loaded beside them."""
        wanted = {(name, device) for name in names}
        for key in self._kept.keys() - wanted:
            del self._kept[key]
        self._let_go_of_shards(set() if sharding is None else {sharding})
        for name in self._served.keys() - {*names, *({sharding.model} if sharding else ())}:
            self._served.pop(name).close()

    def serve(self, name: str, settings: EngineSettings, residency: Residency) -> ServedModel:
        """The model in vLLM, as a run needs it: the one that lives where it has room for what is asked."""
        from engine.vllm.served import ServedModel

        served = self._served.setdefault(name, ServedModel(name, settings, residency))
        served.suit(settings, residency)
        return served

    def served(self, name: str) -> ServedModel | None:
        """The model in vLLM, where an earlier run had it there."""
        return self._served.get(name)

    def stop_serving(self) -> None:
        """End every vLLM."""
        while self._served:
            self._served.popitem()[1].close()

    def __enter__(self) -> KeptModels:
        return self

    def __exit__(self, *_: object) -> None:
        self._end_all()

    def drop(self) -> None:
        """Let go of all models and of the memory of the device, after something went wrong with them."""
        self._kept.clear()
        self._end_all()
        gc.unfreeze()
        gc.collect()
        if "torch" in sys.modules:
            import torch

            try:
                torch.cuda.empty_cache()
            except RuntimeError as error:  # where CUDA failed, it gives nothing back before its process ends
                print(f"idemtui: {first_line(str(error))}", file=sys.stderr, flush=True)

    def _end_all(self) -> None:
        """End every vLLM and all shards; nobody's work fails any more of memory that stays held, so it is only said."""
        ends = [served.close for served in self._served.values()]
        ends += [kept.model.group.close for kept in self._sharded.values()]
        self._served.clear()
        self._sharded.clear()
        for end in ends:
            try:
                end()
            except ProcessError as held:
                print(f"idemtui: {held}", file=sys.stderr, flush=True)

    def _let_go_of_shards(self, wanted: Collection[Sharding]) -> None:
        for sharding in self._sharded.keys() - wanted:
            self._sharded.pop(sharding).model.group.close()


def _load_shards(sharding: Sharding, safe_point: Callable[[], None]) -> _Kept[ShardedModel]:
    from engine.sharded.group import ShardGroup
    from engine.sharded.loading import describe_model
    from engine.sharded.model import ShardedModel

    group = ShardGroup(sharding)
    try:
        with group.files.loading():
            model = ShardedModel(describe_model(sharding.model, sharding.device), group)
            model.come_up(safe_point)
    except BaseException as error:
        close_after(error, group.close)
        raise
    return _Kept(model, group.files)


def _load(name: str, device: str) -> _Kept[LoadedModel]:
    from engine.models import load_model

    files = LoadedFiles(name)
    with files.loading():
        return _Kept(load_model(name, device), files)
