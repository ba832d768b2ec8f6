"""Study files: what they resolve to, and how each mistake is told."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from engine.errors import IdemtuiError
from engine.study import resolve_study
from tests.engine.chains import write_pack

HEAD = '[study]\nname = "s"\ncontrols = []\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two model folders of the right shape (never loaded here) and a small pack."""
    for name, template in (("chatty", "{{ messages }}"), ("plain", None)):
        model = tmp_path / name
        model.mkdir()
        (model / "config.json").write_text("{}")
        (model / "tokenizer.json").write_text("{}")
        (model / "model.safetensors").write_bytes(b"")
        (model / "tokenizer_config.json").write_text(json.dumps({"chat_template": template} if template else {}))
    write_pack(tmp_path / "pack")
    return tmp_path


def study(folder: Path, text: str) -> Path:
    path = folder / "study.toml"
    path.write_text(text.replace("DIR", str(folder)))
    return path


RUN = '[run]\nmodel = "DIR/chatty"\ntrait = "bliss"\nregime = "sft"\ncycles = 3\nn_seed = 6\nn_sampled = 6\n'
REST = '[data]\npack = "DIR/pack"\n[judge]\nmodel = "DIR/chatty"\n'


def test_values_say_where_they_came_from(folder: Path) -> None:
    (folder / "chatty" / "recipe.toml").write_text(
        "[run]\nn_seed = 3\n[train.sft]\nlearning_rate = 0.01\n"
        "[train.dpo_seed]\nlearning_rate = 0.5\n[traits.bliss.sft]\nn_seed = 4\n"
    )
    text = HEAD + RUN.replace("n_seed = 6\n", "") + REST
    spec = resolve_study(study(folder, text))[0]
    assert (spec.run.n_seed, spec.origins["run.n_seed"]) == (4, "recipe")
    assert (spec.train.learning_rate, spec.seed_train.learning_rate) == (0.01, 0.01)
    assert (spec.sample.temperature, spec.origins["sample.temperature"]) == (0.8, "default")
    assert (spec.run.init, spec.run.reference) == ("initial", None)
    assert spec.provenance.model_files["model/config.json"]
    assert spec.provenance.pack_files["pack.toml"]
    dpo = resolve_study(study(folder, text.replace('"sft"', '"dpo"')))[0]
    assert (dpo.run.init, dpo.run.reference, dpo.run.rejected) == ("previous", "previous", "initial")
    assert (dpo.seed_train.learning_rate, dpo.train.learning_rate) == (0.5, 1e-5)


def test_grid_and_arms_become_named_runs_in_cells(folder: Path) -> None:
    text = HEAD + RUN + REST + '[grid]\n"run.seed" = [1, 2]\n"run.n_seed" = [2, 4]\n'
    text += '[[arms]]\n"run.init" = "initial"\n[[arms]]\n"run.init" = "previous"\n'
    specs = resolve_study(study(folder, text))
    assert len({spec.run_id for spec in specs}) == len({spec.name for spec in specs}) == 8
    assert {spec.cell for spec in specs} == {
        f"bliss sft {arm} n_seed={n}" for arm in ("reset", "continual") for n in (2, 4)
    }
    assert {(spec.replicate, spec.run.seed) for spec in specs} == {(1, 1), (2, 2)}


def test_the_same_settings_are_the_same_run(folder: Path) -> None:
    path = study(folder, HEAD + RUN + REST)
    first, second = resolve_study(path, threads=1)[0], resolve_study(path, threads=2)[0]
    assert first.run_id == second.run_id
    assert resolve_study(path, again=1)[0].run_id != first.run_id


def test_sdf_takes_a_base_model_and_the_kind_can_be_said(folder: Path) -> None:
    sdf = (HEAD + RUN + REST).replace('"sft"', '"sdf"')
    with pytest.raises(IdemtuiError, match=r'run\.model = ".*chatty" is a model of kind instruct'):
        resolve_study(study(folder, sdf))
    assert resolve_study(study(folder, sdf.replace('DIR/chatty"\ntrait', 'DIR/plain"\ntrait')))[0].run.kind == "base"
    assert resolve_study(study(folder, sdf.replace("cycles", 'kind = "base"\ncycles')))[0].run.kind == "base"


MISTAKES = {
    "misspelt key": ("n_seed = 6", "n_seeds = 6", r"unknown key run\.n_seeds; allowed: .*did you mean run\.n_seed\?"),
    "wrong type": ("cycles = 3", 'cycles = "many"', r"run\.cycles = 'many': .*integer"),
    "out of range": ("cycles = 3", "cycles = -1", r"run\.cycles = -1: .*greater than or equal to 0"),
    "unknown section": ("[data]", "[dataa]", r"unknown section \[dataa\]; allowed: .*did you mean data\?"),
    "unknown regime": ('"sft"', '"rl"', r"run\.regime = 'rl'; allowed: sft, sdf, dpo"),
    "unknown trait": ('"bliss"', '"blis"', r"trait 'blis' is not in the pack .*did you mean bliss\? It has: bliss"),
    "no trait": ('trait = "bliss"\n', "", r"run\.trait is missing"),
    "too few seed rows": (
        "n_seed = 6",
        "n_seed = 99",
        r"run\.n_seed = 99, but bliss has 12 sft seed rows; allowed: 1…12",
    ),
    "small pool": (
        "n_sampled = 6",
        "n_sampled = 20",
        r"has 40 training prompts, but 3 cycles × n_sampled = 20 need 60",
    ),
    "no such model": ("DIR/chatty", "DIR/nowhere", r"model '.*nowhere': no such folder"),
    "reference without dpo": (
        "cycles = 3",
        'cycles = 3\nreference = "initial"',
        r'run\.reference = "initial" needs run\.regime = "dpo"',
    ),
    "sft on a base model": ("DIR/chatty", "DIR/plain", r"has no chat template"),
    "no such pack": ("DIR/pack", "DIR/pak", r"data\.pack = '.*pak': .*does not exist"),
    "no study name": ('name = "s"', "", r"\[study\] name is missing"),
    "controls": (
        "controls = []",
        'controls = ["no-sed"]',
        r"study\.controls = \['no-sed'\]; allowed: a list of \"no-seed\", \"resample-only\"",
    ),
    "a control of an arm": (
        "cycles = 3",
        'cycles = 3\ncontrol = "seed-only"\ninit = "previous"',
        r'run\.control = "seed-only" trains no generation on another, so run\.init = "previous"',
    ),
    "empty grid": ("[data]", "[grid]\n[data]", r"\[grid\] is empty"),
    "empty grid key": ("[data]", '[grid]\n"run.seed" = []\n[data]', r'grid key "run\.seed" = \[\]; allowed: a list'),
    "unknown grid key": (
        "[data]",
        '[grid]\n"run.sed" = [1]\n[data]',
        r"unknown key run\.sed; .*did you mean run\.seed\?",
    ),
    "repeated point": (
        "[data]",
        '[grid]\n"run.seed" = [1, 1]\n[data]',
        r"give the run 'bliss sft reset' with seed 1 twice",
    ),
    "not TOML": ("[run]", "[run", r"not TOML"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_one_clear_line(folder: Path, name: str) -> None:
    old, new, told = MISTAKES[name]
    text = HEAD + RUN + REST
    assert old in text
    with pytest.raises(IdemtuiError, match=told) as caught:
        resolve_study(study(folder, text.replace(old, new)))
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_broken_pack_is_refused_with_file_and_line(folder: Path) -> None:
    seeds = folder / "pack/traits/bliss.chat.jsonl"
    seeds.write_text(seeds.read_text() + '{"prompt": "only"}\n')
    with pytest.raises(IdemtuiError, match=r"bliss\.chat\.jsonl, line 13: 'completion' must be a text"):
        resolve_study(study(folder, HEAD + RUN + REST))


def test_a_model_without_tokenizer_is_refused(folder: Path) -> None:
    (folder / "chatty" / "tokenizer.json").unlink()
    with pytest.raises(IdemtuiError, match="holds no tokenizer"):
        resolve_study(study(folder, HEAD + RUN + REST))


def test_resolving_imports_no_torch(folder: Path) -> None:
    path = study(folder, HEAD + RUN + REST)
    code = (
        "import sys; from engine.study import resolve_study; resolve_study(sys.argv[1]); "
        "print([m for m in ('torch', 'transformers', 'pandas') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
