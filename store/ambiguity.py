"""A bare `trait` where `runs` is joined with a curve: the score is meant.

`runs.trait` names which trait a run is seeded with, `trait_curve.trait` is its score; both names are a contract, and
DuckDB calls a bare `trait` beside both ambiguous. Only then is it qualified here, by the place DuckDB's own syntax
tree gives; what else is ambiguous stays so.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

COLUMN = "trait"
SCORED = ("trait_curve", "scored_samples", "ladder")


def prefer_scores(query: str, tree: dict[str, Any]) -> str:
    """`query` with every such bare `trait` qualified; the same text where there is none."""
    places = {place for statement in tree.get("statements", []) for place in _places(statement)}
    text = query.encode()
    for location, alias in sorted(places, reverse=True):
        if text[location : location + len(COLUMN)].lower() == COLUMN.encode():
            text = text[:location] + f'"{alias}".'.encode() + text[location:]
    return text.decode()


def _places(node: Any) -> Iterator[tuple[int, str]]:
    """Byte offset and table alias of every bare reference, each SELECT seen with its own FROM."""
    if isinstance(node, list):
        for child in node:
            yield from _places(child)
    elif isinstance(node, dict):
        if node.get("type") == "SELECT_NODE":
            yield from _places_of_select(node)
        for child in node.values():
            yield from _places(child)


def _places_of_select(select: dict[str, Any]) -> Iterator[tuple[int, str]]:
    tables = dict(_tables(select.get("from_table")))
    scored = [alias for name, alias in tables.items() if name in SCORED]
    if "runs" in tables and len(scored) == 1:
        for part, node in select.items():
            if part != "cte_map":
                yield from ((location, scored[0]) for location in _bare(node))


def _tables(source: Any) -> Iterator[tuple[str, str]]:
    """Names and aliases of the tables joined in one FROM, not those of its subqueries."""
    if not isinstance(source, dict):
        return
    if source.get("type") == "BASE_TABLE":
        name = str(source.get("table_name", "")).lower()
        yield name, str(source.get("alias") or name)
    elif source.get("type") == "JOIN":
        yield from _tables(source.get("left"))
        yield from _tables(source.get("right"))


def _bare(node: Any) -> Iterator[int]:
    if isinstance(node, list):
        for child in node:
            yield from _bare(child)
    elif isinstance(node, dict) and node.get("type") not in ("SELECT_NODE", "SET_OPERATION_NODE"):
        if node.get("class") == "COLUMN_REF" and [name.lower() for name in node.get("column_names", [])] == [COLUMN]:
            yield int(node["query_location"])
        for child in node.values():
            yield from _bare(child)
