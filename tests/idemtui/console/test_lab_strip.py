"""What the lab's server says, in words: the strip, and why a run stands where it stands."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from idemtui.console.answers import answer_words, possible
from idemtui.console.facts import Glance
from idemtui.console.lab_facts import Server, server_of
from idemtui.console.screens.fork import proposed
from idemtui.console.standing import doing_now, lineage, reason, standing
from idemtui.console.widgets.strip import MOST_LINES, strip_text
from store.queries import Verdict
from tests.idemtui.console.served import status, worker, working
from tests.idemtui.console.states import interrupted, troubled_status
from tests.idemtui.console.test_parts import CURVE, run

NOTHING = Glance(())


def server(**more: object) -> Server:
    return server_of(status(**more), status()["version"])


def test_a_quiet_lab_takes_one_line() -> None:
    assert strip_text(server(), NOTHING, 80, tall=False).plain == " cpu free   0 workers   0 waiting   120 GB free"
    assert strip_text(None, NOTHING, 80, tall=False).plain == ""


def test_what_is_wrong_comes_first_and_never_falls_off() -> None:
    facts = server_of(troubled_status(interrupted=interrupted("sft-killed")), "0.1.0")
    line = strip_text(facts, NOTHING, 80, tall=False).plain
    assert line.startswith(" ! disk low: 210 MB free   ! 1 interrupted: I chooses   ! 1 silent")
    assert cell_len(line) <= 80


@pytest.mark.parametrize("width", [40, 80, 120, 200])
def test_many_devices_stay_in_the_lines_there_are(width: int) -> None:
    devices = [{"device": f"GPU-{n}", "name": "NVIDIA H200", "state": "free", "reason": None} for n in range(40)]
    lines = strip_text(server(devices=devices), NOTHING, width, tall=True).plain.split("\n")
    assert len(lines) <= MOST_LINES
    assert all(cell_len(line) <= width for line in lines)


def test_devices_name_their_runs_and_reasons() -> None:
    facts = server_of(troubled_status(), "0.1.0")
    words = strip_text(facts, NOTHING, 200, tall=True).plain
    assert "GPU-1 NVIDIA H200 taken: python (process 77) holds 71 GB" in words
    assert "no event for 31 min" in words
    assert "1 waiting: waits for a free device" in words
    idle = server(workers=[worker(None)])
    assert "process 4242 keeps pocket/instruct loaded" in strip_text(idle, NOTHING, 200, tall=True).plain


def test_seconds_and_bytes_that_change_are_no_news() -> None:
    def seen(free: int, silent: float) -> Server:
        disk = {"free_bytes": free, "reserve_bytes": 256_000_000, "low": False}
        return server(disk=disk, workers=[worker("one", silent_seconds=silent)])

    assert seen(120_000_000_000, 3.0) == seen(120_100_000_000, 4.5)
    assert seen(120_000_000_000, 1801.0) == seen(120_000_000_000, 1802.0)
    assert seen(120_000_000_000, 1801.0) != seen(120_000_000_000, 3.0)


def test_a_server_of_an_older_version_is_read_as_far_as_it_goes() -> None:
    old = server_of({"version": "0.0.1", "pid": 7, "waiting": ["one"], "workers": {"one": 8}}, "0.1.0")
    assert (old.pid, old.other_version, old.waiting, old.workers) == (7, "0.1.0", (), ())


def test_why_a_run_stands() -> None:
    facts = server_of(working("one", (("two", 2, "waits for a free slot"),)), "0.1.0")
    silent = server(workers=[worker("one", silent_seconds=1900.0)])
    live, queued = run(), run("two", status="queued")
    assert (doing_now(live, facts), reason(live, facts)) == ("running", "")
    assert doing_now(live, silent) == "quiet 31m"
    assert "no event for 31 min" in reason(live, silent)
    assert doing_now(queued, facts) == "queued +2"
    assert reason(queued, facts) == "waits for a free slot (priority +2)"
    begun = run(status="queued")
    assert (doing_now(begun, facts), reason(begun, facts)) == ("starting", "process 4242 has it and has not begun yet")
    failed = run(status="failed", message="no room", log_tail=("one", "two", "three"))
    assert standing(failed, NOTHING, facts, 2).plain == " one  failed: no room\n   two\n   three"
    paused = run(status="paused", message="paused by its user")
    short = Verdict(
        "run", "one", "one", "s", "c", 1, None, None, None, None, None, None, (), ("3 cycles, 4 are needed",)
    )
    done = run("one", status="finished", verdict=short)
    assert standing(done, NOTHING, None).plain == " one  finished; 3 cycles, 4 are needed"
    assert standing(paused, NOTHING, None).plain == " one  paused by its user"


def test_a_fork_names_its_parent_and_inherits_up_to_the_fork() -> None:
    parent = run("parent")
    fork = run("fork", parent_run_id="parent", forked_at_cycle=2, points=CURVE)
    assert lineage(fork, Glance((parent, fork))) == "forked from parent at M2"
    assert lineage(fork, NOTHING) == "forked from parent at M2"
    assert [fork.inherits(cycle) for cycle in (-1, 2, 3)] == [True, True, False]
    assert lineage(parent, NOTHING) == ""


def test_what_can_be_asked_of_which_run() -> None:
    states = ("queued", "running", "paused", "finished", "failed", "cancelled")
    runs = {status: run(status=status) for status in states}
    can = {
        action: [status for status in states if possible(action, runs[status])]
        for action in ("pause_or_resume", "cancel_run", "retry_run", "priority")
    }
    assert can == {
        "pause_or_resume": ["queued", "running", "paused", "failed", "cancelled"],
        "cancel_run": ["queued", "running", "paused"],
        "retry_run": ["failed"],
        "priority": ["queued"],
    }
    assert not possible("fork_run", run())
    assert not possible("fork_run", run(points=CURVE[:1]))
    assert possible("fork_run", run(points=CURVE))
    assert not possible("priority", None)
    assert possible("quit", None)


def test_a_fork_of_a_complete_chain_is_given_more_cycles() -> None:
    whole = run(points=CURVE, cycles=4)
    assert proposed([whole], 4) == 'run.cycles = 7\n# run.regime = "sft"\n'
    assert proposed([whole], 3) == '# run.regime = "sft"\n'


def test_answers_in_words() -> None:
    assert answer_words("a", {"answer": "pausing", "when": "in about 3 s"}) == "a: pausing, in about 3 s"
    assert answer_words("a", {"runs": [{"answer": "queued"}, {"name": "b", "answer": "queued"}]}) == (
        "a: queued\nb: queued"
    )
    assert answer_words("a", {"runs": []}) == "a: nothing to do"
