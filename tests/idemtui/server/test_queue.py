from dataclasses import dataclass, field
from pathlib import Path

import pytest

from engine.commands import append_command, read_commands, stop_requested
from engine.events import RunCancelled, RunFailed, RunFinished
from idemtui.server.history import read_history
from idemtui.server.queue import Queue
from idemtui.server.workers import Exit, Worker
from store.lab import Lab, create_lab, find_lab
from tests.store.journals import Chain, append_events, write_chain


@dataclass
class FakeWorker:
    pid: int
    end: Exit | None = None

    def exited(self) -> Exit | None:
        return self.end


@dataclass
class FakeLauncher:
    """Starts nothing; `alive` are workers of an earlier server."""

    alive: dict[str, Worker] = field(default_factory=dict)
    started: list[str] = field(default_factory=list)
    workers: dict[str, FakeWorker] = field(default_factory=dict)
    broken: bool = False

    def start(self, folder: Path) -> Worker:
        if self.broken:
            raise OSError("no such program")
        self.started.append(folder.name)
        self.workers[folder.name] = FakeWorker(1000 + len(self.started))
        return self.workers[folder.name]

    def find(self, folders: list[Path]) -> dict[str, Worker]:
        return {folder.name: self.alive[folder.name] for folder in folders if folder.name in self.alive}

    def end(self, lab: Lab, run_id: str, code: int = 0) -> None:
        if code == 0:
            append_events(lab.run(run_id), [RunFinished(cycles_done=6)])
        self.workers[run_id].end = Exit(code)


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return create_lab(find_lab(tmp_path / "lab"))


def new_run(lab: Lab, name: str) -> str:
    run_id = write_chain(lab, Chain(name, status="queued"))
    (lab.run(run_id) / "commands.jsonl").unlink()
    return run_id


def types(lab: Lab, run_id: str) -> list[str]:
    return [command.type for command in read_commands(lab.run(run_id))]


def queue_of(lab: Lab, launcher: FakeLauncher, slots: int = 2) -> Queue:
    queue = Queue(lab, launcher, slots)
    queue.adopt()
    return queue


def test_first_come_first_served_up_to_the_slots(lab: Lab) -> None:
    launcher = FakeLauncher()
    queue = queue_of(lab, launcher)
    runs = [new_run(lab, name) for name in "abc"]
    assert [queue.enqueue(run) for run in runs] == ["queued"] * 3
    queue.tick()
    assert launcher.started == runs[:2]
    assert queue.state().waiting == runs[2:]
    launcher.end(lab, runs[1])
    queue.tick()
    assert launcher.started == runs
    assert types(lab, runs[1]) == ["queued", "started", "worker_exited"]
    assert types(lab, runs[2]) == ["queued", "started"]


def test_what_is_waiting_running_or_finished_is_not_queued_again(lab: Lab) -> None:
    launcher = FakeLauncher()
    queue = queue_of(lab, launcher, slots=1)
    first, second = new_run(lab, "a"), new_run(lab, "b")
    queue.enqueue(first)
    queue.enqueue(second)
    queue.tick()
    assert (queue.enqueue(first), queue.enqueue(second)) == ("already running", "already queued")
    launcher.end(lab, first)
    queue.tick()
    assert queue.enqueue(first) == "already finished"
    assert types(lab, first) == ["queued", "started", "worker_exited"]


def test_a_failed_run_does_not_stop_the_next_and_is_continued_when_asked(lab: Lab) -> None:
    launcher = FakeLauncher()
    queue = queue_of(lab, launcher, slots=1)
    first, second = new_run(lab, "a"), new_run(lab, "b")
    queue.enqueue(first)
    queue.enqueue(second)
    queue.tick()
    append_events(lab.run(first), [RunFailed(error="GuardError", message="nothing moved")])
    launcher.end(lab, first, code=1)
    queue.tick()
    assert launcher.started == [first, second]
    assert queue.unfinished() == [first]
    assert queue.enqueue(first) == "continued"


def test_cancel_takes_a_waiting_run_out_and_asks_a_running_one_to_stop(lab: Lab) -> None:
    launcher = FakeLauncher()
    queue = queue_of(lab, launcher, slots=1)
    first, second = new_run(lab, "a"), new_run(lab, "b")
    queue.enqueue(first)
    queue.enqueue(second)
    queue.tick()
    assert (queue.cancel(second), queue.cancel(first)) == ("cancelled", "stopping")
    assert queue.cancel(second) == "already cancelled"
    assert stop_requested(lab.run(first)) == "cancel"
    append_events(lab.run(first), [RunCancelled(reason="asked to")])
    launcher.workers[first].end = Exit(0)
    queue.tick()
    assert launcher.started == [first]
    assert queue.unfinished() == []
    assert not queue.state().busy


def test_a_run_resumed_before_its_worker_stopped_waits_for_that_worker(lab: Lab) -> None:
    launcher = FakeLauncher()
    queue = queue_of(lab, launcher)
    run = new_run(lab, "a")
    queue.enqueue(run)
    queue.tick()
    queue.cancel(run)
    assert queue.enqueue(run) == "continued"
    queue.tick()
    assert launcher.started == [run]
    append_events(lab.run(run), [RunCancelled(reason="asked to")])
    launcher.workers[run].end = Exit(0)
    queue.tick()
    assert launcher.started == [run, run]


def test_a_new_server_goes_on_with_the_queue_it_finds(lab: Lab) -> None:
    before = queue_of(lab, FakeLauncher(), slots=2)
    alive, dead, second, first = (new_run(lab, name) for name in ("alive", "dead", "second", "first"))
    for run in (alive, dead):
        before.enqueue(run)
    before.tick()
    pid = read_history(lab.run(alive)).worker
    for run in (first, second):
        before.enqueue(run)
    launcher = FakeLauncher(alive={alive: FakeWorker(pid or 0)})
    after = queue_of(lab, launcher, slots=2)
    assert after.state().workers == {alive: pid}
    assert after.state().waiting == [first, second]
    assert types(lab, dead) == ["queued", "started", "worker_exited"]
    after.tick()
    assert launcher.started == [first]


def test_a_worker_whose_server_died_before_writing_it_down_is_found(lab: Lab) -> None:
    run = new_run(lab, "a")
    append_command(lab.run(run), "queued")
    launcher = FakeLauncher(alive={run: FakeWorker(77)})
    queue = queue_of(lab, launcher)
    queue.tick()
    assert (queue.state().waiting, queue.state().workers, launcher.started) == ([], {run: 77}, [])
    assert read_history(lab.run(run)).worker == 77


def test_a_worker_that_cannot_be_started_is_recorded(lab: Lab) -> None:
    queue = queue_of(lab, FakeLauncher(broken=True))
    run = new_run(lab, "a")
    queue.enqueue(run)
    queue.tick()
    assert types(lab, run) == ["queued", "worker_exited"]
    assert not queue.state().busy
    assert not queue_of(lab, FakeLauncher()).state().busy


def test_a_run_whose_commands_are_broken_does_not_stop_the_others(lab: Lab) -> None:
    broken, sound = new_run(lab, "a"), new_run(lab, "b")
    (lab.run(broken) / "commands.jsonl").write_text("nonsense\n")
    append_command(lab.run(sound), "queued")
    launcher = FakeLauncher()
    queue_of(lab, launcher).tick()
    assert launcher.started == [sound]


def test_the_outcome_is_the_last_whole_line(lab: Lab) -> None:
    run = write_chain(lab, Chain("a", status="finished"))
    assert read_history(lab.run(run)).outcome == "finished"
    with (lab.run(run) / "events.jsonl").open("ab") as file:
        file.write(b'{"seq": 9')
    assert read_history(lab.run(run)).outcome == "finished"
    killed = write_chain(lab, Chain("b", status="killed"))
    assert read_history(lab.run(killed)).outcome is None
