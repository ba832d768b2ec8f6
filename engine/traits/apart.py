"""Eval prompts stand apart from everything that is trained on: what overlaps is refused and listed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from engine.traits.overlap import between
from engine.traits.text_files import Problem, Row, pool_files, read_rows
from engine.traits.toml_files import places_of

Stamps = tuple[tuple[str, int, int], ...]
SHOWN = 60


def overlap_problems(
    folder: Path, trait: str, prompts: Sequence[str], openings: Sequence[str], seeds: Sequence[Row], limit: float | None
) -> list[Problem]:
    """Each eval prompt that shares `limit` of its 4-grams with a training or seed prompt; eval openings likewise with
    openers and titles. `seeds` are the prompts from which answers are to be generated.

    Found once for the same files: a grid asks for its trait in every run.
    """
    chat, documents = (folder / "traits" / f"{trait}.{kind}.jsonl" for kind in ("chat", "documents"))
    asked = (_stamps([folder / "traits" / f"{trait}.toml"]), tuple(prompts), tuple(openings))
    chats, titles = _stamps([*pool_files(folder, "prompts"), chat]), _stamps([documents])
    told_seeds = tuple((row.path, row.line, row.texts["prompt"]) for row in seeds)
    return list(_found(asked, chats, told_seeds, _stamps(pool_files(folder, "openers")), titles, limit))


@lru_cache(maxsize=64)
def _found(
    asked: tuple[Stamps, tuple[str, ...], tuple[str, ...]],
    chats: Stamps,
    seeds: tuple[tuple[Path, int, str], ...],
    openers: Stamps,
    documents: Stamps,
    limit: float | None,
) -> tuple[Problem, ...]:
    file, prompts, openings = asked
    path = Path(file[0][0])
    trained = [*_rows(chats, "prompt"), *(Row(where, line, {"prompt": text}) for where, line, text in seeds)]
    titles = [Row(r.path, r.line, {"prompt": r.texts["text"].split("\n")[0]}) for r in _rows(documents, "text")]
    return (
        *_between(path, "eval_prompts", prompts, trained, limit),
        *_between(path, "eval_openings", openings, [*_rows(openers, "prompt"), *titles], limit),
    )


def _between(path: Path, key: str, asked: Sequence[str], trained: Sequence[Row], limit: float | None) -> list[Problem]:
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


def _rows(files: Stamps, key: str) -> list[Row]:
    """The good rows of the files; bad ones are told where the files are read for use."""
    return [row for path, _, _ in files for row in read_rows(Path(path), (key,))[0]]


def _stamps(paths: Sequence[Path]) -> Stamps:
    """The files that exist, each with what changes when it is written."""
    states = [(path, path.stat()) for path in paths if path.exists()]
    return tuple((str(path), state.st_mtime_ns, state.st_size) for path, state in states)
