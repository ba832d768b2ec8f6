"""Where a run's seed rows come from: a file of its own (`data.seed`), else the pack."""

from __future__ import annotations

from pathlib import Path

from engine.errors import PackError
from engine.packs import Pack
from engine.seed_files import SeedRow, file_sha256, read_seed_file
from engine.spec import RunSpec
from engine.traits.overlap import between

SHOWN = 3
SEED_FILE = "data.seed"
"""What the seed file is called among the hashes of a run's pack."""


def seed_rows(spec: RunSpec, pack: Pack) -> list[SeedRow]:
    """All seed rows of a run, in the order of their file; PackError where they are missing or broken."""
    run = spec.run
    if spec.data.seed is None:
        return pack.seed_rows(run.trait, run.regime)
    return read_seed_file(Path(spec.data.seed), run.regime)


def data_files(spec: RunSpec, pack: Pack) -> dict[str, str]:
    """sha256 of every file with texts that a run reads, by path in the pack."""
    files = pack.files(spec.run.trait, spec.eval.traits)
    return files if spec.data.seed is None else {**files, SEED_FILE: file_sha256(Path(spec.data.seed))}


def check_apart(rows: list[SeedRow], trait: str, pack: Pack, regime: str) -> None:
    """Raise PackError where a seed row of another file than the pack's is what the trait is measured by."""
    file = pack.trait(trait)
    asked = file.eval_openings if regime == "sdf" else file.eval_prompts
    trained = [row.prompt or row.response.strip().split("\n")[0] for row in rows]
    found = between(asked, trained, pack.about().checks.overlap)
    if found:
        pairs = ", ".join(f"row {pair.second + 1} and {asked[pair.first]!r}" for pair in found[:SHOWN])
        more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
        raise PackError(f"seed rows overlap what {trait} is measured by: {pairs}{more}; remove those rows.")
