"""A trait's files copied as a start for editing: `idemtui traits new`."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

from engine.errors import PackError, UsageError
from engine.packs import Pack
from engine.traits.check import NAME, check_pack

TRAIT_ENDINGS = (".toml", ".seed.toml", ".chat.jsonl", ".documents.jsonl")


def copy_trait(source: Pack, trait: str, name: str, into: Path) -> list[Path]:
    """Copy `trait` as `name` into the pack in `into`, which is made with the source's pools where it is not there yet.

    Returns the trait's files there. UsageError or PackError where the name is taken or no name, or `into` is no pack.
    """
    if not NAME.fullmatch(name):
        raise UsageError(f"{name!r} is no trait name; allowed: lower-case letters, digits and _, a letter first.")
    source.trait(trait)
    fresh = not (into / "pack.toml").exists()
    _check_folder(into, name, fresh)
    if fresh:
        _copy_pools(source, into)
    (into / "traits").mkdir(exist_ok=True)
    copied = []
    for ending in TRAIT_ENDINGS:
        old, new = source.folder / "traits" / f"{trait}{ending}", into / "traits" / f"{name}{ending}"
        if old.exists():
            shutil.copyfile(old, new)
            copied.append(new)
    problems = check_pack(into)
    if problems:
        for path in copied:
            path.unlink()
        raise PackError(f"the copy would break the pack: {problems[0]} Nothing was added to it.")
    return copied


def _check_folder(into: Path, name: str, fresh: bool) -> None:
    if fresh:
        if into.exists() and (not into.is_dir() or any(into.iterdir())):
            raise UsageError(f"{into} exists and is no pack (no pack.toml); name an empty or a new folder with --into.")
        return
    taken = [path for ending in TRAIT_ENDINGS if (path := into / "traits" / f"{name}{ending}").exists()]
    if taken:
        raise UsageError(f"{taken[0]} exists already; choose another NAME, or another folder with --into.")
    problems = check_pack(into)
    if problems:
        raise PackError(f"{problems[0]} Put this pack right first; `idemtui traits check {into}` lists all problems.")


def _copy_pools(source: Pack, into: Path) -> None:
    into.mkdir(parents=True, exist_ok=True)
    text = (source.folder / "pack.toml").read_text(encoding="utf-8")
    values = {"name": into.resolve().name, "description": f"Begun as a copy from the pack {source.name!r}."}
    for key, value in values.items():
        line = f"{key} = {json.dumps(value)}"
        text = re.sub(rf"(?m)^{key}\s*=.*$", lambda _, line=line: line, text, count=1)  # type: ignore[misc]
    (into / "pack.toml").write_text(text, encoding="utf-8")
    for pool in ("prompts", "openers"):
        if (source.folder / f"{pool}.jsonl").exists():
            shutil.copyfile(source.folder / f"{pool}.jsonl", into / f"{pool}.jsonl")
        if (source.folder / pool).is_dir():
            shutil.copytree(source.folder / pool, into / pool)
