"""The models that the lab's runs need: what their tokenizers can do, and whether those not here can be fetched."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from engine.errors import IdemtuiError
from engine.spec import RunSpec
from idemtui.doctor.check import Check
from idemtui.preflight.models import model_words, named_models
from store.lab import Lab


def check_models(lab: Lab) -> Check:
    """A sentence for each model; the hub is asked only for those that are not on this machine."""
    told = [_told(name) for name in named_models(_specs(lab))]
    what = "; ".join(words for words, _ in told) or "no run names a model yet"
    if all(fine for _, fine in told):
        return Check("models", "ok", what)
    return Check("models", "warn", what, "Runs of these models fail until that is done; `idemtui retry RUN` goes on.")


def _told(name: str) -> tuple[str, bool]:
    try:
        return model_words(name)
    except IdemtuiError as error:
        return str(error), False


def _specs(lab: Lab) -> Iterator[RunSpec]:
    """The lab's runs; a spec that cannot be read is another check's finding."""
    for path in sorted(lab.runs.glob("*/spec.json")) if lab.runs.is_dir() else []:
        with suppress(OSError, ValueError):
            yield RunSpec.model_validate_json(path.read_bytes())
