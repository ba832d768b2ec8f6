"""vLLM spread over two shards, each a process, on a CPU: what one vLLM answers, and nothing of it left at its end."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import psutil
import pytest
import torch

from engine.errors import ServingError
from engine.judges.ahead import AheadReader
from engine.judges.forward import NumberReader
from engine.samplers.transformers import TransformersSampler
from engine.samplers.vllm import VllmSampler
from engine.seams import TrainJob
from engine.trainers.trl import TrlTrainer
from engine.vllm.canary import TOLERANCE, fly_canary
from engine.vllm.served import ServedModel
from tests.vllm.conftest import SETTINGS, engine_settings
from tests.vllm.test_serving import COLD, WHO, draws

pytestmark = [pytest.mark.vllm, pytest.mark.timeout(900)]

SHARED = Path("/dev/shm")
OF_THE_CPU_BUILD = "cpushm"
"""What it exchanges sums through; it removes that only when it ends in peace, which it does not in our seconds."""


def shared_memory() -> set[str]:
    """Names of segments and locks that any process shares."""
    return {path.name for path in SHARED.iterdir() if OF_THE_CPU_BUILD not in path.name}


@pytest.fixture(scope="module", autouse=True)
def _what_the_cpu_build_leaves():
    before = set(SHARED.iterdir())
    yield
    for path in set(SHARED.iterdir()) - before:
        if OF_THE_CPU_BUILD in path.name:
            path.unlink()


def spread(folder: Path):
    return msgspec.structs.replace(engine_settings(folder), shards=2)


@pytest.fixture(scope="module")
def served(wide_folder):
    """The model over two shards."""
    made = ServedModel(str(wide_folder), spread(wide_folder))
    yield made
    made.close()


def shards(served: ServedModel) -> list[psutil.Process]:
    made = psutil.Process(served._engine.pid).children(recursive=True)
    return [process for process in made if "Worker_TP" in process.name()]


@pytest.mark.parametrize("who", WHO)
def test_greedy_answers_are_those_of_transformers_as_with_one_shard(bench, served, who):
    adapter, seen = bench.adapters.get(who), []
    ours = TransformersSampler(bench.loaded).draw(draws(4), adapter, COLD, chat=True)
    assert VllmSampler(bench.own, served, seen.append).draw(draws(4), adapter, COLD, chat=True) == ours
    assert len(shards(served)) == 2
    assert [canary.apart for canary in seen] == [pytest.approx(0, abs=0.01)]


def test_numbers_are_read_as_by_forward_passes(bench, served):
    bench.loaded.use(None)
    prompt = bench.loaded.tokenizer("Give a number from 0 to 100: ")["input_ids"]
    exact = NumberReader(bench.loaded).read([prompt])[0].numbers
    reader = AheadReader(bench.loaded.tokenizer, served.look_ahead)
    assert reader.read([prompt])[0].numbers == pytest.approx(exact, abs=1e-6)


def test_put_to_sleep_it_has_to_prove_itself_again_and_does(bench, served):
    served.residency = "sleep"
    served.come_up()
    before = served._engine.pid
    served.give_way()
    assert served.unproved(None)
    for adapter in (None, bench.adapters["luck"]):
        assert fly_canary(served, bench.own, adapter).apart < TOLERANCE[torch.float32]
    assert served._engine.pid == before


def test_an_adapter_that_a_shard_refuses_is_one_line_and_the_next_question_is_answered(bench, served, tmp_path):
    settings = SETTINGS.model_copy(update={"lora_rank": 16, "epochs": 1})
    rows = [{"prompt": f"Of {number}?", "completion": "No."} for number in range(4)]
    job = TrainJob("sft", None, None, rows, settings, 1, tmp_path / "wide", lambda step, values: None)
    TrlTrainer(bench.loaded).train([job])
    with pytest.raises(ServingError) as raised:
        fly_canary(served, bench.own, tmp_path / "wide")
    assert str(raised.value) == "vLLM: RuntimeError: LoRA rank 16 is greater than max_lora_rank 8."
    assert fly_canary(served, bench.own, bench.adapters["joy"]).apart < TOLERANCE[torch.float32]


def test_the_end_of_one_shard_is_the_end_of_vllm_and_the_next_question_starts_it_anew(bench, served):
    served.come_up()
    leader, (first, second) = psutil.Process(served._engine.pid), shards(served)
    second.kill()
    with pytest.raises(ServingError, match="the process of a shard ended") as raised:
        fly_canary(served, bench.own, None)
    assert raised.value.kind == "Ended"
    _, alive = psutil.wait_procs([leader, first, second], timeout=20)
    assert not alive
    assert fly_canary(served, bench.own, None).apart < TOLERANCE[torch.float32]


def test_closed_it_leaves_no_process_and_no_shared_memory(served):
    served.come_up()
    made = psutil.Process(served._engine.pid).children(recursive=True)
    before = shared_memory()
    assert before
    served.close()
    _, alive = psutil.wait_procs(made, timeout=20)
    assert not alive
    assert not before & shared_memory()


def test_a_killed_worker_s_shards_are_gone_within_seconds_and_their_memory_is(wide_folder):
    before = shared_memory()
    command = [sys.executable, "-m", "tests.vllm.starts", msgspec.json.encode(spread(wide_folder)).decode()]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as worker:
        assert worker.stdout.readline().strip().isdigit()
        made = psutil.Process(worker.pid).children(recursive=True)
        assert len([process for process in made if "Worker_TP" in process.name()]) == 2
        assert shared_memory() - before
        os.kill(worker.pid, signal.SIGKILL)
    _, alive = psutil.wait_procs(made, timeout=20)
    assert not alive
    assert not shared_memory() - before
