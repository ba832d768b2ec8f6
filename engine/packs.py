"""Trait packs: plain files that say what a trait is, how it is seeded, asked for and scored.

    pack.toml                       name, version, description, [checks] that the pack holds itself to
    prompts.jsonl or prompts/*      training prompts (sft, dpo), shared by traits: {"prompt"}, or .txt with one a line
    openers.jsonl or openers/*      document openers (sdf), likewise
    traits/<trait>.toml             the evaluated face: description, eval_prompts, eval_openings, [rubric]
    traits/<trait>.seed.toml        the seeded face: description, persona, [[categories]], [documents]
    traits/<trait>.chat.jsonl       {"prompt", "completion"}: seed answers
    traits/<trait>.documents.jsonl  {"text"}: seed documents

The last three may be missing: a pack for real models says how seed rows are made, another brings them. A broken pack is
refused with file and line.
"""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.errors import PackError
from engine.seed_files import SeedRow as SeedRow
from engine.spec import Regime
from engine.traits.apart import overlap_problems
from engine.traits.faces import PackFile, SeedFile, TraitFile, seed_prompts
from engine.traits.faces import Rubric as Rubric
from engine.traits.text_files import pool_files, rows_of
from engine.traits.toml_files import toml_of

SHIPPED = {
    "pocket": Path(__file__).parent / "pocket" / "pack",
    "traits": Path(__file__).parent / "traits" / "pack",
}
"""Packs known by name: the pocket world's, and the one for real models."""
SEED_ENDINGS = {"sft": ".chat.jsonl", "dpo": ".chat.jsonl", "sdf": ".documents.jsonl"}


@dataclass(frozen=True)
class Pack:
    """A pack folder that holds the files it must."""

    folder: Path
    name: str

    def about(self) -> PackFile:
        """The pack's own file."""
        return toml_of(self.folder / "pack.toml", PackFile)

    def traits(self) -> list[str]:
        """The keys of all traits, sorted."""
        return sorted(p.stem for p in (self.folder / "traits").glob("*.toml") if not p.stem.endswith(".seed"))

    def trait(self, trait: str) -> TraitFile:
        """The trait's evaluated face.

        PackError names the near ones where there is none, and lists eval prompts that overlap what is trained on.
        """
        path = self._trait_path(trait)
        file = toml_of(path, TraitFile)
        seeds = seed_prompts(path.with_name(f"{trait}.seed.toml"), self.seeding(trait))
        limit = self.about().checks.overlap
        found = overlap_problems(self.folder, trait, file.eval_prompts, file.eval_openings, seeds, limit)
        if found:
            listed = "; ".join(f"line {problem.line}: {problem.message.rstrip('.')}" for problem in found)
            raise PackError(f"{path}: what measures is also trained on: {listed}. Change one of each pair.")
        return file

    def seeding(self, trait: str) -> SeedFile | None:
        """The trait's seeded face; None where the pack brings seed rows without saying how they were made."""
        self._trait_path(trait)
        path = self.folder / "traits" / f"{trait}.seed.toml"
        return toml_of(path, SeedFile) if path.exists() else None

    def has_rows(self, trait: str, regime: Regime) -> bool:
        """Whether the pack brings seed rows of that kind."""
        return (self.folder / "traits" / f"{trait}{SEED_ENDINGS[regime]}").exists()

    def seed_rows(self, trait: str, regime: Regime) -> list[SeedRow]:
        """All seed rows of a trait in file order: documents for sdf, answers otherwise; PackError where it has none."""
        self._trait_path(trait)
        path = self.folder / "traits" / f"{trait}{SEED_ENDINGS[regime]}"
        if not path.exists():
            raise PackError(self._no_rows(trait, regime, path))
        if regime == "sdf":
            return [SeedRow("", row.texts["text"]) for row in rows_of(path, ("text",))]
        return [SeedRow(r.texts["prompt"], r.texts["completion"]) for r in rows_of(path, ("prompt", "completion"))]

    def pool(self, regime: Regime) -> list[str]:
        """Training prompts in file order, without repetitions: document openers for sdf."""
        files = pool_files(self.folder, "openers" if regime == "sdf" else "prompts")
        return list(dict.fromkeys(row.texts["prompt"] for path in files for row in rows_of(path, ("prompt",))))

    def files(self, trait: str, others: Sequence[str] = ()) -> dict[str, str]:
        """sha256 of every file that a run of this trait, scored by others' rubrics too, reads, by path in the pack."""
        paths = [self.folder / "pack.toml", *pool_files(self.folder, "prompts"), *pool_files(self.folder, "openers")]
        paths += [self.folder / "traits" / f"{trait}{end}" for end in (".toml", ".chat.jsonl", ".documents.jsonl")]
        paths += [self.folder / "traits" / f"{other}.toml" for other in others]
        return {
            path.relative_to(self.folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in paths
            if path.exists()
        }

    def _no_rows(self, trait: str, regime: Regime, path: Path) -> str:
        keys = '{"text"}' if regime == "sdf" else '{"prompt", "completion"}'
        copied = f"copy it with `idemtui traits new {trait} --from {trait} --into FOLDER`, " if self._shipped() else ""
        where = f"FOLDER/traits/{path.name}" if copied else str(path)
        named = ' and set data.pack = "FOLDER"' if copied else ""
        return (
            f"{path}: no such file; the pack {self.name!r} has no seed rows of that kind for {trait!r}, which "
            f"run.regime = {regime!r} needs: {copied}write {keys} rows to {where}{named}; "
            "or name a file of rows with data.seed (`idemtui seed` writes one)."
        )

    def _shipped(self) -> bool:
        return self.folder in SHIPPED.values()

    def _trait_path(self, trait: str) -> Path:
        path = self.folder / "traits" / f"{trait}.toml"
        known = self.traits()
        if trait in known:
            return path
        near = difflib.get_close_matches(trait, known, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(near)}? It has" if near else "it has"
        raise PackError(f"trait {trait!r} is not in the pack {self.name!r}; {hint}: {', '.join(known)}.")


def open_pack(name: str) -> Pack:
    """The shipped pack of that name, or the one in that folder."""
    folder = SHIPPED.get(name) or Path(name).expanduser().absolute()
    if not (folder / "pack.toml").exists():
        allowed = ", ".join(map(repr, SHIPPED))
        raise PackError(
            f"data.pack = {name!r}: {folder / 'pack.toml'} does not exist; allowed: {allowed} or a pack's folder."
        )
    return Pack(folder, name)
