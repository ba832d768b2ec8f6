"""Seed rows from a `datasets` id or a folder that `datasets` reads; imports that library only when it is asked."""

from __future__ import annotations

from pathlib import Path

from engine.errors import PackError
from engine.seed_files import SeedRow, gather
from engine.spec import Regime


def dataset_rows(
    name: str, split: str, config: str | None = None, regime: Regime | None = None, *, drop_system: bool = False
) -> list[SeedRow]:
    """All rows of one split; PackError where the set cannot be loaded, or for every row that is of no known shape."""
    from datasets import load_dataset

    try:
        rows = load_dataset(str(Path(name).absolute()) if Path(name).is_dir() else name, config, split=split)
    except Exception as error:
        first = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise PackError(f"data set {name!r}, split {split!r}: {first}; give a file, a folder, or an id.") from None
    plain = ({key: value for key, value in row.items() if value is not None} for row in rows)
    return gather(f"{name} ({split}): row", enumerate(plain, 1), regime, drop_system=drop_system)
