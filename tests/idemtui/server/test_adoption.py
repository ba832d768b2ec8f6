"""A server that starts finds everything that the one before it knew, whenever that one died."""

import json
import os
from datetime import UTC, datetime

import pytest

from engine.assignments import open_desk
from engine.commands import append_command
from engine.locks import FileLock
from idemtui.server.history import read_history
from idemtui.server.model_keys import read_key
from idemtui.server.workers import write_note
from store.lab import Lab
from tests.idemtui.server.bench import FINISHED, PAUSED, Bench, commands, new_run, types
from tests.store.journals import append_events


def test_the_queue_and_its_order_are_found_again(lab: Lab) -> None:
    bench = Bench(lab, slots=1)
    dead, second, first, paused, urgent = (new_run(lab, name) for name in "abcde")
    bench.ask(dead, first, second, paused)
    bench.ask(urgent, priority=1)
    bench.asking.pause(paused)
    after = Bench(lab, slots=1)
    assert after.waiting == [urgent, first, second]
    assert types(lab, dead) == ["queued", "started", "worker_exited"]


def test_what_was_found_dead_is_told_until_it_goes_on(lab: Lab) -> None:
    bench = Bench(lab, slots=3)
    dead, cancelled, paused = (new_run(lab, name) for name in "abc")
    bench.ask(dead, cancelled, paused)
    bench.asking.cancel(cancelled)
    append_events(lab.run(paused), PAUSED, at=datetime.now(UTC))
    (lab.run(dead) / "worker.log").write_text("loading\nSegmentation fault\n")
    after = Bench(lab, slots=3)
    died = "interrupted: its worker died while no server was there to see how"
    assert after.floor.interrupted == {dead: died}
    assert (commands(lab, dead)[-1].message, commands(lab, dead)[-1].log_tail) == (
        died,
        ("loading", "Segmentation fault"),
    )
    assert after.running == after.waiting == []
    assert after.asking.ended_early() == [dead, paused] or after.asking.ended_early() == [paused, dead]
    later = Bench(lab, slots=3)
    assert later.floor.interrupted == {dead: died}, "the server that noticed it is not the only one to tell"
    after.ask(dead)
    assert after.floor.interrupted == {}
    assert list((lab.root / "workers").iterdir()) == [after.workers[0].desk.folder]


def test_what_a_person_cancelled_was_not_interrupted(lab: Lab) -> None:
    bench = Bench(lab)
    dead = new_run(lab, "a")
    bench.ask(dead)
    Bench(lab).asking.cancel(dead)
    assert Bench(lab).floor.interrupted == {}


def test_a_worker_of_an_earlier_boot_was_interrupted_by_the_restart(lab: Lab) -> None:
    seen, unseen = new_run(lab, "a"), new_run(lab, "b")
    for run in (seen, unseen):
        append_command(lab.run(run), "queued")
        append_command(lab.run(run), "started", pid=4_999_999, boot_id="another")
    append_command(lab.run(seen), "worker_exited", exit_code=143)
    bench = Bench(lab)
    assert set(bench.floor.interrupted.values()) == {"interrupted: the machine was restarted"}
    assert sorted(bench.floor.interrupted) == sorted([seen, unseen])


def test_a_living_worker_is_adopted_with_its_run(lab: Lab) -> None:
    run, following = new_run(lab, "a"), new_run(lab, "b")
    desk = open_desk(lab.root / "workers" / "living")
    write_note(desk, os.getpid(), read_key(lab.run(run)), "cpu")
    desk.assign(lab.run(run))
    for asked in (run, following):
        append_command(lab.run(asked), "queued")
    with FileLock(desk.lock, "desk"):
        bench = Bench(lab, slots=1)
        assert bench.queue.state().running == {run: os.getpid()}
        assert bench.queue.state().workers[0]["adopted"]
        assert types(lab, run) == ["queued", "started"], "the server before had no time to write it down"
        bench.tick()
        assert bench.waiting == [following]
        bench.let_go(run)
        assert bench.running == [following]


def test_ends_that_nobody_wrote_down_are_on_the_desk(lab: Lab) -> None:
    bench = Bench(lab, slots=2)
    written, unwritten = new_run(lab, "a"), new_run(lab, "b")
    bench.ask(written, unwritten)
    desk, pid = bench.worker(unwritten).desk, bench.worker(unwritten).pid
    for run, code in ((written, 0), (unwritten, 1)):
        append_events(lab.run(run), FINISHED, at=datetime.now(UTC))
        bench.worker(run).desk.finish(lab.run(run), code)
    unstarted = new_run(lab, "c")
    append_command(lab.run(unstarted), "queued")
    desk.assign(lab.run(unstarted))
    desk.finish(lab.run(unstarted), 2)
    after = Bench(lab)
    assert [command.exit_code for command in commands(lab, unwritten)] == [None, None, 1]
    told = commands(lab, unstarted)
    assert [(command.type, command.pid) for command in told[:2]] == [("queued", None), ("started", pid)]
    assert told[-1].exit_code == 2
    assert after.floor.interrupted == {}
    assert Bench(lab).waiting == []
    assert len(commands(lab, unwritten)) == 3, "each end is written once"


def test_a_run_that_was_given_to_a_worker_that_died_at_once_waits_still(lab: Lab) -> None:
    run = new_run(lab, "a")
    desk = open_desk(lab.root / "workers" / "dead")
    write_note(desk, 4_999_999, read_key(lab.run(run)), "cpu")
    append_command(lab.run(run), "queued")
    desk.assign(lab.run(run))
    assert Bench(lab).waiting == [run]
    assert not desk.folder.exists()


@pytest.mark.parametrize("note", ["", "{}", '{"pid": null}', json.dumps({"pid": 1, "key": {}})])
def test_a_desk_that_says_nothing_is_removed(lab: Lab, note: str) -> None:
    desk = open_desk(lab.root / "workers" / "odd")
    (desk.folder / "worker.json").write_text(note)
    assert Bench(lab).workers == []
    assert not desk.folder.exists()


def test_a_worker_started_by_hand_counts_and_is_not_doubled(lab: Lab) -> None:
    run, following = new_run(lab, "a"), new_run(lab, "b")
    for asked in (run, following):
        append_command(lab.run(asked), "queued")
    with FileLock(lab.run(run) / "worker.lock", "run"):
        bench = Bench(lab, slots=1)
        bench.tick()
        assert bench.queue.state().running == {run: os.getpid()}
        assert (bench.waiting, read_history(lab.run(run)).worker) == ([following], os.getpid())
        assert bench.asking.enqueue(run) == "already running"


def test_a_worker_started_by_hand_beside_a_server_is_found_before_another_is(lab: Lab) -> None:
    bench = Bench(lab, slots=1)
    run = new_run(lab, "a")
    bench.asking.enqueue(run)
    with FileLock(lab.run(run) / "worker.lock", "run"):
        bench.tick()
        assert bench.queue.state().running == {run: os.getpid()}
        assert bench.launcher.started == []


def test_a_clock_that_jumps_back_loses_no_run_and_keeps_the_living_order(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Clock(datetime):
        hour_now = 23

        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            cls.hour_now -= 1
            return datetime(2026, 1, 1, cls.hour_now, tzinfo=UTC)

    monkeypatch.setattr("engine.commands.datetime", Clock)
    bench = Bench(lab, slots=1)
    runs = [new_run(lab, name) for name in "abcd"]
    bench.ask(*runs)
    assert (bench.running, bench.waiting) == ([runs[0]], runs[1:])
    assert sorted(Bench(lab, slots=1).waiting) == sorted(runs[1:])
