"""Real HTTP servers on loopback that speak the OpenAI wire: one that runs a model, one that misbehaves as told."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import torch

from engine.models import LoadedModel

Answer = tuple[int, dict[str, Any], dict[str, str]]
Handle = Callable[[dict[str, Any], dict[str, str]], Answer]


@contextmanager
def serve(handle: Handle) -> Iterator[str]:
    """The address of a server that answers each POST as `handle` says, given body and headers."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, answer, headers = handle(body, {name.lower(): value for name, value in self.headers.items()})
            data = json.dumps(answer).encode()
            self.send_response(status)
            for name, value in {
                "Content-Type": "application/json",
                "Content-Length": str(len(data)),
                **headers,
            }.items():
                self.send_header(name, value)
            with suppress(ConnectionError):
                self.end_headers()
                self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def completion(text: str, places: list[dict[str, Any]] | None = None, prompt_tokens: int = 10) -> dict[str, Any]:
    """A chat completion as the wire writes it."""
    logprobs = None if places is None else {"content": places, "refusal": None}
    return {
        "id": "x",
        "object": "chat.completion",
        "created": 0,
        "model": "m",
        "choices": [
            {
                "index": 0,
                "finish_reason": "stop",
                "message": {"role": "assistant", "content": text},
                "logprobs": logprobs,
            }
        ],
        "usage": {"prompt_tokens": prompt_tokens, "completion_tokens": 1, "total_tokens": prompt_tokens + 1},
    }


def place(*pairs: tuple[str, float]) -> dict[str, Any]:
    """One token's place: the first pair is what was written."""
    told = [{"token": text, "logprob": logprob, "bytes": list(text.encode())} for text, logprob in pairs]
    return {**told[0], "top_logprobs": told}


def complaint(message: str, code: str | None = None) -> dict[str, Any]:
    """An error as OpenAI writes it."""
    return {"error": {"message": message, "type": "error", "param": None, "code": code}}


class ModelServer:
    """Serves a loaded model as an OpenAI-compatible server would: its template, greedy or drawn, with logprobs."""

    def __init__(self, loaded: LoadedModel, *, continues: bool = True) -> None:
        self.loaded, self.continues = loaded, continues
        self.requests: list[dict[str, Any]] = []
        self._lock = threading.Lock()

    def __call__(self, body: dict[str, Any], headers: dict[str, str]) -> Answer:
        with self._lock:
            self.requests.append(body)
            return 200, self._answer(body), {}

    @torch.inference_mode()
    def _answer(self, body: dict[str, Any]) -> dict[str, Any]:
        tokenizer = self.loaded.tokenizer
        begun = bool(body.get("continue_final_message")) and self.continues
        ids = tokenizer.apply_chat_template(
            body["messages"],
            return_dict=True,
            add_generation_prompt=not begun,
            continue_final_message=begun,
            **body.get("chat_template_kwargs", {}),
        )["input_ids"]
        generator = torch.Generator().manual_seed(int(body.get("seed", 0)))
        row, written, places = list(ids), [], []
        for _ in range(body["max_tokens"]):
            logp = torch.log_softmax(self.loaded.model(torch.tensor([row])).logits[0, -1].float(), -1)
            drawn = body["temperature"] > 0
            chosen = int(torch.multinomial(logp.exp(), 1, generator=generator) if drawn else logp.argmax())
            top = torch.topk(logp, body.get("top_logprobs", 1)).indices.tolist()
            order = [chosen, *(token for token in top if token != chosen)]
            places.append(place(*((tokenizer.decode([token]), float(logp[token])) for token in order)))
            if chosen in self.loaded.stop_ids:
                break
            row.append(chosen)
            written.append(chosen)
        text = tokenizer.decode(written, skip_special_tokens=True)
        return completion(text, places if body.get("logprobs") else None, len(ids))
