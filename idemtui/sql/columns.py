"""Names and types of an answer's columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

NUMERIC = ("int", "uint", "float", "double", "decimal", "halffloat")


def distinct(columns: Sequence[str]) -> list[str]:
    """Column names, a second one of the same name marked as such."""
    met: dict[str, int] = {}
    names = []
    for name in columns:
        met[name] = met.get(name, 0) + 1
        names.append(name if met[name] == 1 else f"{name}_{met[name]}")
    return names


def numeric(fields: Iterable[Any]) -> frozenset[str]:
    """Names of the columns that hold numbers, of an Arrow schema's fields."""
    return frozenset(field.name for field in fields if str(field.type).startswith(NUMERIC))
