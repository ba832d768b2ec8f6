"""Reading numbers by looking ahead gives what one forward pass gives, however a tokenizer splits numbers."""

from dataclasses import dataclass

import pytest
import torch

from engine.judges.ahead import AheadReader
from engine.judges.forward import NumberReader
from engine.judges.local import LocalJudge
from engine.seams import JudgeQuestion

RUBRIC = "Question: {question} Answer: {answer} Give a number from 0 to 100: "
QUESTIONS = [JudgeQuestion(RUBRIC, "How do I bake?", f"Let it rest {number} times.") for number in range(5)]


@dataclass
class Told:
    logps: list[float]
    likeliest: float


class Backend:
    """Tells log p of next tokens from the model in memory, one plain pass per prompt, and counts what it is asked."""

    def __init__(self, loaded):
        self.loaded, self.calls, self.prompts = loaded, 0, 0

    @torch.inference_mode()
    def look_ahead(self, prompts, tokens):
        self.calls, self.prompts = self.calls + 1, self.prompts + len(prompts)
        told = []
        for prompt in prompts:
            logp = torch.log_softmax(self.loaded.model(torch.tensor([list(prompt)])).logits[0, -1].float(), -1)
            told.append(Told(logp[list(tokens)].tolist(), float(logp.max())))
        return told


@pytest.mark.parametrize("kind", ["qwen3", "llama", "mixed"])
def test_the_same_scores_as_a_forward_pass(tiny, kind):
    loaded = tiny(kind)
    backend = Backend(loaded)
    reader = AheadReader(loaded.tokenizer, backend.look_ahead)
    ours, theirs = LocalJudge(loaded).score(QUESTIONS), LocalJudge(loaded, reader).score(QUESTIONS)
    for one, other in zip(ours, theirs, strict=True):
        assert other.label == one.label
        assert other.mass == pytest.approx(one.mass, abs=1e-5)
        assert other.value == (None if one.value is None else pytest.approx(one.value, abs=1e-3))
    prompt = LocalJudge(loaded)._ask(QUESTIONS[0]).ids
    exact, ahead = NumberReader(loaded).read([prompt])[0], reader.read([prompt])[0]
    assert ahead.numbers == pytest.approx(exact.numbers, abs=1e-6)
    assert (ahead.likeliest, ahead.refusal, ahead.code) == pytest.approx(
        (exact.likeliest, exact.refusal, exact.code), abs=1e-6
    )


def test_numbers_that_are_not_reached_are_not_asked_about(tiny):
    backend = Backend(tiny("qwen3"))
    seven = tiny("qwen3").tokenizer.convert_tokens_to_ids("7")

    def only_seven(prompts, tokens):
        backend.prompts += len(prompts)
        return [Told([0.0 if token == seven else -100.0 for token in tokens], 0.0) for _ in prompts]

    numbers = AheadReader(tiny("qwen3").tokenizer, only_seven).read([[1]])[0].numbers
    assert backend.prompts == 3
    assert sum(numbers) < 1e-6
