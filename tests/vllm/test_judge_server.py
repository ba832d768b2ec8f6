"""A judge behind `vllm serve`, a server of another make that gives logprobs: it scores as the same weights do here."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest

from engine.judges.local import LocalJudge
from engine.models import load_model
from engine.vllm.process import ON_CPU
from engine.vllm.session import end
from tests.engine.judges.test_server import asked, judge_at
from tests.engine.judges.transformers_server import answers, free_port
from tests.vllm.wide import widen

pytestmark = pytest.mark.vllm
QUIET = {"HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1", "VLLM_CPU_KVCACHE_SPACE": "1", "OMP_NUM_THREADS": "1"}
OPTIONS = ("--served-model-name", "wide-judge", "--dtype", "float32", "--max-model-len", "512", "--enforce-eager")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return widen("pocket/judge", tmp_path_factory.mktemp("wide-judge") / "judge")


@pytest.fixture(scope="module")
def url(folder, tmp_path_factory):
    """The address of one on a free port of loopback; its session ends with the tests."""
    port, log = free_port(), tmp_path_factory.mktemp("serve") / "log"
    command = [sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model", str(folder), *OPTIONS]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    tick = threading.Event()
    with (
        log.open("wb") as out,
        subprocess.Popen(
            command, env=os.environ | ON_CPU | QUIET, stdout=out, stderr=out, start_new_session=True
        ) as server,
    ):
        try:
            while not answers(port):
                assert server.poll() is None, log.read_text(errors="replace")[-3000:]
                tick.wait(0.2)
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            end(server.pid, 5.0)


def test_the_wide_judge_scores_behind_vllm_serve_as_the_pocket_judge_does_here(url):
    judge = judge_at(url, model="wide-judge")
    there = judge.score(asked())
    judge.close()
    assert judge.method == "logprobs"
    for here, said in zip(LocalJudge(load_model("pocket/judge", threads=1)).score(asked()), there, strict=True):
        assert said.label == here.label == "score"
        assert said.mass == pytest.approx(here.mass, abs=0.02)
        assert said.value == pytest.approx(here.value, abs=1.0)
        assert said.spent.requests >= 1
