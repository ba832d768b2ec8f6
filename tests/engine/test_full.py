"""Full finetuning: a whole model per cycle, drawn from, referred to and gone on from like an adapter."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

from engine.adapter_files import check_adapter, is_full, room_for_next, weights_file
from engine.errors import ModelError, ResumeError
from engine.events import AdapterTrained
from engine.guard import check_training
from engine.seams import Training
from engine.trainers.session import warmup_steps
from engine.trainers.trl import TrlTrainer
from tests.engine.test_trainer import SETTINGS, assert_unchanged, job, settings, snapshot

FULL = SETTINGS.model_copy(update={"method": "full", "learning_rate": 1e-3})


def trained(loaded: Any, output: Path, **changes: Any) -> Training:
    return TrlTrainer(loaded).train([replace(job(output, changes.pop("method", "sft")), settings=FULL, **changes)])[0]


def weights(loaded: Any) -> dict[str, torch.Tensor]:
    return {name: weight.detach().clone() for name, weight in loaded.model.named_parameters()}


@pytest.mark.parametrize("kind", ["qwen3", "llama", "gemma"])
def test_all_weights_move_and_the_model_is_handed_back(tiny: Any, tmp_path: Path, kind: str) -> None:
    loaded = tiny(kind)
    before = snapshot(loaded)
    done = trained(loaded, tmp_path / "full")
    check_training(done)
    assert done.trainable_parameters == sum(weight.numel() for weight in loaded.model.parameters())
    assert done.logp_after > done.logp_before
    assert_unchanged(loaded, before)
    assert sorted(path.name for path in (tmp_path / "full").iterdir()) == ["config.json", "model.safetensors"]
    assert done == trained(loaded, tmp_path / "again"), "the same job gives the same bytes"


def test_the_folder_is_a_model_that_transformers_and_the_sampler_load(tiny: Any, tmp_path: Path) -> None:
    loaded = tiny("qwen3")
    done = trained(loaded, tmp_path / "full")
    theirs = dict(AutoModelForCausalLM.from_pretrained(tmp_path / "full").named_parameters())
    base = weights(loaded)
    loaded.use(tmp_path / "full")
    ours = weights(loaded)
    assert all(torch.equal(ours[name], weight) for name, weight in theirs.items())
    moved = sum(float(((ours[name] - base[name]).double() ** 2).sum()) for name in base) ** 0.5
    assert done.delta_norm == pytest.approx(moved)
    loaded.use(None)
    assert all(torch.equal(weight, base[name]) for name, weight in weights(loaded).items())


def test_a_training_goes_on_from_a_whole_model(tiny: Any, tmp_path: Path) -> None:
    loaded = tiny("qwen3")
    first = trained(loaded, tmp_path / "a")
    second = trained(loaded, tmp_path / "b", start=tmp_path / "a")
    assert second.logp_before == pytest.approx(first.logp_after, abs=1e-6)


@pytest.mark.parametrize(("start", "reference"), [(None, None), ("a", "a"), (None, "a"), ("a", None)])
def test_dpo_s_first_margins_say_which_model_it_refers_to(
    tiny: Any, tmp_path: Path, start: str | None, reference: str | None
) -> None:
    loaded = tiny("qwen3")
    trained(loaded, tmp_path / "a")
    steps: list[float] = []
    done = trained(
        loaded,
        tmp_path / "b",
        method="dpo",
        start=tmp_path / start if start else None,
        reference=tmp_path / reference if reference else None,
        on_step=lambda step, values: steps.append(abs(values["rewards/chosen"])),
    )
    check_training(done)
    assert (steps[0] < 1e-6) == (start == reference)


def test_a_whole_model_is_checked_like_an_adapter(tiny: Any, tmp_path: Path) -> None:
    done = trained(tiny("qwen3"), tmp_path / "full")
    event = AdapterTrained(
        cycle=1, path="full", adapter_sha256=done.adapter_sha256, config_sha256=done.config_sha256, init="M_init",
        reference=None, trainable_parameters=1, optimizer_steps=1, gradient_norm_max=1, delta_norm=1, logp_before=0,
        logp_after=0, rows_moved=1, dropped_rows=0, truncated_rows=0,
    )  # fmt: skip
    check_adapter(tmp_path / "full", event)
    assert is_full(tmp_path / "full")
    assert room_for_next([tmp_path / "full"]) == 3 * (tmp_path / "full" / "model.safetensors").stat().st_size
    weights_file(tmp_path / "full").write_bytes(b"x")
    with pytest.raises(ResumeError, match=r"model\.safetensors was cut to 1 of"):
        check_adapter(tmp_path / "full", event)


def test_coarse_weights_are_refused(tiny_folder: Any, tmp_path: Path) -> None:
    from engine.models import load_model

    loaded = load_model(str(tiny_folder("qwen3")))
    loaded.model.to(torch.bfloat16)
    with pytest.raises(ModelError, match=r'bfloat16: train\.method = "full" needs float32'):
        trained(loaded, tmp_path / "full")
    assert not (tmp_path / "full").exists()


@pytest.mark.parametrize("rows", [2, 5])
def test_as_many_steps_as_were_asked_for_whatever_the_rows(tiny: Any, tmp_path: Path, rows: int) -> None:
    made = job(tmp_path / "a", settings=settings(steps=4))
    seen: list[int] = []
    cut = replace(made, rows=made.rows[:rows], on_step=lambda step, values: seen.append(step))
    done = TrlTrainer(tiny("qwen3")).train([cut])[0]
    assert (done.optimizer_steps, seen) == (4, [1, 2, 3, 4])
    assert done.tokens > 0
    assert warmup_steps(settings(steps=40, warmup=0.1), rows) == 4
