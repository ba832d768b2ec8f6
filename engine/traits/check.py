"""Everything that is wrong with a pack folder, with file and line: `idemtui traits check`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from engine.traits.apart import cut, overlap_problems, told
from engine.traits.faces import Checks, PackFile, Rubric, SeedFile, TraitFile, seed_prompts
from engine.traits.overlap import first_words, within
from engine.traits.text_files import Problem, Row, pool_files, read_rows
from engine.traits.toml_files import line_of, read_toml

NAME = re.compile(r"[a-z][a-z0-9_]*")
SEED_FILES = {".chat.jsonl": ("prompt", "completion"), ".documents.jsonl": ("text",)}


def check_pack(folder: Path) -> list[Problem]:
    """All problems of the pack in `folder`, file by file; none where a study can use all of it."""
    about, problems = read_toml(folder / "pack.toml", PackFile)
    checks = about.checks if about else Checks()
    found = [*problems, *_pool_problems(folder, "prompts", checks), *_pool_problems(folder, "openers", checks)]
    traits = [path for path in sorted((folder / "traits").glob("*.toml")) if not path.stem.endswith(".seed")]
    if not traits:
        found.append(Problem(folder / "traits", None, "holds no trait; a trait is a file NAME.toml."))
    for path in traits:
        found += _trait_problems(folder, path, checks)
    return [*found, *_strays(folder, {path.stem for path in traits})]


def _pool_problems(folder: Path, name: str, checks: Checks) -> Iterator[Problem]:
    rows: list[Row] = []
    for path in pool_files(folder, name):
        good, problems = read_rows(path, ("prompt",))
        rows += good
        yield from problems
        if not good and not problems:
            yield Problem(path, None, "holds no text.")
    texts = [row.texts["prompt"] for row in rows]
    for pair in within(texts, checks.overlap):
        row, earlier = rows[pair.second], rows[pair.first]
        yield Problem(row.path, row.line, f"{cut(texts[pair.second])} overlaps {told(earlier)}: {pair.share:.0%}.")
    if name == "prompts":
        yield from _beginnings(pool_files(folder, name)[0], texts, checks.first_words)
    elif checks.opener_words:
        yield from _lengths(rows, *checks.opener_words)


def _beginnings(path: Path, texts: Sequence[str], wanted: int) -> Iterator[Problem]:
    met = len({first_words(text) for text in texts})
    if met < wanted:
        yield Problem(path, None, f"the pool begins in {met} ways (first three words); checks.first_words = {wanted}.")


def _lengths(rows: Sequence[Row], least: int, most: int) -> Iterator[Problem]:
    for row in rows:
        count = len(row.texts["prompt"].split())
        if not least <= count <= most:
            yield Problem(row.path, row.line, f"an opener of {count} words; checks.opener_words allows {least}–{most}.")


def _trait_problems(folder: Path, path: Path, checks: Checks) -> Iterator[Problem]:
    trait = path.stem
    if not NAME.fullmatch(trait):
        yield Problem(path, None, "a trait's name is lower-case letters, digits and _, a letter first.")
    file, problems = read_toml(path, TraitFile)
    yield from problems
    seed_path = path.with_name(f"{trait}.seed.toml")
    seeding, seed_problems = read_toml(seed_path, SeedFile) if seed_path.exists() else (None, [])
    yield from seed_problems
    for ending, keys in SEED_FILES.items():
        rows = path.with_name(f"{trait}{ending}")
        yield from read_rows(rows, keys)[1] if rows.exists() else ()
    if file is not None:
        yield from _rubric_problems(path, file.rubric, checks.anchors)
        seeds = seed_prompts(seed_path, seeding)
        yield from overlap_problems(folder, trait, file.eval_prompts, file.eval_openings, seeds, checks.overlap)


def _rubric_problems(path: Path, rubric: Rubric, anchors: Sequence[int]) -> Iterator[Problem]:
    for key, text in rubric.model_dump().items():
        missing = [str(anchor) for anchor in anchors if not re.search(rf"(?m)^{anchor}\b", text)]
        if missing:
            line = line_of(path.read_text(encoding="utf-8"), {"rubric": {key: text}}, ("rubric", key))
            yield Problem(path, line, f"rubric.{key}: no line begins with {', '.join(missing)} (checks.anchors).")


def _strays(folder: Path, traits: set[str]) -> Iterator[Problem]:
    endings = (".seed.toml", *SEED_FILES)
    for path in sorted((folder / "traits").glob("*")):
        ending = next((each for each in endings if path.name.endswith(each)), None)
        if ending and path.name.removesuffix(ending) not in traits:
            yield Problem(path, None, f"belongs to no trait; there is no {path.name.removesuffix(ending)}.toml.")
