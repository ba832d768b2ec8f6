"""A hub on this machine, for the real client: some models are open, some gated, some are not there."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ANSWERS = {
    "open/model": (200, None),
    "gated/model": (403, "GatedRepo"),
    "gated/without": (401, "GatedRepo"),
    "nobody/model": (404, "RepoNotFound"),
    "token/refused": (401, None),
    "busy/model": (429, None),
    "broken/model": (503, None),
}
"""Status and `X-Error-Code`, as the hub gives them: 401 for nobody, 403 for somebody who was not let in."""


class Hub(ThreadingHTTPServer):
    """Remembers the tokens that it was shown."""

    status = 200
    """What its own address answers with."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.shown: list[str | None] = []

    @property
    def url(self) -> str:
        """The endpoint."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class Answer(BaseHTTPRequestHandler):
    """The hub's answer to `auth-check`, and to anything else that is asked of these models."""

    server: Hub

    def do_GET(self) -> None:
        self.server.shown.append(self.headers.get("Authorization"))
        name = next((name for name in ANSWERS if f"/{name}" in self.path), None)
        status, code = (self.server.status, None) if name is None else ANSWERS[name]
        self.send_response(status)
        if code:
            self.send_header("X-Error-Code", code)
            self.send_header("X-Error-Message", "no")
        self.send_header("Content-Length", "2")
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(b"{}")

    do_HEAD = do_GET  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:
        """Nothing on the test's screen."""


@contextmanager
def serving_hub() -> Iterator[Hub]:
    """One that answers until the end of the block."""
    hub = Hub()
    thread = threading.Thread(target=hub.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield hub
    finally:
        hub.shutdown()
        thread.join()
        hub.server_close()
