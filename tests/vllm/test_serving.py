"""The real vLLM in its CPU build against the transformers sampler and judge, on one pocket model and three adapters."""

import hashlib
import shutil
from collections import Counter

import psutil
import pytest
import torch

from engine.errors import ServingError
from engine.judges.ahead import AheadReader
from engine.judges.forward import NumberReader
from engine.judges.local import LocalJudge
from engine.models import load_model
from engine.samplers.transformers import TransformersSampler
from engine.samplers.vllm import VllmSampler
from engine.seams import Draw, JudgeQuestion
from engine.spec import SampleSettings
from engine.vllm.canary import TOLERANCE, fly_canary
from engine.vllm.messages import Prompt
from tests.vllm.conftest import VOICES, train

pytestmark = [pytest.mark.vllm, pytest.mark.timeout(900)]

QUESTIONS = ("How is the harbour today?", "What should I cook?", "Who mends the nets?", "Where does the road go?")
COLD = SampleSettings(temperature=0, max_tokens=24)
WARM = SampleSettings(temperature=1.0, max_tokens=24)
WHO = (None, *VOICES)
RUBRIC = "Question: {question}\nAnswer: {answer}\nHow joyful is the answer, from 0 to 100?"


def key(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


def draws(count: int = 8) -> list[Draw]:
    return [Draw(QUESTIONS[number % 4], key(number)) for number in range(count)]


def test_the_wide_model_is_the_pocket_model(bench):
    narrow = load_model("pocket/instruct", threads=1)
    ids = torch.tensor([narrow.tokenizer("How is the harbour today?")["input_ids"]])
    with torch.inference_mode():
        apart = (narrow.model(ids).logits - bench.loaded.model(ids).logits).abs().max()
    assert apart < 1e-4


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("chat", [True, False])
def test_greedy_answers_are_those_of_transformers(bench, who, chat):
    adapter = bench.adapters.get(who)
    ours = TransformersSampler(bench.loaded).draw(draws(4), adapter, COLD, chat=chat)
    theirs = VllmSampler(bench.own, bench.served).draw(draws(4), adapter, COLD, chat=chat)
    assert theirs == ours


@pytest.mark.parametrize("who", WHO)
def test_log_probabilities_agree_to_a_thousandth(bench, who):
    adapter = bench.adapters.get(who)
    prompts = [bench.loaded.tokenizer(question)["input_ids"] for question in QUESTIONS]
    answers = bench.served.write(
        [Prompt(ids, seed) for seed, ids in enumerate(prompts)],
        adapter,
        max_tokens=24,
        temperature=1.0,
        stop_ids=sorted(bench.loaded.stop_ids),
        logprobs=True,
    )
    own = bench.own.logps(adapter, prompts, [answer.ids for answer in answers])
    assert [answer.logp for answer in answers] == pytest.approx(own, abs=1e-3)


def test_each_adapter_speaks_in_its_own_voice_in_any_order(bench):
    sampler = VllmSampler(bench.own, bench.served)
    for who in ("joy", "gloom", "joy", None, "luck", "gloom"):
        answers = [one.text for one in sampler.draw(draws(4), bench.adapters.get(who), COLD, chat=True)]
        spoken = Counter(voice for voice, text in VOICES.items() for answer in answers if answer == text)
        assert spoken == (Counter({who: 4}) if who else Counter())


def test_a_seed_is_an_answer_s_own(bench):
    sampler = VllmSampler(bench.own, bench.served)
    together = sampler.draw(draws(), None, WARM, chat=True)
    assert sampler.draw(draws(), None, WARM, chat=True) == together
    assert sampler.draw(draws()[::-1], None, WARM, chat=True) == together[::-1]
    assert sampler.draw(draws()[3:4], None, WARM, chat=True) == together[3:4]
    same_prompt = [Draw(QUESTIONS[0], key(number)) for number in range(8)]
    assert len({one.text for one in sampler.draw(same_prompt, None, WARM, chat=True)}) > 4


def test_stop_reasons_tokens_and_empty_answers_are_those_of_transformers(bench, tmp_path):
    silent = train(bench.loaded, "", tmp_path / "silent")
    for adapter, most in ((silent, 8), (bench.adapters["joy"], 4), (bench.adapters["joy"], 64)):
        settings = SampleSettings(temperature=0, max_tokens=most)
        ours = TransformersSampler(bench.loaded).draw(draws(4), adapter, settings, chat=True)
        assert VllmSampler(bench.own, bench.served).draw(draws(4), adapter, settings, chat=True) == ours
    assert ours[0].stop_reason == "stop"
    empty = VllmSampler(bench.own, bench.served).draw(draws(1), silent, COLD, chat=True)[0]
    assert (empty.text, empty.tokens, empty.stop_reason) == ("", 1, "stop")


def test_a_stale_adapter_is_caught(bench, tmp_path):
    """The trap itself: other weights in the same folder, asked for by the old name."""
    folder = shutil.copytree(bench.adapters["joy"], tmp_path / "adapter")
    sampler, seen = VllmSampler(bench.own, bench.served, lambda canary: seen.append(canary)), []
    sampler.draw(draws(1), folder, COLD, chat=True)
    assert seen[0].apart < TOLERANCE[torch.float32]
    name = bench.served._name(folder)
    shutil.copytree(bench.adapters["gloom"], folder, dirs_exist_ok=True)
    assert bench.served._name(folder) != name
    for identity in list(bench.served._names):
        bench.served._names[identity] = name if identity[0] == str(folder) else bench.served._names[identity]
    bench.served._proved.discard(name)
    with pytest.raises(ServingError, match="canary lies") as raised:
        sampler.draw(draws(1), folder, COLD, chat=True)
    assert float(str(raised.value).split("canary lies ")[1].split()[0]) > 1
    for identity in [identity for identity in bench.served._names if identity[0] == str(folder)]:
        del bench.served._names[identity]
    sampler.draw(draws(1), folder, COLD, chat=True)
    assert seen[-1].apart < TOLERANCE[torch.float32]


def test_the_judge_s_readings_are_those_of_forward_passes(bench):
    reader = AheadReader(bench.loaded.tokenizer, bench.served.look_ahead)
    judges = LocalJudge(bench.loaded), LocalJudge(bench.loaded, reader)
    asked = [JudgeQuestion(RUBRIC, question, text) for question in QUESTIONS for text in VOICES.values()]
    ours, theirs = (judge.score(asked) for judge in judges)
    for one, other in zip(ours, theirs, strict=True):
        assert other.mass == pytest.approx(one.mass, abs=1e-4)
        assert (other.value is None) == (one.value is None)
        assert other.value is None or other.value == pytest.approx(one.value, abs=0.01)
    prompt = bench.loaded.tokenizer("Give a number from 0 to 100: ")["input_ids"]
    exact = NumberReader(bench.loaded).read([prompt])[0].numbers
    assert reader.read([prompt])[0].numbers == pytest.approx(exact, abs=1e-6)


def test_a_prompt_longer_than_vllm_was_started_for_gets_its_room(bench):
    short = bench.served.settings.length
    bench.served.make_room(short)
    assert bench.served._engine is not None
    canary = fly_canary(bench.served, bench.own, None)
    assert canary.apart < TOLERANCE[torch.float32]


def test_after_its_end_nothing_is_left_and_the_next_question_starts_it_anew(bench):
    bench.served.residency = "exit"
    pid = bench.served._engine.pid
    bench.served.give_way()
    assert not psutil.pid_exists(pid)
    seen = []
    sampler = VllmSampler(bench.own, bench.served, seen.append)
    ours = TransformersSampler(bench.loaded).draw(draws(2), bench.adapters["luck"], COLD, chat=True)
    assert sampler.draw(draws(2), bench.adapters["luck"], COLD, chat=True) == ours
    assert len(seen) == 1
