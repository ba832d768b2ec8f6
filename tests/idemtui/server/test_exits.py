from pathlib import Path

import pytest

from idemtui.server import exits
from idemtui.server.exits import clean_line, count_ooms, exit_message, log_tail
from store.lab import Lab
from tests.idemtui.server.bench import Bench, commands, new_run


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (0, None),
        (3, "ended with exit code 3"),
        (143, "stopped by SIGTERM"),
        (-11, "killed by signal 11 (SIGSEGV)"),
        (-9, "killed by signal 9 (by a person, or for memory)"),
        (None, "its worker is gone; how it ended is not known"),
    ],
)
def test_an_end_has_a_reason(code: int | None, message: str | None) -> None:
    assert exit_message(code) == message


def test_the_kernels_kill_is_told_from_a_persons(lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counter = tmp_path / "memory.events"
    counter.write_text("oom 3\noom_kill 2\noom_group_kill 0\n")
    monkeypatch.setattr(exits, "_memory_groups", lambda pid: [counter])
    bench = Bench(lab)
    run = new_run(lab, "a")
    bench.ask(run)
    counter.write_text("oom 4\noom_kill 3\noom_group_kill 0\n")
    (lab.run(run) / "worker.log").write_text("loading\n")
    bench.die(run, -9)
    told = commands(lab, run)[-1]
    assert (told.exit_code, told.message) == (-9, "killed by the kernel: out of memory")
    assert told.log_tail == ("loading",)


def test_this_machines_counter_can_be_read() -> None:
    count = count_ooms(1)
    assert count.path is not None
    assert not count.rose()


def test_the_log_tail_is_five_plain_lines(tmp_path: Path) -> None:
    log, other = tmp_path / "worker.log", tmp_path / "desk.log"
    log.write_bytes(b"one\n\x1b[31mred\x1b[0m\n\n50%\r100%\n" + b"x" * 300 + b"\nlast \xff\x07 words\n  \n")
    other.write_text("something else\n")
    assert log_tail([log, other]) == ("red", "50%", "100%", "x" * 200, "last �  words")
    assert log_tail([tmp_path / "none", other]) == ("something else",)
    assert log_tail([tmp_path / "none"]) == ()


def test_no_escape_reaches_a_terminal() -> None:
    assert clean_line("\x1b]0;title\x07a\x9bb\u202ec") == "a b c"
