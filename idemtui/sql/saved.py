"""Queries worth keeping, one a file: those that come with the program and a person's own, `NAME.sql` each.

The first comment says what a query answers. A person's own stand in `queries/` of their configuration folder and win
over a shipped one of the same name.
"""

from __future__ import annotations

import difflib
import os
import re
from dataclasses import dataclass
from pathlib import Path

from engine.errors import UsageError

SHIPPED = Path(__file__).parent / "queries"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


@dataclass(frozen=True)
class Query:
    """A statement, its name, and the question it answers."""

    name: str
    title: str
    text: str
    own: bool = False


def own_folder() -> Path:
    """Where a person's own queries are, or would be."""
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "idemtui" / "queries"


def queries() -> list[Query]:
    """All saved queries, a person's own first."""
    own = _read(own_folder(), own=True)
    names = {query.name for query in own}
    return [*own, *(query for query in _read(SHIPPED, own=False) if query.name not in names)]


def find(name: str) -> Query:
    """The query of that name; UsageError names the near ones."""
    found = {query.name: query for query in queries()}
    if name in found:
        return found[name]
    near = difflib.get_close_matches(name, found, n=3, cutoff=0.4) or list(found)
    raise UsageError(f"no saved query {name!r}; there are {', '.join(near)}; `idemtui sql @` lists all.")


def save(name: str, text: str) -> Path:
    """Keep a query as one's own; UsageError for a name that is none, OSError where it cannot be written."""
    if not NAME.fullmatch(name):
        raise UsageError(f"query name {name!r}; allowed: letters, digits, - and _.")
    path = own_folder() / f"{name}.sql"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text.rstrip() + "\n", encoding="utf-8")
    return path


def _read(folder: Path, *, own: bool) -> list[Query]:
    found = []
    for path in sorted(folder.glob("*.sql")):
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            continue
        first = text.split("\n", 1)[0]
        title = first.lstrip("- ").strip() if first.startswith("--") else path.stem
        found.append(Query(path.stem, title, text.rstrip("\n"), own))
    return found
