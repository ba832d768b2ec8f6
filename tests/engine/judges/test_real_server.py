"""`transformers serve`, a server of another make, with the pocket judge: it shows no logprobs, so numbers are drawn."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from engine.errors import JudgeError
from engine.judges.local import LocalJudge
from engine.model_files import resolve_model
from engine.models import load_model
from tests.engine.judges.test_server import asked, judge_at

MODEL = str(resolve_model("pocket/judge"))


def free_port() -> int:
    with closing(socket.socket()) as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


def answers(port: int) -> bool:
    with closing(socket.socket()) as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    program = shutil.which("transformers", path=str(Path(sys.executable).parent))
    assert program is not None
    port = free_port()
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    command = [program, "serve", "--host", "127.0.0.1", "--port", str(port)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        tick = threading.Event()
        while not answers(port):
            assert server.poll() is None, "transformers serve ended"
            tick.wait(0.1)
        yield f"http://127.0.0.1:{port}/v1"
        server.kill()


@pytest.mark.proof
def test_a_server_without_logprobs_is_refused_and_then_drawn_from(url: str) -> None:
    with pytest.raises(JudgeError, match=r"gives no logprobs; set judge\.method"):
        judge_at(url, model=MODEL).score(asked(1))
    judge = judge_at(url, model=MODEL, method="sampled", draws=5)
    drawn, known = judge.score(asked(3)), LocalJudge(load_model("pocket/judge")).score(asked(3))
    assert judge.method == "sampled-5"
    assert [one.label for one in drawn] == ["score"] * 6
    for one, exact in zip(drawn, known, strict=True):
        assert exact.variance is not None
        assert one.value == pytest.approx(exact.value, abs=4 * (exact.variance / 5) ** 0.5 + 1)
