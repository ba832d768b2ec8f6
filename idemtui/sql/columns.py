"""Names and types of an answer's columns, and what their values are in comma-separated ones."""

from __future__ import annotations

import json
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


def csv_cell(value: Any) -> Any:
    """A value as comma-separated ones have it: null as nothing, lists and structs as JSON."""
    if value is None:
        return ""
    return json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, list | dict) else value
