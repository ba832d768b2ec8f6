"""vLLM itself, as `engine.vllm.main` drives it: token ids in, token ids and log-probabilities out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import vllm
from vllm.inputs import TokensPrompt
from vllm.lora.request import LoRARequest
from vllm.sampling_params import RequestOutputKind

from engine.vllm.arguments import arguments, can_sleep
from engine.vllm.messages import (
    Ahead,
    Answer,
    Done,
    EngineSettings,
    Failed,
    Forget,
    LookAhead,
    Looked,
    Request,
    Response,
    Served,
    Sleep,
    Wake,
    Write,
    Written,
)

TOKENS_AT_ONCE = 128
"""Tokens that vLLM tells log p of in one request."""


class Engine:
    """One vLLM engine."""

    version = vllm.__version__

    def __init__(self, settings: EngineSettings) -> None:
        self._llm = vllm.LLM(**arguments(settings))
        self._can_sleep = can_sleep(settings)

    def answer(self, request: Request) -> Response:
        """Do what is asked; whatever vLLM raises is raised."""
        match request:
            case Write():
                return Written(self._write(request))
            case LookAhead():
                return Looked(self._look_ahead(request))
            case Forget():
                if not self._llm.reset_prefix_cache():
                    return Failed("RuntimeError", "vLLM did not empty its prefix cache")
            case Sleep() if self._can_sleep:
                self._llm.sleep(level=1)
            case Wake() if self._can_sleep:
                self._llm.wake_up()
            case _:
                pass
        return Done(self.version)

    def _write(self, request: Write) -> list[Answer]:
        settings = [
            vllm.SamplingParams(
                max_tokens=request.max_tokens,
                temperature=request.temperature,
                seed=prompt.seed,
                stop_token_ids=request.stop_ids,
                ignore_eos=True,
                detokenize=False,
                logprobs=0 if request.logprobs else None,
                output_kind=RequestOutputKind.FINAL_ONLY,
            )
            for prompt in request.prompts
        ]
        outputs = self._generate([prompt.ids for prompt in request.prompts], settings, request.adapter)
        return [_answer(output.outputs[0]) for output in outputs]

    def _look_ahead(self, request: LookAhead) -> list[Ahead]:
        ahead: list[Ahead] = [Ahead([], 0.0) for _ in request.prompts]
        for begin in range(0, len(request.tokens), TOKENS_AT_ONCE):
            tokens = request.tokens[begin : begin + TOKENS_AT_ONCE]
            settings = vllm.SamplingParams(
                max_tokens=1,
                temperature=0.0,
                ignore_eos=True,
                detokenize=False,
                logprob_token_ids=tokens,
                output_kind=RequestOutputKind.FINAL_ONLY,
            )
            outputs = self._generate(request.prompts, [settings] * len(request.prompts), None)
            for place, output in enumerate(outputs):
                ahead[place] = _ahead(ahead[place], tokens, output.outputs[0])
        return ahead

    def _generate(self, prompts: Sequence[list[int]], settings: list[Any], adapter: Served | None) -> list[Any]:
        lora = None if adapter is None else LoRARequest(adapter.name, adapter.number, adapter.folder)
        given = [TokensPrompt(prompt_token_ids=ids) for ids in prompts]
        return list(self._llm.generate(given, settings, use_tqdm=False, lora_request=lora))


def _answer(output: Any) -> Answer:
    logp = sum(step[token].logprob for token, step in zip(output.token_ids, output.logprobs or (), strict=False))
    return Answer(list(output.token_ids), output.finish_reason == "stop", logp)


def _ahead(before: Ahead, tokens: list[int], output: Any) -> Ahead:
    told = output.logprobs[0]
    return Ahead([*before.logps, *(told[token].logprob for token in tokens)], told[output.token_ids[0]].logprob)
