"""Which settings of a run's arm go together: restarts, mixed data, full finetuning."""

from __future__ import annotations

from engine.controls import ARMLESS
from engine.errors import SpecError
from engine.spec import RunSpec


def check_arm(where: str, spec: RunSpec) -> None:
    """Raise SpecError, in one line, for settings that contradict each other or have nothing to act on."""
    for broken, message in (*_restarts(spec), *_mixtures(spec), *_methods(spec)):
        if broken:
            raise SpecError(f"{where}: {message}")


def _restarts(spec: RunSpec) -> list[tuple[bool, str]]:
    run = spec.run
    return [
        (
            run.init == "restart" and run.restart_every is None,
            'run.init = "restart" needs run.restart_every, the number of cycles from one restart to the next.',
        ),
        (
            run.init != "restart" and run.restart_every is not None,
            f'run.restart_every = {run.restart_every} needs run.init = "restart", not "{run.init}".',
        ),
        (
            run.init == "restart" and run.regime == "dpo" and run.reference is None,
            'run.reference is missing: beside run.init = "restart" it follows nothing; allowed: "initial", "previous".',
        ),
    ]


def _mixtures(spec: RunSpec) -> list[tuple[bool, str]]:
    run, data = spec.run, spec.data
    wanted = seed_rows(spec)
    return [
        (
            run.control in ARMLESS and data.looks_back,
            f'run.control = "{run.control}" trains on no sampled data, so data.mix and data.seed_fraction mean nothing '
            "there; remove them.",
        ),
        (
            data.mix != "replace" and data.seed_fraction > 0,
            f'data.seed_fraction = {data.seed_fraction} needs data.mix = "replace": "{data.mix}" holds the seed rows '
            "already.",
        ),
        (
            wanted > run.n_seed,
            f"data.seed_fraction = {data.seed_fraction} of n_sampled = {run.n_sampled} are {wanted} seed rows, but "
            f"run.n_seed = {run.n_seed}; lower it, or raise run.n_seed.",
        ),
    ]


def _methods(spec: RunSpec) -> list[tuple[bool, str]]:
    train, seeding = spec.train.method, spec.seed_train.method
    return [
        (
            train != seeding,
            f'train.method = "{train}" and seed_train.method = "{seeding}" cannot follow each other; set both alike.',
        ),
    ]


def check_device(where: str, spec: RunSpec) -> None:
    """Raise SpecError, in one line, for an arm that cannot be run on the device, known when a server takes the run."""
    if spec.train.method == "full" and spec.execution.device != "cpu":
        raise SpecError(
            f'{where}: train.method = "full" needs float32 weights, and on a GPU models are loaded in bfloat16, where '
            "small steps round away; use lora there, or a lab whose server sees no GPU (CUDA_VISIBLE_DEVICES= idemtui "
            "serve)."
        )


def seed_rows(spec: RunSpec) -> int:
    """How many rows of D_seed a cycle's training takes with `data.seed_fraction`."""
    return round(spec.data.seed_fraction * spec.run.n_sampled)
