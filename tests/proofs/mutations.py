"""Mutations of lines and documents: bytes lost, doubled, flipped; values replaced by ones nobody expects."""

from __future__ import annotations

import copy
import json
from typing import Any

from hypothesis import strategies as st

DEEP = "[" * 1200 + "]" * 1200
JUNK: list[Any] = [
    None, True, False, 0, -1, 1, 2**31, 2**63, 2**64, -(2**70), 10**400, 0.5, -0.0, 1e308, float("inf"), float("nan"),
    "", " ", "x", "0", "bliss", "../../etc", "/", ".", "\x00", "\n", "\x1b[31m", "\ud800", "é" * 50, "9" * 5000,
    "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "2026-02-30T00:00:00", "yesterday",
    [], [[]], {}, {"type": "queued"}, [None], [1, 2], {"": 0}, {"a": {"b": []}},
]  # fmt: skip
"""Values that take the place of honest ones."""
SPLICES = [
    b"",
    b"\x00",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b"{",
    b"}",
    b'"',
    b"\\",
    b"\n",
    b"\r\n",
    b",",
    b":",
    b"NaN",
    b"1e999",
    b"[[",
]


@st.composite
def spliced(draw: st.DrawFn, whole: bytes) -> bytes:
    """Bytes with one to three places cut out, overwritten or written twice."""
    data = whole
    for _ in range(draw(st.integers(1, 3))):
        begin = draw(st.integers(0, len(data)))
        end = draw(st.integers(begin, min(len(data), begin + 40)))
        put = draw(st.one_of(st.sampled_from(SPLICES), st.binary(max_size=8), st.just(data[begin:end] * 2)))
        data = data[:begin] + put + data[end:]
    return data


@st.composite
def replaced(draw: st.DrawFn, document: Any) -> Any:
    """A JSON document with one to three of its values replaced, removed, or put under another key."""
    changed = copy.deepcopy(document)
    for _ in range(draw(st.integers(1, 3))):
        places = _places(changed)
        if not places:
            break
        holder, key = places[draw(st.integers(0, len(places) - 1))]
        how = draw(st.sampled_from(["junk", "junk", "junk", "removed", "renamed"]))
        if how == "junk":
            holder[key] = copy.deepcopy(draw(st.sampled_from(JUNK)))
        elif how == "removed":
            del holder[key]
        elif isinstance(holder, dict):
            holder[draw(st.text(max_size=8))] = holder.pop(key)
    return changed


def _places(node: Any) -> list[tuple[Any, Any]]:
    """Every place in a document where a value stands, as its holder and its key."""
    if isinstance(node, dict):
        items: list[tuple[Any, Any]] = list(node.items())
    elif isinstance(node, list):
        items = list(enumerate(node))
    else:
        return []
    return [(node, key) for key, _ in items] + [place for _, value in items for place in _places(value)]


@st.composite
def line(draw: st.DrawFn, whole: bytes) -> bytes:
    """One line of JSON, harmed as bytes or as a document, or buried in brackets."""
    how = draw(st.sampled_from(["bytes", "value", "value", "deep"]))
    if how == "bytes":
        return draw(spliced(whole))
    if how == "deep":
        return DEEP.encode() + b"\n"
    return dumped(draw(replaced(json.loads(whole)))) + b"\n"


def dumped(document: Any) -> bytes:
    """JSON as Python writes it, NaN, huge numbers and lone surrogates included."""
    return json.dumps(document, separators=(",", ":")).encode()
