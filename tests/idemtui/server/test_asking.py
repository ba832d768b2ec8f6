from collections.abc import Sequence

import pytest

from engine.commands import stop_requested
from engine.errors import UsageError
from engine.events import Event
from store.lab import Lab
from tests.idemtui.server.bench import CANCELLED, FAILED, PAUSED, Bench, commands, new_run, types


def test_what_is_waiting_running_or_finished_is_not_queued_again(lab: Lab) -> None:
    bench = Bench(lab, slots=1)
    first, second = new_run(lab, "a"), new_run(lab, "b")
    bench.ask(first, second)
    assert bench.ask(first, second) == ["already running", "already queued"]
    bench.let_go(first)
    assert bench.ask(first) == ["already finished"]
    assert types(lab, first) == ["queued", "started", "worker_exited"]


@pytest.mark.parametrize(
    ("verb", "soon", "now", "events"),
    [("pause", "pausing", "paused", PAUSED), ("cancel", "stopping", "cancelled", CANCELLED)],
)
def test_stopping_takes_a_waiting_run_out_and_lets_go_of_a_running_ones_model(
    lab: Lab, verb: str, soon: str, now: str, events: Sequence[Event]
) -> None:
    bench = Bench(lab, slots=1)
    first, second = new_run(lab, "a"), new_run(lab, "b")
    bench.ask(first, second)
    stop = getattr(bench.asking, verb)
    assert stop(second) == {"run_id": second, "answer": now, "when": None}
    assert stop(second)["answer"] == f"already {now}"
    assert stop(first) == {"run_id": first, "answer": soon, "when": "as soon as its worker has loaded the models"}
    assert stop(first)["answer"] == f"already {soon}"
    assert stop_requested(lab.run(first)) == verb
    bench.let_go(first, events)
    assert stop(first)["answer"] == f"already {now}"
    bench.tick()
    assert bench.workers == []
    assert bench.asking.ended_early() == []
    assert not bench.queue.state().busy
    assert bench.ask(first) == ["continued"]
    assert bench.running == [first]


def test_a_worker_whose_run_was_paused_goes_on_with_another_of_its_model(lab: Lab) -> None:
    bench = Bench(lab, slots=1)
    first, second = new_run(lab, "a"), new_run(lab, "b")
    bench.ask(first, second)
    worker = bench.worker(first)
    bench.asking.pause(first)
    bench.let_go(first, PAUSED)
    assert bench.running == [second]
    assert bench.workers == [worker]
    bench.let_go(second)
    bench.tick()
    assert bench.workers == [worker], "an end in order leaves the model loaded"


def test_a_paused_run_can_be_cancelled(lab: Lab) -> None:
    bench = Bench(lab)
    run = new_run(lab, "a")
    bench.ask(run)
    bench.asking.pause(run)
    bench.let_go(run, PAUSED)
    assert bench.asking.cancel(run)["answer"] == "cancelled"
    assert bench.asking.cancel(run)["answer"] == "already cancelled"


def test_a_run_resumed_before_its_worker_stopped_waits_for_that_worker(lab: Lab) -> None:
    bench = Bench(lab)
    run = new_run(lab, "a")
    bench.ask(run)
    bench.asking.cancel(run)
    assert bench.ask(run) == ["continued"]
    assert bench.reason(run) == "waits for its worker to stop"
    bench.let_go(run, CANCELLED)
    assert (bench.running, bench.waiting) == ([run], [])


@pytest.mark.parametrize("code", [1, -9])
def test_a_run_whose_stop_was_withdrawn_in_time_is_not_started_twice(lab: Lab, code: int) -> None:
    bench = Bench(lab)
    run = new_run(lab, "a")
    bench.ask(run)
    bench.asking.pause(run)
    bench.ask(run)
    if code == 1:
        bench.let_go(run, FAILED, code=1)
    else:
        bench.die(run, code)
    assert (bench.running, bench.waiting) == ([], [])
    after = Bench(lab)
    assert after.waiting == []
    assert after.ask(run) == ["continued"]
    assert after.running == [run]


def test_retry_is_for_runs_that_failed(lab: Lab) -> None:
    bench = Bench(lab, slots=3)
    failed, killed, paused = (new_run(lab, name) for name in "abc")
    bench.ask(failed, killed, paused)
    bench.let_go(failed, FAILED, code=1)
    bench.die(killed, -9)
    bench.asking.pause(paused)
    bench.let_go(paused, PAUSED)
    assert sorted(bench.asking.failed()) == sorted([failed, killed])
    with pytest.raises(UsageError, match="did not fail"):
        bench.asking.retry(paused)
    assert bench.asking.retry(failed) == "continued"
    with pytest.raises(UsageError, match="did not fail"):
        bench.asking.retry(failed)
    assert bench.asking.ended_early() == [killed]


def test_priorities_move_waiting_runs_and_outlive_the_server(lab: Lab) -> None:
    bench = Bench(lab, slots=1)
    running, *waiting = (new_run(lab, name) for name in "abcd")
    bench.ask(running, *waiting)
    assert bench.asking.prioritize(waiting[2], 5) == "moved"
    assert bench.asking.prioritize(waiting[0], -1) == "moved"
    assert bench.asking.prioritize(running, 7) == "already running"
    assert bench.waiting == [waiting[2], waiting[1], waiting[0]]
    assert bench.asking.prioritize(waiting[0], 0) == "moved"
    order = [waiting[2], waiting[0], waiting[1]]
    assert bench.waiting == order
    assert Bench(lab, slots=1).waiting == order
    bench.asking.cancel(waiting[1])
    with pytest.raises(UsageError, match="does not wait"):
        bench.asking.prioritize(waiting[1], 1)


def test_a_run_that_goes_on_keeps_its_priority(lab: Lab) -> None:
    bench = Bench(lab)
    run = new_run(lab, "a")
    bench.ask(run, priority=3)
    bench.die(run, -9)
    bench.asking.enqueue(run)
    assert commands(lab, run)[-1].priority == 3
