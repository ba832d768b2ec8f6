"""What a study leaves unset: a model folder's `recipe.toml` first, then the paper's defaults (protocol §3).

In a recipe a section may hold a table named for a regime, which wins over the section's own keys in that regime:

    [train.sft]       learning_rate = 1e-3          [train.dpo_seed]   M_0's own training in dpo
    [sample]          max_tokens = 64               [traits.bliss.sft] n_seed = 40     what one trait needs
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.errors import ModelError
from engine.spec import Regime

Values = dict[str, Any]

TRAIN: dict[Regime, Values] = {
    "sft": {"learning_rate": 1.5e-4, "scheduler": "constant", "warmup": 0.05, "batch_size": 2, "weight_decay": 0.01},
    "sdf": {"learning_rate": 1.5e-4, "scheduler": "constant", "warmup": 0.0, "batch_size": 4, "weight_decay": 0.1},
    "dpo": {"learning_rate": 1e-5, "scheduler": "cosine", "warmup": 0.0, "batch_size": 4, "weight_decay": 0.0},
}
MAX_LENGTH: dict[Regime, int] = {"sft": 2048, "sdf": 8192, "dpo": 2048}
CYCLES: dict[Regime, int] = {"sft": 6, "sdf": 6, "dpo": 10}


def defaults(regime: Regime) -> Values:
    """The paper's settings, by dotted key, for one regime."""
    sdf, dpo = regime == "sdf", regime == "dpo"
    train = {**TRAIN[regime], "max_length": MAX_LENGTH[regime]}
    values: Values = {
        "run.init": "previous" if dpo else "initial",
        "run.cycles": CYCLES[regime],
        "run.n_seed": 60,
        "run.n_sampled": 50,
        "run.seed": 1,
        "sample.temperature": 0.8,
        "sample.max_tokens": 512 if sdf else 1024,
        "sample.min_characters": 50 if sdf else 0,
        "eval.temperature": 0.7,
        "eval.max_tokens": 400,
        **{f"train.{key}": value for key, value in train.items()},
    }
    if dpo:
        values |= {"run.rejected": "initial"}
    return values


def read_recipe(folder: Path | None) -> Mapping[str, Any]:
    """A model folder's recipe, empty where it has none."""
    path = folder / "recipe.toml" if folder else None
    if path is None or not path.exists():
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ModelError(f"{path}: not TOML: {error}.") from None


def recipe_values(recipe: Mapping[str, Any], trait: str, regime: Regime) -> Values:
    """The recipe's values by dotted key for one trait and regime, `seed_train.…` included."""
    values: Values = {}
    for section in ("run", "data", "train", "sample", "eval", "judge"):
        table = recipe.get(section, {})
        own = {key: value for key, value in table.items() if not isinstance(value, dict)}
        values |= {f"{section}.{key}": value for key, value in {**own, **table.get(regime, {})}.items()}
    seeding = recipe.get("train", {}).get(f"{regime}_seed", {})
    values |= {f"seed_train.{key}": value for key, value in seeding.items()}
    chosen = recipe.get("traits", {}).get(trait, {}).get(regime, {})
    return values | {f"run.{key}": value for key, value in chosen.items()}
