import errno
import os
from datetime import UTC, datetime

import pytest

from engine.commands import append_command
from idemtui.server.exits import Exit
from idemtui.server.workers import LEAVE_SECONDS
from store.lab import Lab
from tests.idemtui.server.bench import FAILED, FINISHED, NO_ROOM, Bench, FakeProcess, commands, new_run, types
from tests.store.journals import append_events


def test_first_come_first_served_up_to_the_slots(lab: Lab) -> None:
    bench = Bench(lab, slots=2)
    runs = [new_run(lab, name) for name in "abc"]
    assert bench.ask(*runs) == ["queued"] * 3
    assert (bench.running, bench.waiting) == (runs[:2], runs[2:])
    assert bench.reason(runs[2]) == "waits for a free slot"
    bench.let_go(runs[1])
    assert sorted(bench.running) == sorted([runs[0], runs[2]])
    assert types(lab, runs[1]) == ["queued", "started", "worker_exited"]


def test_a_worker_keeps_its_model_for_the_next_run(lab: Lab) -> None:
    bench = Bench(lab, slots=1)
    runs = [new_run(lab, name) for name in "abc"]
    bench.ask(*runs)
    for run in runs:
        assert bench.running == [run]
        bench.let_go(run)
    assert len(bench.launcher.started) == 1
    assert [command.pid for run in runs for command in commands(lab, run) if command.type == "started"] == [
        bench.workers[0].pid
    ] * 3
    started = next(command for command in commands(lab, runs[0]) if command.type == "started")
    assert started.device == "cpu"
    assert started.boot_id


def test_the_oldest_run_of_the_loaded_model_goes_before_another_model_is_loaded(lab: Lab) -> None:
    bench = Bench(lab, slots=1)
    first, other, second = new_run(lab, "a"), new_run(lab, "b", model="pocket/base"), new_run(lab, "c")
    bench.ask(first, other, second)
    bench.let_go(first)
    assert bench.running == [second]
    old = bench.workers[0]
    bench.let_go(second)
    assert old.leaving
    assert bench.reason(other) == "waits for a free slot: a worker is letting go of another model"
    bench.tick()
    assert bench.running == [other]
    assert not old.desk.folder.exists()


def test_a_higher_priority_goes_first_even_where_its_model_is_not_loaded(lab: Lab) -> None:
    bench = Bench(lab, slots=1)
    first, low, high = new_run(lab, "a"), new_run(lab, "b"), new_run(lab, "c", model="pocket/base")
    bench.ask(first, low)
    bench.ask(high, priority=5)
    assert bench.waiting == [high, low]
    bench.let_go(first)
    bench.tick()
    assert (bench.running, bench.waiting) == ([high], [low])


def test_an_idle_worker_that_does_not_go_is_killed(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(lab, slots=1)
    first, other = new_run(lab, "a"), new_run(lab, "b", model="pocket/base")
    bench.ask(first, other)
    process = bench.worker(first).process
    assert isinstance(process, FakeProcess)
    process.obedient = False
    bench.let_go(first)
    assert len(process.signals) == 1
    monkeypatch.setattr("idemtui.server.workers.time.monotonic", lambda: LEAVE_SECONDS * 1e6)
    process.obedient = True
    bench.tick()
    bench.tick()
    assert bench.running == [other]


def test_a_failed_run_does_not_stop_the_next(lab: Lab) -> None:
    bench = Bench(lab, slots=1)
    first, second = new_run(lab, "a"), new_run(lab, "b")
    bench.ask(first, second)
    bench.let_go(first, FAILED, code=1)
    assert bench.running == [second]
    assert commands(lab, first)[-1].message is None


def test_a_closed_desk_takes_no_run(lab: Lab) -> None:
    bench = Bench(lab, slots=1)
    first, second = new_run(lab, "a"), new_run(lab, "b")
    bench.ask(first)
    worker = bench.worker(first)
    bench.let_go(first)
    assert worker.desk.close()
    bench.ask(second)
    assert (bench.running, bench.waiting) == ([], [second])
    worker.process.end = Exit(0)  # type: ignore[attr-defined]
    bench.tick()
    assert bench.running == [second]


def test_a_worker_that_cannot_be_started_is_recorded(lab: Lab) -> None:
    bench = Bench(lab)
    bench.launcher.broken = OSError(errno.ENOENT, "no such program")
    run = new_run(lab, "a")
    bench.ask(run)
    assert types(lab, run) == ["queued", "worker_exited"]
    assert "no such program" in (commands(lab, run)[-1].message or "")
    assert not bench.queue.state().busy
    assert not Bench(lab).queue.state().busy


def test_a_machine_without_room_for_a_process_is_waited_for(lab: Lab) -> None:
    bench = Bench(lab)
    bench.launcher.broken = OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))
    run = new_run(lab, "a")
    bench.ask(run)
    assert "Resource temporarily unavailable" in bench.reason(run)
    bench.launcher.broken = None
    bench.tick()
    assert bench.running == [run]


def test_a_run_whose_commands_are_broken_does_not_stop_the_others(lab: Lab) -> None:
    broken, sound = new_run(lab, "a"), new_run(lab, "b")
    (lab.run(broken) / "commands.jsonl").write_text("nonsense\n")
    append_command(lab.run(sound), "queued")
    bench = Bench(lab)
    bench.tick()
    assert bench.running == [sound]


def test_a_run_waits_for_its_secret(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_TOKEN", raising=False)
    bench = Bench(lab)
    run, other = new_run(lab, "a", secrets=("HF_TOKEN",)), new_run(lab, "b")
    bench.ask(run, other)
    assert bench.running == [other]
    assert bench.reason(run).startswith("waits for HF_TOKEN; give it with")
    bench.secrets.give({"HF_TOKEN": "hf_abc", "OTHER": "not for this one"})
    bench.tick()
    assert bench.launcher.secrets[-1] == {"HF_TOKEN": "hf_abc"}


def test_a_worker_with_an_old_secret_takes_no_further_run(lab: Lab) -> None:
    bench = Bench(lab, slots=1)
    bench.secrets.give({"HF_TOKEN": "old"})
    first, second = (new_run(lab, name, secrets=("HF_TOKEN",)) for name in "ab")
    bench.ask(first, second)
    bench.queue.use_new_secrets(bench.secrets.give({"HF_TOKEN": "new"}))
    bench.let_go(first)
    bench.tick()
    assert bench.running == [second]
    assert [given["HF_TOKEN"] for given in bench.launcher.secrets] == ["old", "new"]


def test_a_full_disk_starts_nothing_and_lets_go_on_what_it_paused(lab: Lab) -> None:
    bench = Bench(lab, slots=2)
    paused, stopped, late = (new_run(lab, name) for name in "abc")
    bench.ask(paused, stopped)
    bench.asking.pause(stopped)
    bench.free_bytes = 120_000_000
    bench.let_go(paused, NO_ROOM)
    bench.let_go(stopped, NO_ROOM)
    bench.ask(late)
    assert bench.reason(late) == "the disk has 120 MB free, 256 MB are kept free"
    assert bench.queue.state().busy
    bench.free_bytes = 400_000_000
    bench.tick()
    assert (bench.running, bench.floor.for_room) == ([late], {paused})
    assert Bench(lab).floor.for_room == {paused}
    bench.free_bytes = 600_000_000
    bench.tick()
    assert sorted(bench.running) == sorted([late, paused])
    assert types(lab, paused)[-3:] == ["worker_exited", "queued", "started"]
    assert types(lab, stopped)[-1] == "worker_exited"


def test_a_worker_that_lost_the_race_for_its_gpu_puts_its_run_back(lab: Lab) -> None:
    bench = Bench(lab, slots=1)
    first, second = new_run(lab, "a"), new_run(lab, "b")
    bench.ask(first, second)
    bench.die(first, 76)
    assert bench.running == [first]
    assert [command.exit_code for command in commands(lab, first) if command.type == "worker_exited"] == [76]


@pytest.mark.parametrize("code", [75, 76])
def test_what_a_person_stopped_is_not_put_back(lab: Lab, code: int) -> None:
    bench = Bench(lab)
    run = new_run(lab, "a")
    bench.ask(run)
    bench.asking.cancel(run)
    bench.die(run, code)
    assert not bench.queue.state().busy


def test_a_worker_that_could_not_write_for_a_full_disk_goes_on_with_room(lab: Lab) -> None:
    bench = Bench(lab)
    run, done = new_run(lab, "a"), new_run(lab, "b")
    bench.ask(run, done)
    bench.free_bytes = 0
    bench.die(run, 75)
    append_events(lab.run(done), FINISHED, at=datetime.now(UTC))
    bench.die(done, 75)
    assert bench.floor.for_room == Bench(lab).floor.for_room == {run}
    bench.free_bytes = 10**9
    bench.tick()
    assert bench.running == [run]


def test_a_silent_worker_is_named_once_per_silence(lab: Lab) -> None:
    bench = Bench(lab, silent_seconds=60)
    run = new_run(lab, "a")
    bench.ask(run)
    bench.tick()
    for _ in range(3):
        bench.now += 61
        bench.tick()
    assert types(lab, run).count("worker_silent") == 1
    told = commands(lab, run)[-1].message
    assert told == f"no event for 61 s; its process {bench.workers[0].pid} is disk sleep"
    assert bench.queue.state().workers[0]["silent_seconds"] == 183
    (lab.run(run) / "events.jsonl").write_text("{}\n")
    bench.tick()
    assert bench.queue.state().workers[0]["silent_seconds"] == 0
    bench.now += 61
    bench.tick()
    assert types(lab, run).count("worker_silent") == 2
