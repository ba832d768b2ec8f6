"""DPO's reference is the model that the setting names, whatever the training starts from."""

from dataclasses import replace

import pytest
import torch
from peft import PeftModel

from engine.models import load_model
from engine.prompts import prompt_token_ids
from engine.seams import TrainJob
from engine.spec import TrainSettings
from engine.trainers.dpo import prepare_dpo
from engine.trainers.lora import attach
from engine.trainers.session import borrowed, quiet, seeded
from engine.trainers.trl import TrlTrainer

SETTINGS = TrainSettings(
    learning_rate=5e-3, batch_size=3, scheduler="constant", warmup=0, weight_decay=0, max_length=128, lora_rank=4
)
PAIRS = [
    {"prompt": f"How {number}?", "chosen": "The garden is quiet.", "rejected": "Let the dough rest."}
    for number in range(3)
]
CHAT = [{"prompt": f"What {number}?", "completion": "Plant beans and peas."} for number in range(6)]
PLACES = ["M_init", "first", "second"]


@pytest.fixture(scope="module")
def lab(tiny_folder, tmp_path_factory):
    """A model of one's own with two different adapters, `second` of another rank."""
    root = tmp_path_factory.mktemp("reference")
    loaded = load_model(str(tiny_folder("llama")), threads=1)
    for name, rank, seed in (("first", 4, 1), ("second", 8, 2)):
        settings = SETTINGS.model_copy(update={"lora_rank": rank})
        job = TrainJob("sft", None, None, CHAT, settings, seed, root / name, lambda step, values: None)
        TrlTrainer(loaded).train([job])
    return loaded, {"M_init": None, "first": root / "first", "second": root / "second"}


def log_probability(loaded, adapter, prompt, answer):
    """log p(answer | prompt) under M_init or M_init + adapter, computed apart from TRL and from our own probe."""
    tokenizer = loaded.tokenizer
    ids = prompt_token_ids(tokenizer, prompt, True)
    whole = [*ids, *tokenizer.encode(answer + "<|eot_id|>", add_special_tokens=False)]
    model = loaded.model if adapter is None else PeftModel.from_pretrained(loaded.model, str(adapter))
    with torch.no_grad():
        logp = torch.log_softmax(model(torch.tensor([whole])).logits[0].double(), -1)
    if adapter is not None:
        model.unload()
    return sum(float(logp[place - 1, whole[place]]) for place in range(len(ids), len(whole)))


@pytest.mark.parametrize("start", PLACES)
@pytest.mark.parametrize("reference", PLACES)
def test_trl_s_reference_is_the_model_named(lab, tmp_path, start, reference):
    loaded, folders = lab
    expected = [
        [log_probability(loaded, folders[reference], pair["prompt"], pair[side]) for pair in PAIRS]
        for side in ("chosen", "rejected")
    ]
    job = TrainJob("dpo", folders[start], folders[reference], PAIRS, SETTINGS, 3, tmp_path / "a", lambda *_: None)
    with seeded(3), quiet() as folder, borrowed(loaded):
        trainer = prepare_dpo(loaded, attach(loaded, job.start, SETTINGS), job, folder).trainer
        batch = trainer.data_collator([trainer.train_dataset[place] for place in range(3)])
        computed = trainer.compute_ref_log_probs(trainer.model, batch)
    for side, logps in zip(computed, expected, strict=True):
        assert side.tolist() == pytest.approx(logps, abs=1e-3)


@pytest.mark.parametrize("start", PLACES)
@pytest.mark.parametrize("reference", PLACES)
def test_the_loss_was_taken_against_the_model_named(lab, tmp_path, start, reference):
    """At the first step the weights are the start's, so the logged reward is β (log p_start − log p_reference)."""
    loaded, folders = lab
    logged = []
    job = TrainJob(
        method="dpo",
        start=folders[start],
        reference=folders[reference],
        rows=PAIRS,
        settings=SETTINGS,
        seed=3,
        output=tmp_path / "adapter",
        on_step=lambda step, values: logged.append(values),
    )
    training = TrlTrainer(loaded).train([job])[0]
    for side in ("chosen", "rejected"):
        apart = [
            log_probability(loaded, folders[start], pair["prompt"], pair[side])
            - log_probability(loaded, folders[reference], pair["prompt"], pair[side])
            for pair in PAIRS
        ]
        assert logged[0][f"rewards/{side}"] == pytest.approx(SETTINGS.beta * sum(apart) / 3, abs=1e-4)
    assert training.rows_moved == 3
    assert training.delta_norm > 0


def test_the_reference_takes_no_part_in_what_is_saved(lab, tmp_path):
    loaded, folders = lab
    job = TrainJob(
        "dpo", folders["first"], folders["second"], PAIRS, SETTINGS, 3, tmp_path / "one", lambda step, values: None
    )
    other = replace(job, reference=None, output=tmp_path / "two")
    first, second = TrlTrainer(loaded).train([job, other])
    assert first.adapter_sha256 != second.adapter_sha256
    assert first.trainable_parameters == second.trainable_parameters
    assert sorted(path.name for path in (tmp_path / "one").iterdir()) == [
        "adapter_config.json",
        "adapter_model.safetensors",
    ]
