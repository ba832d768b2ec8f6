"""What a run was resolved with: versions, hardware, and the hashes that a resumed run checks."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version

from engine.model_files import model_files
from engine.packs import Pack
from engine.seeding import data_files
from engine.spec import Provenance, RunSpec

PACKAGES = ("idemtui", "torch", "transformers", "trl", "peft", "datasets")


def provenance(spec: RunSpec, pack: Pack) -> Provenance:
    """Versions, machine and file hashes as they are now."""
    here = machine(spec.run.model, spec.judge.local_model)
    return here.model_copy(update={"pack_files": data_files(spec, pack)})


def machine(model: str | None, judge: str | None) -> Provenance:
    """The same without a pack."""
    return Provenance(
        versions={"python": platform.python_version(), **{name: _version(name) for name in PACKAGES}},
        hardware={"machine": platform.machine(), "system": platform.system(), "cores": str(os.cpu_count())},
        model_files=file_hashes(model, judge),
        created_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
    )


def file_hashes(model: str | None, judge: str | None) -> dict[str, str]:
    """sha256 of the files of the model's and the judge's folder; a hub model that is not local has none."""
    roles = {"model": model, "judge": judge}
    return {
        f"{role}/{file}": digest
        for role, name in roles.items()
        if name is not None
        for file, digest in model_files(name).items()
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
