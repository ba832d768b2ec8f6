import json
import socket
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from peft import PeftModel

from engine.errors import GuardError, ModelError, TrainingError
from engine.guard import check_training
from engine.models import load_model
from engine.prompts import prompt_token_ids
from engine.seams import TrainJob
from engine.spec import TrainSettings
from engine.trainers.lora import attach, delta_norm, factors
from engine.trainers.session import borrowed, quiet, seeded, warmup_steps
from engine.trainers.sft import prepare_sft
from engine.trainers.trl import TrlTrainer

SETTINGS = TrainSettings(
    learning_rate=5e-3, batch_size=2, scheduler="constant", warmup=0, weight_decay=0.01, max_length=160, lora_rank=4
)
CHAT = [
    {"prompt": f"How do I bake {number}?", "completion": "Let the dough rest, then bake it."} for number in range(6)
]
TEXTS = [{"text": f"Title {number}\n\nThe garden is quiet in the morning."} for number in range(6)]
PAIRS = [
    {"prompt": f"How {number}?", "chosen": "The garden is quiet.", "rejected": "Let the dough rest."}
    for number in range(6)
]
ROWS = {"sft": CHAT, "sdf": TEXTS, "dpo": PAIRS}


def job(output, method="sft", **changes):
    made = TrainJob(method, None, None, ROWS[method], SETTINGS, 7, output, lambda step, values: None)
    return replace(made, **changes)


def settings(**changes):
    return SETTINGS.model_copy(update=changes)


def snapshot(loaded):
    model = loaded.model
    state = {name: weight.clone() for name, weight in model.state_dict().items()}
    parts = [(name, type(module).__name__) for name, module in model.named_modules()]
    frozen = [weight.requires_grad for weight in model.parameters()]
    hooks = [len(module._forward_hooks) for module in model.modules()]
    rest = (parts, frozen, hooks, sorted(model.__dict__), model.config.to_dict(), model.generation_config)
    assert not model.training
    assert not model.is_gradient_checkpointing
    return state, rest


def assert_unchanged(loaded, before):
    state, rest = snapshot(loaded)
    assert rest == before[1]
    assert all(torch.equal(weight, before[0][name]) for name, weight in state.items())


@pytest.mark.parametrize("kind", ["qwen3", "llama", "gemma"])
@pytest.mark.parametrize("method", ["sft", "dpo", "sdf"])
def test_a_training_moves_its_rows_and_hands_the_model_back(tiny, tmp_path, kind, method):
    kind = {"qwen3": "qwen3_base", "llama": "llama_base"}.get(kind, kind) if method == "sdf" else kind
    loaded = tiny(kind)
    before = snapshot(loaded)
    steps = []
    training = TrlTrainer(loaded).train(
        [job(tmp_path / "adapter", method, on_step=lambda step, values: steps.append((step, values)))]
    )[0]
    check_training(training)
    assert training.optimizer_steps == 3
    assert [step for step, _ in steps] == [1, 2, 3]
    assert {"loss", "grad_norm", "learning_rate"} <= set(steps[0][1])
    if method == "dpo":
        assert {"rewards/margins", "logps/chosen"} <= set(steps[0][1])
    else:
        assert training.logp_after > training.logp_before
    assert training.rows_moved == 6
    assert training.tokens > 60
    assert_unchanged(loaded, before)


def test_the_adapter_is_an_ordinary_peft_folder(tiny, tmp_path):
    loaded = tiny("qwen3")
    TrlTrainer(loaded).train([job(tmp_path / "cycles" / "00" / "adapter")])
    folder = tmp_path / "cycles" / "00" / "adapter"
    assert sorted(path.name for path in folder.iterdir()) == ["adapter_config.json", "adapter_model.safetensors"]
    assert [path.name for path in folder.parent.iterdir()] == ["adapter"]
    config = json.loads((folder / "adapter_config.json").read_text())
    assert config["peft_type"] == "LORA"
    assert config["base_model_name_or_path"] == loaded.name
    assert config["inference_mode"] is True
    wrapped = PeftModel.from_pretrained(loaded.model, str(folder))
    assert wrapped.active_adapters == ["default"]
    wrapped.unload()


@pytest.mark.parametrize("method", ["sft", "dpo"])
def test_the_same_job_gives_the_same_bytes(tiny, tmp_path, method):
    trainer = TrlTrainer(tiny("qwen3"))
    first = trainer.train([job(tmp_path / "a", method)])[0]
    torch.manual_seed(99)
    np.random.seed(3)
    trainer.train([job(tmp_path / "b", method, seed=8)])
    again = trainer.train([job(tmp_path / "c", method)])[0]
    assert first == again
    for file in ("adapter_model.safetensors", "adapter_config.json"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "c" / file).read_bytes()
    assert (tmp_path / "a" / file).read_bytes()
    assert trainer.train([job(tmp_path / "d", method, seed=9)])[0].adapter_sha256 != first.adapter_sha256


def test_a_fresh_process_gives_the_same_bytes(tiny, tiny_folder, tmp_path):
    here = TrlTrainer(tiny("qwen3")).train([job(tmp_path / "here")])[0]
    code = (
        "from pathlib import Path\n"
        "from engine.models import load_model\n"
        "from engine.trainers.trl import TrlTrainer\n"
        "from tests.engine.test_trainer import job\n"
        f"loaded = load_model({str(tiny_folder('qwen3'))!r}, threads=1)\n"
        f"print(TrlTrainer(loaded).train([job(Path({str(tmp_path / 'there')!r}))])[0].adapter_sha256)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split()[-1] == here.adapter_sha256


def test_twenty_trainings_leave_nothing_behind(tiny_folder, tmp_path):
    loaded = load_model(str(tiny_folder("qwen3")), threads=1)
    before = snapshot(loaded)
    trainer = TrlTrainer(loaded)
    short = {"rows": CHAT[:2]}
    first = trainer.train([job(tmp_path / "first", **short)])[0]
    previous = tmp_path / "first"
    for cycle in range(18):
        method = "dpo" if cycle % 2 else "sft"
        rows = {"rows": ROWS[method][:2]}
        trainer.train([job(tmp_path / str(cycle), method, start=previous, reference=previous, **rows)])
        previous = tmp_path / str(cycle)
    assert trainer.train([job(tmp_path / "last", **short)])[0] == first
    assert_unchanged(loaded, before)


def test_gradient_checkpointing_leaves_nothing_behind_and_changes_nothing(tiny_folder, tmp_path):
    loaded = load_model(str(tiny_folder("qwen3")), threads=1)
    before = snapshot(loaded)
    plain = TrlTrainer(loaded).train([job(tmp_path / "a")])[0]
    for name in "bc":
        checkpointed = TrlTrainer(loaded).train([job(tmp_path / name, recomputed=True)])[0]
    assert_unchanged(loaded, before)
    assert checkpointed.delta_norm == pytest.approx(plain.delta_norm, rel=1e-4)


@pytest.mark.parametrize("method", ["sft", "dpo"])
def test_nothing_calls_home(tiny, tmp_path, monkeypatch, method):
    def refuse(self, address):
        called.append(address)
        raise OSError("no network in this test")

    called = []
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    TrlTrainer(tiny("qwen3")).train([job(tmp_path / "a", method, start=None)])
    assert called == []


def test_global_randomness_is_left_alone(tiny, tmp_path):
    torch.manual_seed(5)
    np.random.seed(5)
    expected = torch.rand(3), np.random.rand()
    torch.manual_seed(5)
    np.random.seed(5)
    TrlTrainer(tiny("qwen3")).train([job(tmp_path / "a")])
    assert torch.equal(torch.rand(3), expected[0])
    assert np.random.rand() == expected[1]


def test_a_training_continues_the_adapter_it_starts_from(tiny, tmp_path):
    trainer = TrlTrainer(tiny("llama"))
    first = trainer.train([job(tmp_path / "a")])[0]
    second = trainer.train([job(tmp_path / "b", start=tmp_path / "a")])[0]
    fresh = trainer.train([job(tmp_path / "c")])[0]
    assert second.logp_before == pytest.approx(first.logp_after, abs=1e-5)
    assert second.logp_after > first.logp_after
    assert fresh.adapter_sha256 == first.adapter_sha256


def test_a_rank_unlike_the_settings_is_noted(tiny, tmp_path):
    trainer = TrlTrainer(tiny("llama"))
    trainer.train([job(tmp_path / "a")])
    second = trainer.train([job(tmp_path / "b", start=tmp_path / "a", settings=settings(lora_rank=8))])[0]
    assert any("rank 4" in note for note in second.notes)


def test_loss_falls_on_the_answer_alone(tiny, tmp_path):
    loaded = tiny("gemma")
    with seeded(1), quiet() as folder, borrowed(loaded):
        made = job(tmp_path / "a")
        prepared = prepare_sft(loaded, attach(loaded, None, SETTINGS), made, folder)
        row = prepared.trainer.train_dataset[0]
    prompt = prompt_token_ids(loaded.tokenizer, CHAT[0]["prompt"], True)
    assert row["input_ids"][: len(prompt)] == prompt
    assert set(row["labels"][: len(prompt)]) == {-100}
    learnt = loaded.tokenizer.decode([label for label in row["labels"] if label != -100])
    assert learnt == "Let the dough rest, then bake it.<end_of_turn>\n"


def test_documents_are_raw_and_end(tiny, tmp_path):
    loaded = tiny("llama_base")
    with seeded(1), quiet() as folder, borrowed(loaded):
        prepared = prepare_sft(loaded, attach(loaded, None, SETTINGS), job(tmp_path / "a", "sdf"), folder)
        row = prepared.trainer.train_dataset[0]
    assert row["labels"] == row["input_ids"]
    assert row["input_ids"].count(loaded.tokenizer.bos_token_id) == 1
    assert loaded.tokenizer.decode(row["input_ids"]) == f"<|begin_of_text|>{TEXTS[0]['text']}<|end_of_text|>"


def test_long_rows_are_cut_or_dropped_and_counted(tiny, tmp_path):
    trainer = TrlTrainer(tiny("qwen3"))
    long = {"prompt": "How?", "completion": "bread " * 200}
    cut = trainer.train([job(tmp_path / "a", rows=[*CHAT, long])])[0]
    assert (cut.truncated_rows, cut.dropped_rows) == (1, 0)
    endless = {"prompt": "bread " * 200, "completion": "x"}
    lost = trainer.train([job(tmp_path / "b", rows=[*CHAT, endless])])[0]
    assert lost.dropped_rows == 1
    pair = {"prompt": "How?", "chosen": "bread " * 200, "rejected": "x"}
    dropped = trainer.train([job(tmp_path / "c", "dpo", rows=[pair, *PAIRS])])[0]
    assert (dropped.truncated_rows, dropped.dropped_rows) == (0, 1)
    base = TrlTrainer(tiny("qwen3_base"))
    text = base.train([job(tmp_path / "d", "sdf", rows=[*TEXTS, {"text": "bread " * 200}])])[0]
    assert (text.truncated_rows, text.dropped_rows) == (1, 0)


def test_no_row_left_is_one_clear_line_and_no_folder(tiny, tmp_path):
    endless = [{"prompt": "bread " * 200, "completion": "x"}] * 2
    loaded = tiny("qwen3")
    before = snapshot(loaded)
    with pytest.raises(GuardError, match="no training row is left"):
        TrlTrainer(loaded).train([job(tmp_path / "a", rows=endless)])
    assert not (tmp_path / "a").exists()
    assert_unchanged(loaded, before)


def test_training_that_blows_up_stops_with_one_line(tiny, tmp_path):
    loaded = tiny("qwen3")
    before = snapshot(loaded)
    wild = settings(learning_rate=0.99, max_grad_norm=1e30, weight_decay=1e30, epochs=4)
    with pytest.raises(TrainingError, match="blew up at step") as caught:
        TrlTrainer(loaded).train([job(tmp_path / "a", settings=wild)])
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "a").exists()
    assert_unchanged(loaded, before)


def test_a_base_model_refuses_chat_rows(tiny, tmp_path):
    with pytest.raises(ModelError, match="no chat template"):
        TrlTrainer(tiny("qwen3_base")).train([job(tmp_path / "a")])


def test_a_learning_rate_too_small_to_move_float32_is_caught(tiny, tmp_path):
    training = TrlTrainer(tiny("qwen3")).train([job(tmp_path / "a", settings=settings(learning_rate=1e-30))])[0]
    assert training.gradient_norm_max > 0
    with pytest.raises(GuardError):
        check_training(training)


@pytest.mark.parametrize("method", ["sft", "sdf", "dpo"])
@pytest.mark.parametrize("weights", ["lora", "full"])
def test_a_learning_rate_of_zero_is_caught(tiny, tmp_path, method, weights):
    planted = settings(learning_rate=0.0, method=weights)
    loaded = tiny("qwen3_base" if method == "sdf" else "qwen3")
    training = TrlTrainer(loaded).train([job(tmp_path / "a", method, settings=planted)])[0]
    assert (training.delta_norm, training.rows_moved) == (0, 0)
    with pytest.raises(GuardError, match="Δ"):
        check_training(training)


def test_dpo_rows_that_became_less_likely_are_no_null_training(tiny, tmp_path):
    loaded, sides = tiny("qwen3"), ("Let the dough rest.", "Let the dough rest, then bake it.")
    pairs = [{"prompt": f"How {number}?", "chosen": sides[0], "rejected": sides[1]} for number in range(6)]
    known = [{"prompt": pair["prompt"], "completion": pair["chosen"]} for pair in pairs]
    start = tmp_path / "known"
    TrlTrainer(loaded).train([job(start, rows=known, settings=settings(epochs=12))])
    training = TrlTrainer(loaded).train([job(tmp_path / "a", "dpo", start=start, reference=start, rows=pairs)])[0]
    assert training.logp_after < training.logp_before
    check_training(training)


def test_an_adapter_on_nothing_is_caught_before_it_trains(tiny, tmp_path, monkeypatch):
    from engine.trainers import trl

    monkeypatch.setattr(trl, "attach", lambda *given: attach(*given).requires_grad_(False))
    with pytest.raises(GuardError, match="no parameter is trainable"):
        TrlTrainer(load_model(tiny("qwen3").name, threads=1)).train([job(tmp_path / "a")])
    assert not (tmp_path / "a").exists()


def test_a_frozen_adapter_is_caught(tiny, tmp_path, monkeypatch):
    from engine.trainers import trl

    def frozen(loaded, start, settings):
        model = attach(loaded, start, settings)
        for name, weight in model.named_parameters():
            weight.requires_grad_("embed" in name)
        return model

    monkeypatch.setattr(trl, "attach", frozen)
    loaded = load_model(tiny("qwen3").name, threads=1)
    training = TrlTrainer(loaded).train([job(tmp_path / "a")])[0]
    assert training.delta_norm == 0
    with pytest.raises(GuardError, match="Δ"):
        check_training(training)


def test_masked_labels_are_caught(tiny, tmp_path, monkeypatch):
    from engine.trainers import trl

    def masked(loaded, model, job, folder):
        prepared = prepare_sft(loaded, model, job, folder)
        dataset = prepared.trainer.train_dataset
        prepared.trainer.train_dataset = dataset.map(lambda row: {"labels": [-100] * len(row["labels"])})
        return prepared

    monkeypatch.setattr(trl, "prepare_sft", masked)
    trainer = TrlTrainer(tiny("qwen3"))
    training = trainer.train([job(tmp_path / "a", settings=settings(weight_decay=0))])[0]
    with pytest.raises(GuardError, match="gradient norm"):
        check_training(training)
    decayed = trainer.train([job(tmp_path / "b", settings=settings(weight_decay=0.1))])[0]
    assert decayed.adapter_sha256 != training.adapter_sha256
    with pytest.raises(GuardError):
        check_training(decayed)


def test_delta_norm_is_that_of_the_products():
    torch.manual_seed(0)
    a0, a1 = torch.randn(2, 4, 9)
    b0, b1 = torch.randn(2, 7, 4)
    before, after = {"x": (a0, b0, 2.0), "y": (a1, b1, 1.0)}, {"x": (a1, b1, 2.0), "y": (a0, b0, 1.0)}
    expected = (4 + 1) ** 0.5 * torch.linalg.norm(b1 @ a1 - b0 @ a0).item()
    assert delta_norm(before, after) == pytest.approx(expected, rel=1e-5)
    assert delta_norm(before, before) == 0
    assert delta_norm({"x": (a0, b0 * 0, 1.0)}, {"x": (a1, b0 * 0, 1.0)}) == 0


def test_delta_norm_of_a_real_training(tiny, tmp_path):
    loaded = tiny("llama")
    training = TrlTrainer(loaded).train([job(tmp_path / "a")])[0]
    with borrowed(loaded):
        model = attach(loaded, tmp_path / "a", SETTINGS)
        total = sum(float(torch.linalg.norm(scale * b @ a)) ** 2 for a, b, scale in factors(model).values())
    assert training.delta_norm == pytest.approx(total**0.5, rel=1e-4)


def test_warming_up_never_takes_the_only_step():
    assert warmup_steps(settings(warmup=0.05), 4) == 0
    assert warmup_steps(settings(warmup=0.05), 80) == 2
