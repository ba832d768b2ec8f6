"""Eval prompts stand apart from everything that is trained on: what overlaps is refused and listed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from engine.traits.overlap import between
from engine.traits.text_files import Problem, Row, pool_files, read_rows
from engine.traits.toml_files import places_of

Stamp = tuple[str, int, int]
SHOWN = 60


def overlap_problems(
    folder: Path, trait: str, prompts: Sequence[str], openings: Sequence[str], seeds: Sequence[Row], limit: float | None
) -> list[Problem]:
    """Each eval prompt that shares `limit` of its 4-grams with a training or seed prompt; eval openings likewise with
    openers and titles. `seeds` are the prompts from which answers are to be generated.
    """
    chat, documents = (folder / "traits" / f"{trait}.{kind}.jsonl" for kind in ("chat", "documents"))
    trained = [*_rows((*pool_files(folder, "prompts"), chat), "prompt"), *seeds]
    titles = [Row(r.path, r.line, {"prompt": r.texts["text"].split("\n")[0]}) for r in _rows((documents,), "text")]
    return [
        *_between(folder, trait, "eval_prompts", prompts, trained, limit),
        *_between(
            folder, trait, "eval_openings", openings, [*_rows(pool_files(folder, "openers"), "prompt"), *titles], limit
        ),
    ]


def _between(
    folder: Path, trait: str, key: str, asked: Sequence[str], trained: Sequence[Row], limit: float | None
) -> list[Problem]:
    path = folder / "traits" / f"{trait}.toml"
    found = between(asked, [row.texts["prompt"] for row in trained], limit)
    if not found:
        return []
    places = places_of(path, key, asked)
    return [
        Problem(path, places[pair.first], f"{key}: {cut(asked[pair.first])} overlaps {told(trained[pair.second])}.")
        for pair in found
    ]


def told(row: Row) -> str:
    """A row's prompt and where it stands."""
    return f"{cut(row.texts['prompt'])} ({row.path.name}, line {row.line})"


def cut(text: str) -> str:
    """A text in quotes on one line, not too long."""
    line = " ".join(text.split())
    return repr(line if len(line) <= SHOWN else f"{line[: SHOWN - 1]}…")


def _rows(paths: Sequence[Path], key: str) -> list[Row]:
    """The good rows of the files that exist; bad ones are told where the files are read for use."""
    return [row for path in paths if path.exists() for row in _read(_stamp(path), key)]


def _stamp(path: Path) -> Stamp:
    state = path.stat()
    return str(path), state.st_mtime_ns, state.st_size


@lru_cache(maxsize=64)
def _read(stamp: Stamp, key: str) -> tuple[Row, ...]:
    return tuple(read_rows(Path(stamp[0]), (key,))[0])
