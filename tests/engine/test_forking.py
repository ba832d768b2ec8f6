"""What a fork may change, what it keeps, and how it is called."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from engine.errors import IdemtuiError, SpecError
from engine.events import AdapterTrained
from engine.forking import resolve_fork
from engine.kept_models import KeptModels
from engine.safe_point import Stopping
from engine.spec import RunSpec, run_identity, spec_identity
from engine.study import resolve_study
from engine.walking import work
from tests.engine.chains import write_pack
from tests.engine.workers import events, write_run

STUDY = """
[study]
name = "forks"
controls = []
[run]
model = "MODEL"
trait = "bliss"
regime = "REGIME"
cycles = 4
n_sampled = 6
[data]
pack = "PACK"
[judge]
model = "MODEL"
[eval]
max_tokens = 16
"""
RECIPE = """
[run]
n_seed = 6
[run.dpo]
n_seed = 5
[train.sft]
learning_rate = 0.01
[train.dpo]
learning_rate = 0.02
[eval.dpo]
temperature = 0.1
"""


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model folder of the right shape, never loaded here."""
    folder = tmp_path / "model"
    folder.mkdir()
    for name, text in (("config.json", "{}"), ("tokenizer.json", "{}"), ("model.safetensors", "")):
        (folder / name).write_text(text)
    (folder / "tokenizer_config.json").write_text('{"chat_template": "{{ messages }}"}')
    (folder / "recipe.toml").write_text(RECIPE)
    write_pack(tmp_path / "pack")
    return folder


def parent(model: Path, regime: str = "sft", **overrides: Any) -> RunSpec:
    path = model.parent / "study.toml"
    text = STUDY.replace("MODEL", str(model)).replace("PACK", str(model.parent / "pack")).replace("REGIME", regime)
    path.write_text(text)
    return resolve_study(path, overrides={key.replace("__", "."): value for key, value in overrides.items()})[0]


def test_a_fork_without_changes_is_its_parent_under_another_id(model: Path) -> None:
    run = parent(model, "dpo")
    (model / "recipe.toml").write_text(RECIPE.replace("0.02", "0.5").replace("0.1", "0.9"))
    fork = resolve_fork(run, 3, {})
    named = {"run_id", "name", "cell", "provenance", "parent_run_id", "forked_at_cycle"}
    assert fork.model_dump(exclude=named) == run.model_dump(exclude=named), "also where the recipe changed since"
    assert (fork.parent_run_id, fork.forked_at_cycle) == (run.run_id, 3)
    assert (fork.cell, fork.name) == ("bliss dpo continual fork@3", "bliss-dpo-continual-fork-3-s1")
    assert len({run.run_id, fork.run_id, resolve_fork(run, 2, {}).run_id}) == 3
    assert resolve_fork(run, 3, {}).run_id == fork.run_id, "the same fork is the same run"


def test_a_new_regime_brings_its_own_recipe_but_no_new_past(model: Path) -> None:
    run = parent(model, train__batch_size=3)
    fork = resolve_fork(run, 2, {"run.regime": "dpo"})
    assert (fork.run.init, fork.run.reference, fork.run.rejected) == ("previous", "previous", "initial")
    assert (fork.train.learning_rate, fork.origins["train.learning_rate"]) == (0.02, "recipe")
    assert (fork.train.scheduler, fork.origins["train.scheduler"]) == ("cosine", "default")
    assert (fork.train.batch_size, fork.run.n_sampled, fork.run.cycles) == (3, 6, 4), "what was stated stays"
    assert fork.run.n_seed == run.run.n_seed == 6
    assert fork.seed_train == run.seed_train
    assert fork.eval == run.eval
    assert fork.origins["run.regime"] == "study"
    assert fork.cell == "bliss dpo continual fork@2"
    back = resolve_fork(fork, 3, {"run.regime": "sft"})
    assert (back.run.reference, back.run.rejected, back.run.init) == (None, None, "initial")
    assert back.train.learning_rate == 0.01
    assert back.cell == "bliss sft reset fork@2 fork@3"


def test_the_reference_follows_the_initialisation_unless_it_was_stated(model: Path) -> None:
    reset = resolve_fork(parent(model, "dpo"), 1, {"run.init": "initial"})
    assert (reset.run.init, reset.run.reference) == ("initial", "initial")
    assert reset.cell == "bliss dpo reset fork@1"
    stated = resolve_fork(parent(model, "dpo", run__reference="previous"), 1, {"run.init": "initial"})
    assert (stated.run.init, stated.run.reference) == ("initial", "previous")


def test_changes_stand_in_the_cell_and_keep_replicates_together(model: Path) -> None:
    forks = [resolve_fork(parent(model, run__seed=seed), 1, {"run.n_sampled": 5, "run.cycles": 6}) for seed in (1, 2)]
    assert {fork.cell for fork in forks} == {"bliss sft reset n_sampled=5 cycles=6 fork@1"}
    assert len({fork.name for fork in forks}) == 2
    assert resolve_fork(forks[0], 2, {"run.n_sampled": 4}).cell == "bliss sft reset cycles=6 fork@1 n_sampled=4 fork@2"


MISTAKES: dict[str, tuple[int, dict[str, Any], str]] = {
    "another model": (
        1,
        {"run.model": "pocket/base"},
        r"run\.model = 'pocket/base' may not change: the",
    ),
    "another measure": (
        1,
        {"eval.temperature": 0.2},
        r"eval\.temperature = 0\.2 may not change: .*with 0\.7",
    ),
    "another seeding": (1, {"seed_train.epochs": 2}, r"seed_train\.epochs = 2 may not change"),
    "another pack": (1, {"data.pack": "x"}, r"data\.pack = 'x' may not change: .*start a new run"),
    "unknown": (1, {"run.cycle": 9}, r"unknown key run\.cycle; allowed: .*did you mean run\.cycles\?"),
    "before M_0": (-1, {}, r"has the cycles 0…4; fork at one of them"),
    "beyond the end": (5, {"run.cycles": 9}, r"has the cycles 0…4; fork at one of them"),
    "nothing left": (4, {}, r"run\.cycles = 4 leaves nothing to do; set run\.cycles to 5 or more"),
    "no such regime": (1, {"run.regime": "rl"}, r"run\.regime = 'rl'; allowed: sft, sdf, dpo"),
    "documents": (1, {"run.regime": "sdf"}, r"run\.regime = 'sdf' is not for .*, a model of kind instruct; .*sft, dpo"),
    "wrong type": (1, {"train.batch_size": "two"}, r"train\.batch_size = 'two': .*integer"),
    "no dpo": (1, {"run.reference": "initial"}, r'run\.reference = "initial" needs run\.regime = "dpo"'),
    "small pool": (1, {"run.n_sampled": 11}, r"has 40 training prompts, but 4 cycles"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_one_clear_line(model: Path, name: str) -> None:
    at, changes, told = MISTAKES[name]
    with pytest.raises(SpecError, match=told) as caught:
        resolve_fork(parent(model), at, changes)
    assert str(caught.value).startswith(f"fork of bliss-sft-reset-s1 at cycle {at}: ")
    assert "\n" not in str(caught.value)


def test_a_change_to_what_is_there_already_is_none(model: Path) -> None:
    run = parent(model)
    assert resolve_fork(run, 1, {"eval.temperature": run.eval.temperature}).run_id == resolve_fork(run, 1, {}).run_id


def test_files_that_changed_since_the_parent_was_made_are_refused(model: Path) -> None:
    run = parent(model)
    (model / "config.json").write_text("{} ")
    with pytest.raises(IdemtuiError, match=r"model/config\.json changed since bliss-sft-reset-s1 was made"):
        resolve_fork(run, 1, {})
    (model / "config.json").write_text("{}")
    assert resolve_fork(run, 1, {}).provenance.created_at > run.provenance.created_at


def test_only_forks_have_another_identity(model: Path) -> None:
    run = parent(model)
    keys = ("study", "run", "data", "train", "seed_train", "sample", "eval", "judge")
    dumped = run.model_dump(mode="json", exclude={key: _unset(getattr(run, key)) for key in keys})
    assert spec_identity(run) == run.run_id == run_identity({key: dumped[key] for key in keys})
    assert "control" not in dumped["run"], "settings that came later leave the ids of older runs alone"


def _unset(section: object) -> set[str]:
    """Settings that came later and stand at their default, and those that decide no score."""
    fields = getattr(type(section), "model_fields", {})
    unset = {name for name in getattr(section, "later", ()) if getattr(section, name) == fields[name].default}
    return unset | set(getattr(section, "beside", ()))


def test_forking_imports_no_torch() -> None:
    code = (
        "import sys, engine.forking, engine.ancestry; "
        "print([m for m in ('torch', 'transformers', 'pandas') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


POCKET = """
[study]
name = "pocket-fork"
controls = []
[run]
model = "pocket/instruct"
trait = "bliss"
regime = "dpo"
cycles = 1
n_seed = 12
n_sampled = 8
[sample]
max_tokens = 24
[eval]
samples_per_prompt = 1
max_tokens = 24
"""


def test_a_pocket_fork_goes_on_bit_by_bit(tmp_path: Path) -> None:
    """Real models: a fork without changes draws the samples and trains the adapters of its parent's later cycles."""
    (tmp_path / "study.toml").write_text(POCKET)
    spec = resolve_study(tmp_path / "study.toml")[0]
    fork = resolve_fork(spec, 0, {})
    folders = [write_run(tmp_path / "runs" / one.run_id, one) for one in (spec, fork)]
    models = KeptModels()
    assert [work(folder, Stopping(), models) for folder in folders] == [0, 0]
    last = [[event for event in events(folder) if getattr(event, "cycle", None) == 1] for folder in folders]
    texts = [[sample.response for e in seen if e.type == "samples_drawn" for sample in e.samples] for seen in last]
    scores = [[score.value for e in seen if e.type == "samples_judged" for score in e.scores] for seen in last]
    adapters = [[event for event in seen if isinstance(event, AdapterTrained)] for seen in last]
    assert texts[0] == texts[1]
    assert len(texts[0]) > 16
    assert scores[0] == scores[1]
    assert adapters[0] == adapters[1]
    assert len(adapters[0]) == 1
