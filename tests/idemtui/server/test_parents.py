"""Forks queued together with the run that they go on from: they wait for its cycle, and say so."""

from engine.events import CycleFinished, CycleStarted
from store.lab import Lab
from tests.idemtui.server.bench import FAILED, FINISHED, Bench, new_run
from tests.store.journals import append_events


def finish_m0(lab: Lab, run: str) -> None:
    append_events(lab.run(run), [CycleStarted(cycle=0), CycleFinished(cycle=0)])


def test_a_fork_waits_for_the_cycle_that_it_goes_on_from(lab: Lab) -> None:
    bench = Bench(lab, slots=2)
    first = new_run(lab, "a")
    forks = [new_run(lab, name, fork_of=first, at=0) for name in "bc"]
    bench.ask(first, *forks)
    assert (bench.running, bench.waiting) == ([first], forks)
    assert bench.reason(forks[0]).startswith("waits for cycle 0 of ")
    assert "resume" not in bench.reason(forks[0])
    finish_m0(lab, first)
    bench.tick()
    assert (bench.running, bench.waiting) == ([first, forks[0]], forks[1:])
    assert bench.reason(forks[1]) == "waits for a free slot"


def test_the_next_server_waits_as_the_one_before_did(lab: Lab) -> None:
    first = new_run(lab, "a")
    fork = new_run(lab, "b", fork_of=first, at=0)
    Bench(lab, slots=1).ask(fork)
    later = Bench(lab, slots=1)
    later.queue.adopt()
    later.tick()
    assert (later.running, later.waiting) == ([], [fork])
    finish_m0(lab, first)
    later.tick()
    assert later.running == [fork]


def test_a_fork_of_a_run_that_failed_says_what_to_do(lab: Lab) -> None:
    bench = Bench(lab, slots=1)
    first = new_run(lab, "a")
    fork = new_run(lab, "b", fork_of=first, at=0)
    bench.ask(first, fork)
    bench.let_go(first, FAILED)
    assert bench.waiting == [fork]
    assert f"idemtui resume {first}" in bench.reason(fork)
    bench.ask(first)
    assert bench.running == [first]
    assert "resume" not in bench.reason(fork)


def test_waiting_ends_where_the_cycle_can_no_longer_come(lab: Lab) -> None:
    bench = Bench(lab, slots=1)
    first = new_run(lab, "a")
    fork = new_run(lab, "b", fork_of=first, at=3)
    bench.ask(first, fork)
    bench.let_go(first, FINISHED)
    assert bench.running == [fork], "its worker says what is missing"
