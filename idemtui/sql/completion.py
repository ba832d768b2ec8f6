"""What a word that is being typed may become: tables after FROM, the columns of a table after its name, else all."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

WORD = re.compile(r"[A-Za-z_][A-Za-z_0-9]*$")
DOTTED = re.compile(r"([A-Za-z_][A-Za-z_0-9]*)\.([A-Za-z_0-9]*)$")
AFTER_TABLE = re.compile(r"\b(from|join)\s+([A-Za-z_0-9]*)$", re.IGNORECASE)
NAMED = re.compile(r"\b(?:from|join)\s+([A-Za-z_0-9]+)(?:\s+(?:as\s+)?([A-Za-z_0-9]+))?", re.IGNORECASE)
NO_ALIAS = {"on", "using", "where", "join", "left", "inner", "group", "order", "limit", "cross", "full", "right", "as"}
MOST = 12


@dataclass(frozen=True)
class Vocabulary:
    """Everything that can stand in a statement; columns by table."""

    tables: Mapping[str, Sequence[str]] = field(default_factory=dict)
    keywords: Sequence[str] = ()
    functions: Sequence[str] = ()


@dataclass(frozen=True)
class Offer:
    """What may be put in the place of the last `typed` characters before the cursor, the likeliest first."""

    typed: str
    words: tuple[str, ...]


NOTHING = Offer("", ())


def offer(before: str, statement: str, known: Vocabulary) -> Offer:
    """Words for the end of `before`, the text up to the cursor; `statement` is all of it."""
    dotted = DOTTED.search(before)
    if dotted:
        table = named_tables(statement, known).get(dotted[1].lower(), dotted[1])
        return _matching(dotted[2], known.tables.get(table, ()), empty=True)
    after = AFTER_TABLE.search(before)
    if after:
        return _matching(after[2], known.tables, empty=True)
    word = WORD.search(before)
    if word is None:
        return NOTHING
    near = [
        column for table in dict.fromkeys(named_tables(statement, known).values()) for column in known.tables[table]
    ]
    functions = [f"{name}(" for name in known.functions]
    return _matching(word[0], [*near, *known.keywords, *functions, *known.tables])


def named_tables(statement: str, known: Vocabulary) -> dict[str, str]:
    """The tables of a statement by alias and name."""
    found: dict[str, str] = {}
    for table, alias in NAMED.findall(statement):
        if table in known.tables:
            found[table.lower()] = table
            if alias and alias.lower() not in NO_ALIAS:
                found[alias.lower()] = table
    return found


def _matching(typed: str, words: Sequence[str] | Mapping[str, object], *, empty: bool = False) -> Offer:
    if not typed and not empty:
        return NOTHING
    low = typed.lower()
    found = dict.fromkeys(word for word in words if word.lower().startswith(low) and word.lower() != low)
    return Offer(typed, tuple(found)[:MOST])
