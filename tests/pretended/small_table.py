"""The table of GPU figures for a small shape: `python -m tests.pretended.small_table FOLDER`."""

from __future__ import annotations

import sys
from pathlib import Path

from engine.shape import Shape
from tests.gpu import measure

SMALL = Shape(
    layers=2, hidden=64, intermediate=128, heads=4, kv_heads=2, head_dim=32, vocabulary=512, tied=True, context=4096
)

if __name__ == "__main__":
    measure.QWEN3_4B = SMALL
    measure.measure(measure.DRY, "cuda", Path(sys.argv[1]))
