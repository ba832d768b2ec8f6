"""Puts an adapter's weights into the base model and takes them out again without a trace.

PEFT is imported with the first adapter: a judge never has one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import load_file

from engine.adapter_files import is_full, weights_file

if TYPE_CHECKING:
    from peft import PeftModel

Identity = tuple[str, int, int]


def adapter_identity(adapter: Path) -> Identity:
    """What tells one adapter from another: its folder, and size and time of its weights file."""
    stat = weights_file(adapter).stat()
    return str(adapter.resolve()), stat.st_size, stat.st_mtime_ns


class AdapterSwitch:
    """Turns one base model into M_init, M_init + adapter, or another model of the same shape.

    In float32 the sum W + s·B·A replaces W (drawing then costs no more than the base model does), and M_init comes
    back by pointing at the untouched W again, bit for bit. In bfloat16 that sum would round small adapters away,
    so there the PEFT layers stay beside W; also where W lies in several processes, none of which has all of the sum.
    """

    def __init__(self, model: Any, merges: bool = True) -> None:
        self._model = model
        self._merges = merges and model.dtype == torch.float32
        self._wanted: Identity | None = None
        self._merged: list[tuple[torch.nn.Parameter, torch.Tensor, torch.Tensor]] = []
        self._merged_for: Identity | None = None
        self._wrapped: PeftModel | None = None

    def use(self, adapter: Path | None) -> None:
        """Switch to the adapter's folder, or to M_init for None."""
        wanted = None if adapter is None else adapter_identity(adapter)
        if wanted == self._wanted:
            return
        self._restore()
        if adapter is None or wanted is None:
            return
        if is_full(adapter) or self._merges:
            self._merge(adapter, wanted)
        else:
            from peft import PeftModel

            self._wrapped = PeftModel.from_pretrained(self._model, str(adapter)).eval()
        self._wanted = wanted

    @property
    def adapted(self) -> bool:
        """Whether the weights are those of an adapter rather than M_init's."""
        return self._wanted is not None

    @contextmanager
    def initially(self) -> Iterator[None]:
        """M_init for a while, with the adapter at hand: cheap enough for every batch."""
        if self._wrapped is not None:
            with self._wrapped.disable_adapter():
                yield
            return
        merged = self._merged if self.adapted else []
        for weight, original, _ in merged:
            weight.data = original
        try:
            yield
        finally:
            for weight, _, sum_ in merged:
                weight.data = sum_

    def forget(self) -> None:
        """Go back to M_init and free the cached sums."""
        self.use(None)
        self._merged, self._merged_for = [], None

    def _restore(self) -> None:
        for weight, original, _ in self._merged:
            weight.data = original
        if self._wrapped is not None:
            self._wrapped.unload()
            self._wrapped = None
        self._wanted = None

    def _merge(self, adapter: Path, wanted: Identity) -> None:
        if self._merged_for != wanted:
            self._merged = _whole(self._model, adapter) if is_full(adapter) else _sums(self._model, adapter)
            self._merged_for = wanted
        for weight, _, merged in self._merged:
            weight.data = merged


def _whole(model: Any, folder: Path) -> list[tuple[torch.nn.Parameter, torch.Tensor, torch.Tensor]]:
    """Every weight with its own tensor and the folder's."""
    stored = load_file(weights_file(folder))
    return [
        (weight, weight.data, stored[name].to(weight.device, weight.dtype)) for name, weight in model.named_parameters()
    ]


def _sums(model: Any, adapter: Path) -> list[tuple[torch.nn.Parameter, torch.Tensor, torch.Tensor]]:
    """Every adapted weight with its own tensor and the tensor W + s·B·A."""
    from peft import PeftModel
    from peft.tuners.lora import LoraLayer

    wrapped = PeftModel.from_pretrained(model, str(adapter))
    sums = []
    with torch.no_grad():
        for module in wrapped.modules():
            if isinstance(module, LoraLayer) and "default" in module.scaling:
                layer: Any = module
                weight = layer.get_base_layer().weight
                sums.append((weight, weight.data, weight.data + layer.get_delta_weight("default")))
    wrapped.unload()
    return sums
