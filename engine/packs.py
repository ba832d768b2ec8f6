"""Trait packs: plain files that say what a trait is, how it is seeded, asked for and scored.

    pack.toml                       name, version, description
    prompts.jsonl, openers.jsonl    {"prompt"}: training prompts (sft, dpo) and document openers (sdf), shared by traits
    traits/<trait>.toml             description, eval_prompts, eval_openings, [rubric]
    traits/<trait>.chat.jsonl       {"prompt", "completion"}: seed answers
    traits/<trait>.documents.jsonl  {"text"}: seed documents

A broken pack is refused with file and line.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from engine.errors import PackError
from engine.spec import Regime

POCKET_PACK = Path(__file__).parent / "pocket" / "pack"


class Rubric(BaseModel):
    """The judge's questions, with places {question} and {answer}."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    trait: str
    coherence: str
    document_trait: str
    document_coherence: str


class TraitFile(BaseModel):
    """`traits/<trait>.toml`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    description: str
    eval_prompts: list[str] = Field(min_length=1)
    eval_openings: list[str] = Field(min_length=1)
    rubric: Rubric


@dataclass(frozen=True)
class SeedRow:
    """One seed text: an answer to a prompt, or a document (then `prompt` is empty)."""

    prompt: str
    response: str


@dataclass(frozen=True)
class Pack:
    """A pack folder that holds the files it must."""

    folder: Path
    name: str

    def traits(self) -> list[str]:
        """The keys of all traits, sorted."""
        return sorted(path.stem for path in (self.folder / "traits").glob("*.toml"))

    def trait(self, trait: str) -> TraitFile:
        """The trait's file; PackError names the near ones where there is none."""
        path = self._trait_path(trait, ".toml")
        try:
            return TraitFile.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
        except tomllib.TOMLDecodeError as error:
            raise PackError(f"{path}: {error}") from None
        except ValidationError as error:
            first = error.errors()[0]
            raise PackError(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None

    def seed_rows(self, trait: str, regime: Regime) -> list[SeedRow]:
        """All seed rows of a trait in file order: documents for sdf, answers otherwise."""
        if regime == "sdf":
            path = self._trait_path(trait, ".documents.jsonl")
            return [SeedRow("", row["text"]) for row in _rows(path, ("text",))]
        path = self._trait_path(trait, ".chat.jsonl")
        return [SeedRow(row["prompt"], row["completion"]) for row in _rows(path, ("prompt", "completion"))]

    def pool(self, regime: Regime) -> list[str]:
        """Training prompts in file order, without repetitions: document openers for sdf."""
        name = "openers.jsonl" if regime == "sdf" else "prompts.jsonl"
        return list(dict.fromkeys(row["prompt"] for row in _rows(self.folder / name, ("prompt",))))

    def files(self, trait: str) -> dict[str, str]:
        """sha256 of every file that a run of this trait reads, by its path in the pack."""
        names = ["pack.toml", "prompts.jsonl", "openers.jsonl"]
        names += [f"traits/{trait}{end}" for end in (".toml", ".chat.jsonl", ".documents.jsonl")]
        paths = {name: self.folder / name for name in names}
        return {n: hashlib.sha256(p.read_bytes()).hexdigest() for n, p in paths.items() if p.exists()}

    def _trait_path(self, trait: str, ending: str) -> Path:
        path = self.folder / "traits" / f"{trait}{ending}"
        if path.exists():
            return path
        known = self.traits()
        if trait in known:
            raise PackError(
                f"{path}: no such file; the pack {self.name!r} has no seed rows of that kind for {trait!r}."
            )
        near = difflib.get_close_matches(trait, known, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(near)}? " if near else ""
        raise PackError(f"trait {trait!r} is not in the pack {self.name!r}; {hint}It has: {', '.join(known)}.")


def open_pack(name: str) -> Pack:
    """The pack of that name (`pocket`) or in that folder."""
    folder = POCKET_PACK if name == "pocket" else Path(name).expanduser().absolute()
    if not (folder / "pack.toml").exists():
        raise PackError(
            f"data.pack = {name!r}: {folder / 'pack.toml'} does not exist; allowed: 'pocket' or a pack's folder."
        )
    return Pack(folder, name)


def _rows(path: Path, keys: Iterable[str]) -> list[dict[str, str]]:
    if not path.exists():
        raise PackError(f"{path}: no such file; the pack needs it.")
    lines = path.read_text(encoding="utf-8").split("\n")
    return [_row(path, number, line, keys) for number, line in enumerate(lines, 1) if line.strip()]


def _row(path: Path, number: int, line: str, keys: Iterable[str]) -> dict[str, str]:
    try:
        row: Any = json.loads(line)
    except ValueError as error:
        raise PackError(f"{path}, line {number}: not JSON ({error}).") from None
    for key in keys:
        if not isinstance(row, dict) or not isinstance(row.get(key), str) or not row[key]:
            raise PackError(f"{path}, line {number}: {key!r} must be a text that is not empty.")
    return {key: row[key] for key in keys}
