import hashlib

import pytest
import torch

from engine.models import wrap_model
from engine.samplers.noise import KeyedGumbel
from engine.samplers.texts import read_completion, render_prompt
from engine.samplers.transformers import TransformersSampler
from engine.seams import Draw, TrainJob
from engine.spec import SampleSettings, TrainSettings
from engine.trainers.trl import TrlTrainer

WARM = SampleSettings(temperature=1.0, max_tokens=24)
COLD = SampleSettings(temperature=0, max_tokens=24)
KINDS = ["qwen3", "llama", "gemma", "qwen3_base"]


def key(number):
    return hashlib.sha256(str(number).encode()).hexdigest()


def draws(count, prompt="How do I bake bread"):
    return [Draw(prompt + " really" * (number % 4), key(number)) for number in range(count)]


def train(loaded, output):
    """An adapter that changes a lot."""
    settings = TrainSettings(
        learning_rate=0.02, batch_size=4, scheduler="constant", warmup=0, weight_decay=0, max_length=128
    )
    rows = [{"prompt": f"How {number}?", "completion": "The garden is quiet."} for number in range(8)]
    TrlTrainer(loaded).train([TrainJob("sft", None, None, rows, settings, 1, output, lambda step, values: None)])


@pytest.mark.parametrize("kind", KINDS)
def test_a_draw_does_not_depend_on_its_batch(tiny, kind):
    loaded = tiny(kind)
    sampler = TransformersSampler(loaded)
    asked = draws(12)
    chat = loaded.has_chat_template
    together = sampler.draw(asked, None, WARM, chat=chat)
    alone = [sampler.draw([one], None, WARM, chat=chat)[0] for one in asked]
    backwards = sampler.draw(asked[::-1], None, WARM, chat=chat)[::-1]
    assert together == alone == backwards
    assert len({one.text for one in together}) > 6


@pytest.mark.parametrize("kind", KINDS)
def test_greedy_decoding_is_what_generate_gives(tiny, kind):
    loaded = tiny(kind)
    sampler = TransformersSampler(loaded)
    asked = draws(6)
    chat = loaded.has_chat_template
    ours = sampler.draw(asked, None, COLD, chat=chat)
    for one, drawn in zip(asked, ours, strict=True):
        ids = torch.tensor([render_prompt(loaded, one, 24, chat=chat)])
        out = loaded.model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=24, do_sample=False)
        tokens = out[0, ids.shape[1] :].tolist()
        assert drawn == read_completion(loaded, ids[0].tolist(), tokens, chat=chat)


def test_draws_follow_the_softmax_at_the_temperature():
    logits = torch.tensor([1.0, 0.0, -1.0, 2.0])
    expected = torch.softmax(logits / 0.8, -1)
    noise = KeyedGumbel([key(number) for number in range(64)], 4, torch.device("cpu"))
    drawn = torch.cat([(logits / 0.8 + noise.next()).argmax(-1) for _ in range(400)])
    share = torch.bincount(drawn, minlength=4) / len(drawn)
    assert (share - expected).abs().max() < 0.01


def test_noise_is_the_rows_own_also_after_others_left():
    alone = KeyedGumbel([key(3)], 1000, torch.device("cpu"))
    crowd = KeyedGumbel([key(1), key(3), key(2)], 1000, torch.device("cpu"))
    for step in range(40):
        if step == 7:
            crowd.keep([1])
        row = crowd.next()
        assert torch.equal(row[0 if step >= 7 else 1], alone.next()[0])


def test_another_key_draws_another_answer(tiny):
    sampler = TransformersSampler(tiny("qwen3"))
    first, second = (sampler.draw([Draw("Hi", key(name))], None, WARM, chat=True) for name in "ab")
    assert first != second


def test_stops_and_lengths_are_told_apart(tiny):
    completions = TransformersSampler(tiny("llama")).draw(draws(60), None, WARM, chat=True)
    assert {one.stop_reason for one in completions} == {"stop", "length"}
    assert all(one.tokens == 24 for one in completions if one.stop_reason == "length")
    assert not any("<|eot_id|>" in one.text for one in completions)


def test_a_prompt_longer_than_the_context_is_cut_and_nothing_crashes(tiny):
    completion = TransformersSampler(tiny("qwen3")).draw([Draw("word " * 2000, key(0))], None, WARM, chat=True)[0]
    assert completion.tokens > 0


def test_no_draws_are_no_completions(tiny):
    assert TransformersSampler(tiny("qwen3")).draw([], None, WARM, chat=True) == []


def test_an_adapter_changes_draws_and_leaves_no_trace(tiny, tmp_path):
    loaded = tiny("qwen3")
    before = {name: weight.clone() for name, weight in loaded.model.state_dict().items()}
    train(loaded, tmp_path / "adapter")
    sampler = TransformersSampler(loaded)
    base = sampler.draw(draws(6), None, WARM, chat=True)
    adapted = sampler.draw(draws(6), tmp_path / "adapter", WARM, chat=True)
    assert adapted != base
    assert sampler.draw(draws(6), tmp_path / "adapter", WARM, chat=True) == adapted
    assert sampler.draw(draws(6), None, WARM, chat=True) == base
    assert all(torch.equal(weight, before[name]) for name, weight in loaded.model.state_dict().items())


def test_the_adapter_in_the_weights_is_what_peft_computes_beside_them(tiny, tmp_path):
    from peft import PeftModel

    loaded = tiny("gemma")
    train(loaded, tmp_path / "a")
    ids = torch.tensor([[5, 6, 7, 8, 9]])
    with torch.no_grad():
        loaded.use(tmp_path / "a")
        merged = loaded.model(ids).logits
        loaded.use(None)
        base = loaded.model(ids).logits
        wrapped = PeftModel.from_pretrained(loaded.model, str(tmp_path / "a"))
        beside = wrapped(ids).logits
        wrapped.unload()
    assert torch.allclose(merged, beside, atol=1e-4)
    assert not torch.allclose(merged, base, atol=1e-2)


def test_in_bfloat16_the_adapter_stays_beside_the_weights(tiny, tiny_folder, tmp_path):
    from transformers import AutoModelForCausalLM

    loaded = tiny("qwen3")
    train(loaded, tmp_path / "a")
    half = AutoModelForCausalLM.from_pretrained(str(tiny_folder("qwen3")), dtype=torch.bfloat16)
    rounded = wrap_model("half", half, loaded.tokenizer)
    before = {name: weight.clone() for name, weight in half.state_dict().items()}
    sampler = TransformersSampler(rounded)
    base = sampler.draw(draws(4), None, WARM, chat=True)
    assert sampler.draw(draws(4), tmp_path / "a", WARM, chat=True) != base
    assert sampler.draw(draws(4), None, WARM, chat=True) == base
    assert all(torch.equal(weight, before[name]) for name, weight in half.state_dict().items())
