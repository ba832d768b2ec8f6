"""The end of a session whose leader has processes and shared memory, as vLLM with several shards has."""

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from engine.vllm.session import end, members

SHARED = Path("/dev/shm")
pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason="no /dev/shm here")


@pytest.fixture
def leader(request):
    """A living one and where its shared memory lies."""
    command = [sys.executable, "-m", "tests.engine.vllm.leader", "0.3"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True
    ) as process:
        try:
            memory = SHARED / process.stdout.readline().strip()
            assert memory.is_file()
            yield process, memory
        finally:
            process.kill()
            end(process.pid, 0.1)


def test_a_killed_leader_s_guard_ends_the_rest_and_its_memory_goes(leader):
    process, memory = leader
    rest = members(process.pid)
    assert len(rest) == 4, "the leader, its guard, its shard and Python's tracker"
    process.kill()
    _, alive = psutil.wait_procs([one for one in rest if one.pid != process.pid], timeout=20)
    assert not alive
    assert not memory.exists()


def test_ended_a_session_has_nobody_left_and_its_memory_goes(leader):
    process, memory = leader
    end(process.pid, 0.3)
    assert members(process.pid) == []
    assert not memory.exists()


def test_a_guard_that_was_killed_is_not_missed(leader):
    process, memory = leader
    guard = next(one for one in members(process.pid) if one.cmdline()[-2:] == ["tests.engine.vllm.leader", "0.3"]
                 and one.pid != process.pid)  # fmt: skip
    guard.kill()
    end(process.pid, 0.3)
    assert members(process.pid) == []
    assert not memory.exists()
