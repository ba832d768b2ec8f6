"""People's SQL: one statement that reads.

Four walls, since none is enough alone: DuckDB's own parser says what kind of statement it is (SELECT, EXPLAIN); its
syntax tree says which functions it calls (`SELECT * FROM enable_logging()` is a SELECT that writes); a READ ONLY
transaction refuses writes to tables; and the connection was opened without files, network, extensions or Python
variables, its configuration locked (`store.database.SETTINGS`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import duckdb

from engine.errors import QueryError
from store.ambiguity import prefer_scores

READING = {duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN}
TABLE_FUNCTIONS = {
    "generate_series", "json_each", "json_tree", "pragma_database_size", "pragma_show", "pragma_storage_info",
    "pragma_table_info", "pragma_version", "range", "repeat", "repeat_row", "summary", "unnest",
    "duckdb_columns", "duckdb_constraints", "duckdb_databases", "duckdb_functions", "duckdb_indexes",
    "duckdb_keywords", "duckdb_memory", "duckdb_schemas", "duckdb_settings", "duckdb_tables", "duckdb_types",
    "duckdb_views",
}  # fmt: skip
"""Table functions that only read, and only this database."""
FORBIDDEN_FUNCTIONS = {"write_log", "nextval", "setseed", "getvariable"}
PRAGMAS = {"table_info", "show_tables", "show_tables_expanded", "database_size", "version", "storage_info"}
REMEMBERED, REMEMBERED_LENGTH = 256, 10_000
"""How many checked queries are remembered, and up to how many characters each."""
EXPLAIN = re.compile(r"\s*explain\s+(analyze\s+|\([^)]*\)\s*)*", re.IGNORECASE)
PRAGMA = re.compile(r"\s*pragma\s+(\w+)", re.IGNORECASE)


_checked: dict[str, str] = {}


def check_query(query: str, connection: duckdb.DuckDBPyConnection) -> str:
    """The one reading statement in `query`, ready to run; raises QueryError, in one line, for anything else.

    Consoles ask the same few texts again and again, with other parameters: what was let through is remembered.
    """
    known = _checked.get(query)
    if known is None:
        known = _check(query, connection)
        if len(query) <= REMEMBERED_LENGTH:
            if len(_checked) >= REMEMBERED:
                _checked.clear()
            _checked[query] = known
    return known


def _check(query: str, connection: duckdb.DuckDBPyConnection) -> str:
    try:
        statements = connection.extract_statements(query)
    except duckdb.Error as error:
        raise QueryError(explain_error(error)) from None
    if len(statements) != 1:
        raise QueryError(f"{len(statements)} statements: ask one at a time.")
    statement = statements[0]
    if statement.type not in READING:
        raise QueryError(
            f"{statement.type.name} is not a reading statement; allowed are SELECT, FROM, WITH, VALUES, DESCRIBE, "
            "SHOW, SUMMARIZE and EXPLAIN of these."
        )
    return _check_calls(statement.query, connection)


def _check_calls(query: str, connection: duckdb.DuckDBPyConnection) -> str:
    pragma, explain = PRAGMA.match(query), EXPLAIN.match(query)
    if pragma:
        if pragma[1].lower() not in PRAGMAS:
            raise QueryError(f"PRAGMA {pragma[1]} is not allowed here; allowed are {', '.join(sorted(PRAGMAS))}.")
        return query
    start = explain.end() if explain else 0
    tree = syntax_tree(query[start:], connection)
    for table_function, name in _calls(tree):
        if table_function and name not in TABLE_FUNCTIONS:
            raise QueryError(f"the table function {name} is not allowed here: it may do more than read this database.")
        if name in FORBIDDEN_FUNCTIONS:
            raise QueryError(f"the function {name} is not allowed here: it does more than read.")
    return query[:start] + prefer_scores(query[start:], tree)


def syntax_tree(query: str, connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """DuckDB's own tree of a SELECT; raises QueryError for what is none."""
    row = connection.execute("SELECT json_serialize_sql(?)", [query]).fetchone()
    tree: dict[str, Any] = json.loads(row[0]) if row else {"error": True}
    if tree.get("error"):
        raise QueryError(
            f"{' '.join(query.split())[:80]!r} is not a reading statement; ask with SELECT, FROM, WITH or VALUES."
        )
    return tree


def _calls(node: Any) -> Iterator[tuple[bool, str]]:
    """Every function called anywhere in a tree, and whether it stands as a table."""
    if isinstance(node, list):
        for child in node:
            yield from _calls(child)
    elif isinstance(node, dict):
        if node.get("type") == "TABLE_FUNCTION":
            function = node.get("function") or {}
            yield True, str(function.get("function_name", "")).lower()
        elif node.get("class") == "FUNCTION":
            yield False, str(node.get("function_name", "")).lower()
        for child in node.values():
            yield from _calls(child)


def explain_error(error: Exception) -> str:
    """DuckDB's message in one line, without the drawing of where."""
    text = re.split(r"\n\s*LINE \d+:|\n\s*Possible solutions:", str(error))[0]
    return " ".join(text.split())
