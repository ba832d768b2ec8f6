"""Which GPUs a worker sees where no lab server named one."""

from __future__ import annotations

import os

import pytest

from engine.gpus import held_gpus, see_one_gpu


@pytest.mark.parametrize(
    ("shown", "seen"), [(None, "0"), ("2,3", "2"), ("GPU-a,GPU-b", "GPU-a"), ("GPU-a", "GPU-a"), ("", "")]
)
def test_a_worker_without_a_server_sees_one_gpu(monkeypatch: pytest.MonkeyPatch, shown: str | None, seen: str) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    if shown is None:
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    else:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", shown)
    see_one_gpu()
    assert os.environ["CUDA_VISIBLE_DEVICES"] == seen
    assert held_gpus() == ([seen] if seen else [])
