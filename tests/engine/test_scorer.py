"""Likelihoods of the real scorer against plain passes, one token at a time, and against every sequence there is."""

from __future__ import annotations

import hashlib

import pytest
import torch

from engine.models import load_model, wrap_model
from engine.samplers.texts import render_prompt
from engine.samplers.transformers import TransformersSampler
from engine.scorers.spelling import BLOCK, Spelled, blocks, spell
from engine.scorers.transformers import TOKENS, TransformersScorer
from engine.seams import Answer, Draw, TrainJob
from engine.spec import SampleSettings, TrainSettings
from engine.trainers.trl import TrlTrainer

SETTINGS = SampleSettings(temperature=0.7, max_tokens=24)
ANSWERS = [
    Answer("How do I bake bread", "The garden is quiet.", ended=True),
    Answer("Why", "It is.", ended=False),
    Answer("How do I bake bread really really", "The garden is quiet. The garden is quiet. The garden is", ended=False),
    Answer("And now", "", ended=True),
]


@pytest.fixture(scope="module")
def adapters(tiny, tmp_path_factory):
    """An adapter that changes a lot, trained once per kind."""
    made = {}

    def adapter(kind):
        if kind not in made:
            loaded, made[kind] = tiny(kind), tmp_path_factory.mktemp("adapters") / kind
            method = "sft" if loaded.has_chat_template else "sdf"
            settings = TrainSettings(
                learning_rate=0.02, batch_size=4, scheduler="constant", warmup=0, weight_decay=0, max_length=128
            )
            rows = [{"prompt": f"How {n}?", "completion": "The garden is quiet."} for n in range(8)]
            if method == "sdf":
                rows = [{"text": f"How {n}? The garden is quiet."} for n in range(8)]
            job = TrainJob(method, None, None, rows, settings, 1, made[kind], lambda step, values: None)
            TrlTrainer(loaded).train([job])
        return made[kind]

    return adapter


@torch.inference_mode()
def next_logps(loaded, ids):
    """What follows these tokens, by a pass of its own: no padding, no batch."""
    return torch.log_softmax(loaded.model(input_ids=torch.tensor([ids])).logits[0, -1].double(), -1)


def slowly(loaded, spelled, adapter):
    """nll, init_nll and kl by one pass a token and model."""
    sums = [0.0, 0.0, 0.0]
    for place, token in enumerate(spelled.answer):
        before = [*spelled.prompt, *spelled.answer[:place]]
        loaded.use(adapter)
        own = next_logps(loaded, before)
        loaded.use(None)
        initial = next_logps(loaded, before)
        sums[0] -= float(own[token])
        sums[1] -= float(initial[token])
        sums[2] += float((own.exp() * (own - initial)).sum())
    return sums


@pytest.mark.parametrize("kind", ["qwen3", "llama", "gemma", "qwen3_base"])
def test_sums_are_those_of_one_pass_a_token(tiny, adapters, kind):
    loaded, adapter = tiny(kind), adapters(kind)
    chat = loaded.has_chat_template
    found = TransformersScorer(loaded).likelihoods(ANSWERS, adapter, SETTINGS, chat=chat)
    for answer, likelihood in zip(ANSWERS, found, strict=True):
        spelled = spell(loaded, answer, chat=chat, room=24, end=loaded.end_id(chat=chat))
        assert likelihood.tokens == len(spelled.answer)
        expected = pytest.approx(slowly(loaded, spelled, adapter), rel=1e-3, abs=1e-3)
        assert [likelihood.nll, likelihood.init_nll, likelihood.kl] == expected
    loaded.use(None)


def test_the_prompt_is_the_samplers_and_the_end_is_the_turns(tiny):
    loaded = tiny("qwen3")
    spelled = spell(loaded, ANSWERS[0], chat=True, room=24, end=loaded.end_id(chat=True))
    shown = loaded.tokenizer.decode(spelled.ids)
    assert shown.startswith("<|im_start|>system\n<|im_end|>")
    assert shown.endswith("</think>\n\nThe garden is quiet.<|im_end|>")
    assert not loaded.tokenizer.decode(spelled.text).endswith("<|im_end|>")
    prefix = spell(tiny("qwen3_base"), Answer("The gar", "den is", ended=False), chat=False, room=24, end=0)
    assert tiny("qwen3_base").tokenizer.decode(prefix.ids) == "The garden is"


def test_under_m_init_nothing_diverges(tiny):
    for likelihood in TransformersScorer(tiny("qwen3")).likelihoods(ANSWERS, None, SETTINGS, chat=True):
        assert likelihood.kl == 0.0
        assert likelihood.nll == likelihood.init_nll


def test_its_mean_is_the_divergence_over_every_sequence_and_varies_less_than_the_log_ratio(tiny, adapters):
    """KL of all two-token continuations, enumerated, against the expectation of the estimate and of its square."""
    loaded, adapter = tiny("qwen3_base"), adapters("qwen3_base")
    prompt = render_prompt(loaded, Draw("How", ""), 2, chat=False)
    size = loaded.model.get_output_embeddings().weight.shape[0]
    contexts = [prompt, *([*prompt, token] for token in range(size))]
    p, q = (both_steps(loaded, contexts, which) for which in (adapter, None))
    ratio = p - q
    exact = float((p.exp() * ratio).sum())
    scorer = TransformersScorer(loaded)
    loaded.use(adapter)
    found = scorer.measure([Spelled(prompt, [token, 0], []) for token in range(size)])
    loaded.use(None)
    estimate = torch.tensor([one.kl for one in found]).double()
    first = p.exp().sum(1)
    assert float((first * estimate).sum()) == pytest.approx(exact, rel=1e-4)
    spread = float((first * (estimate - exact) ** 2).sum())
    assert spread < 0.5 * float((p.exp() * (ratio - exact) ** 2).sum())


@torch.inference_mode()
def both_steps(loaded, contexts, adapter):
    """The log p of every pair of tokens after the first context, (V, V)."""
    loaded.use(adapter)
    first = next_logps(loaded, contexts[0])
    then = torch.log_softmax(loaded.model(input_ids=torch.tensor(contexts[1:])).logits[:, -1].double(), -1)
    return first[:, None] + then


def test_blocks_are_scored_apart_so_that_a_text_that_repeats_itself_is_no_likelier(tiny):
    loaded = tiny("qwen3")
    text = list(range(30, 30 + BLOCK))
    scorer = TransformersScorer(loaded)
    once, thrice, other = scorer.measure([Spelled([5, 6], t, t) for t in (text, text * 3, text[:20])])
    assert (once.block_tokens, thrice.block_tokens, other.block_tokens) == (BLOCK - 1, 3 * (BLOCK - 1), 19)
    assert thrice.block_nll == pytest.approx(3 * once.block_nll, rel=1e-5)
    expected = -sum(float(next_logps(loaded, text[:i])[text[i]]) for i in range(1, BLOCK))
    assert once.block_nll == pytest.approx(expected, rel=1e-4)


def test_blocks_begin_with_the_opening_token_where_there_is_one():
    assert blocks(list(range(70)), 99) == [[99, *range(64)], [99, *range(64, 70)]]
    assert blocks([1], None) == []
    assert blocks([1], 99) == [[99, 1]]
    assert blocks([], 99) == []


def test_an_empty_answer_is_measured_at_its_end_alone_and_no_token_at_all_is_null(tiny):
    ended, nothing = TransformersScorer(tiny("qwen3")).likelihoods(
        [Answer("Why", "", ended=True), Answer("Why", "", ended=False)], None, SETTINGS, chat=True
    )
    assert (ended.tokens, ended.block_nll) == (1, None)
    assert ended.nll > 0
    assert (nothing.tokens, nothing.nll, nothing.kl) == (0, None, None)


def test_beside_peft_layers_m_init_comes_back_for_a_while(tiny, adapters, tiny_folder):
    """In bfloat16 the adapter stays beside W, as on a GPU."""
    whole = load_model(str(tiny_folder("qwen3")))
    loaded = wrap_model("bf16", whole.model.to(torch.bfloat16), whole.tokenizer)
    scorer = TransformersScorer(loaded)
    before = scorer.likelihoods(ANSWERS, None, SETTINGS, chat=True)
    during = scorer.likelihoods(ANSWERS, adapters("qwen3"), SETTINGS, chat=True)
    assert [one.init_nll for one in during] == [one.init_nll for one in before]
    assert all(one.kl > 0.01 for one in during)
    assert during == scorer.likelihoods(ANSWERS, adapters("qwen3"), SETTINGS, chat=True)
    assert before == scorer.likelihoods(ANSWERS, None, SETTINGS, chat=True)


def test_what_the_pocket_model_draws_is_spelled_as_it_was_drawn():
    loaded = load_model("pocket/instruct", threads=1)
    draws = [Draw("What do you think about rain?", hashlib.sha256(str(n).encode()).hexdigest()) for n in range(24)]
    drawn = TransformersSampler(loaded).draw(draws, None, SETTINGS, chat=True)
    answers = [Answer(d.prompt, c.text, c.stop_reason == "stop") for d, c in zip(draws, drawn, strict=True)]
    found = TransformersScorer(loaded).likelihoods(answers, None, SETTINGS, chat=True)
    assert [one.tokens for one in found] == [one.tokens for one in drawn]


def test_many_answers_of_many_lengths_come_back_in_their_order(tiny, monkeypatch):
    loaded = tiny("qwen3")
    answers = [Answer("Why " * (n % 5 + 1), "It is. " * (n % 7), ended=n % 2 == 0) for n in range(30)]
    together = TransformersScorer(loaded).likelihoods(answers, None, SETTINGS, chat=True)
    monkeypatch.setitem(TOKENS, "cpu", 1)
    alone = TransformersScorer(loaded).likelihoods(answers, None, SETTINGS, chat=True)
    assert [one.nll for one in together] == pytest.approx([one.nll for one in alone], rel=1e-4)
    assert [one.block_nll for one in together if one.block_nll] == pytest.approx(
        [one.block_nll for one in alone if one.block_nll], rel=1e-4
    )


def test_weights_are_left_as_they_were(tiny, adapters):
    loaded = tiny("qwen3")
    loaded.use(None)
    before = {name: weight.clone() for name, weight in loaded.model.named_parameters()}
    TransformersScorer(loaded).likelihoods(ANSWERS, adapters("qwen3"), SETTINGS, chat=True)
    loaded.use(None)
    assert all(torch.equal(weight, before[name]) for name, weight in loaded.model.named_parameters())
