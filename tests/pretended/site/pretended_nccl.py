"""Collectives between pretended GPUs: gloo on copies that lie on the CPU, done when a call returns."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import distributed
from torch._C._distributed_c10d import _create_work_from_future
from torch.futures import Future


class Nccl(distributed.ProcessGroup):
    """What FSDP2, DTensor and our own broadcasts ask of NCCL."""

    def __init__(self, store: Any, rank: int, size: int, timeout: Any) -> None:
        super().__init__(rank, size)
        self._gloo = distributed.ProcessGroupGloo(store, rank, size, timeout)

    def getBackendName(self) -> str:  # noqa: N802
        return "nccl"

    @property
    def group_name(self) -> str:
        return str(distributed.distributed_c10d._world.pg_names[self])

    def allreduce(self, tensors: list[torch.Tensor], opts: Any = None) -> Any:
        return self._on_copies(tensors, lambda copies: self._gloo.allreduce(copies, opts))

    def broadcast(self, tensors: list[torch.Tensor], opts: Any = None) -> Any:
        return self._on_copies(tensors, lambda copies: self._gloo.broadcast(copies, opts))

    def allgather(self, outputs: list[list[torch.Tensor]], inputs: list[torch.Tensor], opts: Any = None) -> Any:
        [into], [given] = outputs, inputs
        return self._on_copies(into, lambda copies: self._gloo.allgather([copies], [_copy(given)]))

    def _allgather_base(self, output: torch.Tensor, given: torch.Tensor, opts: Any = None) -> Any:
        return self._on_copies([output], lambda copies: self._gloo._allgather_base(copies[0], _copy(given)))

    all_gather_single = _allgather_base

    def all_gather_single_coalesced(
        self, outputs: list[torch.Tensor], given: list[torch.Tensor], opts: Any = None
    ) -> Any:
        for into, one in zip(outputs, given, strict=True):
            self._allgather_base(into, one)
        return _done(outputs)

    def _reduce_scatter_base(self, output: torch.Tensor, given: torch.Tensor, opts: Any = None) -> Any:
        return self._on_copies([output], lambda copies: self._gloo._reduce_scatter_base(copies[0], _copy(given), opts))

    reduce_scatter_single = _reduce_scatter_base

    def reduce_scatter_single_coalesced(
        self, outputs: list[torch.Tensor], given: list[torch.Tensor], opts: Any = None
    ) -> Any:
        for into, one in zip(outputs, given, strict=True):
            self._reduce_scatter_base(into, one, opts)
        return _done(outputs)

    def allreduce_coalesced(self, tensors: list[torch.Tensor], opts: Any = None) -> Any:
        for tensor in tensors:
            self.allreduce([tensor])
        return _done(tensors)

    def barrier(self, opts: Any = None) -> Any:
        self._gloo.barrier().wait()
        return _done([])

    def _on_copies(self, tensors: Sequence[torch.Tensor], ask: Callable[[list[torch.Tensor]], Any]) -> Any:
        assert all(tensor.is_cuda for tensor in tensors), "NCCL has tensors of GPUs alone"
        copies = [_copy(tensor) for tensor in tensors]
        ask(copies).wait()
        with torch.no_grad():
            for tensor, copied in zip(tensors, copies, strict=True):
                tensor.copy_(copied)
        return _done(tensors)


def _copy(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.detach().cpu().contiguous()


def _done(result: object) -> Any:
    future: Future[Any] = Future()
    future.set_result(result)
    return _create_work_from_future(future)


class Stream:
    """The only stream."""

    def __init__(self, device: Any = None, priority: int = 0, **_: Any) -> None:
        pass

    def wait_event(self, event: Any) -> None:
        pass

    def wait_stream(self, stream: Any) -> None:
        pass

    def record_event(self, event: Any = None) -> Event:
        return event or Event()

    def synchronize(self) -> None:
        pass


class Event:
    """What has happened already."""

    def __init__(self, **_: Any) -> None:
        pass

    def record(self, stream: Any = None) -> None:
        pass

    def wait(self, stream: Any = None) -> None:
        pass

    def query(self) -> bool:
        return True

    def synchronize(self) -> None:
        pass


@contextlib.contextmanager
def stream(_: Any) -> Iterator[None]:
    """Within it everything is done at once, too."""
    yield


def _alloc_storage(tensor: torch.Tensor) -> None:
    torch.ops.pretended.resize_storage(tensor.detach(), tensor.numel() * tensor.itemsize)


def _free_storage(tensor: torch.Tensor) -> None:
    torch.ops.pretended.resize_storage(tensor.detach(), 0)


def install() -> None:
    """Let process groups on "nccl" be these, and streams be nothing."""
    here = Stream()
    for name, value in {
        "Stream": Stream,
        "Event": Event,
        "stream": stream,
        "current_stream": lambda device=None: here,
        "default_stream": lambda device=None: here,
    }.items():
        setattr(torch.cuda, name, value)
    distributed.Backend.register_backend("pretended", Nccl, devices=["cuda"])
    start = distributed.init_process_group

    def init_process_group(backend: str, *given: Any, device_id: Any = None, **named: Any) -> None:
        from torch.distributed.fsdp._fully_shard import _fsdp_param as sharded

        sharded.alloc_storage, sharded.free_storage = _alloc_storage, _free_storage
        start("pretended" if backend == "nccl" else backend, *given, **named)

    distributed.init_process_group = init_process_group
