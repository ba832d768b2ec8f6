"""Draws answers from a model behind an OpenAI-compatible server: for generators of seed data, which train nothing here.

A request's seed follows from its draw's key, but most servers batch requests as they come and promise no identical
draws; what is drawn is durable batch by batch, so a job that is gone on with never draws a text twice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from engine.judges.together import wait_for_all
from engine.judges.wire import Answered, TooLong, Wire
from engine.seams import Completion, Draw
from engine.spec import SampleSettings

SEED_DIGITS = 7
"""Hex digits of a draw's key that make its request's seed: 28 bits, which every server takes."""


class ServerSampler:
    """A Sampler of chat answers by the one model that the server knows by this name."""

    def __init__(self, wire: Wire, concurrency: int, safe_point: Callable[[], None] = lambda: None) -> None:
        """`safe_point` raises where the drawing should be given up."""
        self._wire, self._safe_point = wire, safe_point
        self._pool = ThreadPoolExecutor(concurrency, thread_name_prefix="sampler")

    def draw(
        self, draws: Sequence[Draw], adapter: Path | None, settings: SampleSettings, *, chat: bool
    ) -> list[Completion]:
        """Completions in the order of `draws`; `adapter` is None and `chat` true. The wire's error where it fails."""
        assert adapter is None
        assert chat
        futures = [self._pool.submit(self._one, draw, settings) for draw in draws]
        try:
            wait_for_all(futures, self._safe_point)
        except BaseException:
            self.close()
            raise
        return [future.result() for future in futures]

    def _one(self, draw: Draw, settings: SampleSettings) -> Completion:
        messages = [{"role": "system", "content": draw.persona}] if draw.persona else []
        messages.append({"role": "user", "content": draw.prompt})
        try:
            answer = self._wire.ask(
                messages,
                max_tokens=settings.max_tokens,
                temperature=settings.temperature,
                seed=int(draw.key[:SEED_DIGITS], 16),
            )
        except TooLong:
            raise self._wire.endpoint.fails(
                f"{self._wire.name}: its context does not hold a prompt and {settings.max_tokens} tokens; lower "
                "--max-tokens, or use a server with a longer one."
            ) from None
        return _completion(answer)

    def close(self) -> None:
        """Give up what is under way, and send no further request."""
        self._wire.pace.given_up.set()
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._wire.close()


def _completion(answer: Answered) -> Completion:
    """What a filter broke off is no text; what has no count of tokens is taken as one a word."""
    text = "" if answer.finish_reason == "content_filter" else answer.reply.text
    tokens = answer.spent.completion_tokens or len(text.split())
    return Completion(text.strip(), tokens, "length" if answer.finish_reason == "length" else "stop")
