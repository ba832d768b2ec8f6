"""The plan alone, over many shapes of queue and workers."""

from hypothesis import given
from hypothesis import strategies as st

from idemtui.server.model_keys import ModelKey
from idemtui.server.planning import PASSED_BY, Asked, Hand, plan

KEYS = [ModelKey(model, "judge", 1, device) for model in "ab" for device in ("cpu", "cuda")]
LARGE = ModelKey("large", "judge", 1, "cuda", gpus=2)
asked = st.builds(
    Asked,
    run_id=st.uuids().map(str),
    key=st.sampled_from(KEYS),
    priority=st.integers(0, 2),
    order=st.integers(0, 100),
    held=st.sampled_from([None, None, None, "waits for HF_TOKEN"]),
)
hands = st.builds(Hand, pid=st.integers(1, 10**6), key=st.sampled_from(KEYS), idle=st.booleans(), leaving=st.booleans())
free = st.fixed_dictionaries(
    {"cpu": st.lists(st.just("cpu"), max_size=2), "cuda": st.lists(st.uuids().map(str), max_size=2, unique=True)}
)


@given(
    st.lists(asked, max_size=8, unique_by=lambda run: run.run_id),
    st.lists(hands, max_size=4, unique_by=lambda hand: hand.pid),
    free,
)
def test_every_run_is_placed_once_or_has_a_reason(
    waiting: list[Asked], workers: list[Hand], places: dict[str, list[str]]
) -> None:
    made = plan(waiting, workers, places, {})
    by_run = {run.run_id: run for run in waiting}
    placed = [*made.assigned, *made.started, *made.reasons]
    assert sorted(placed) == sorted(by_run)
    by_pid = {hand.pid: hand for hand in workers}
    assert len(set(made.assigned.values())) == len(made.assigned)
    for run_id, pid in made.assigned.items():
        hand = by_pid[pid]
        assert hand.idle
        assert not hand.leaving
        assert hand.key == by_run[run_id].key
    for kind, devices in places.items():
        taken = [device for run_id, device in made.started.items() if by_run[run_id].key.device == kind]
        assert len(taken) <= len(devices)
        assert set(taken) <= set(devices)
    assert not set(made.dismissed) & set(made.assigned.values())
    assert all(by_pid[pid].idle and not by_pid[pid].leaving for pid in made.dismissed)
    for run in waiting:
        if run.held is not None:
            assert made.reasons[run.run_id] == run.held


@given(st.lists(asked, max_size=8, unique_by=lambda run: run.run_id), free)
def test_nobody_of_lower_priority_goes_before_one_that_could(
    waiting: list[Asked], places: dict[str, list[str]]
) -> None:
    made = plan(waiting, [], places, {})
    for left in (run for run in waiting if run.run_id in made.reasons and run.held is None):
        for other in (run for run in waiting if run.run_id in made.started and run.key.device == left.key.device):
            assert (-other.priority, other.order) <= (-left.priority, left.order)


A, B = (ModelKey(model, "judge", 1, "cpu") for model in "ab")


def run_of(key: ModelKey, order: int) -> Asked:
    return Asked(f"{key.model}{order}", key, order=order)


def test_a_loaded_model_is_kept_for_runs_asked_for_soon_after_and_not_for_ever() -> None:
    idle = [Hand(1, A, idle=True)]
    soon = plan([run_of(B, 1), run_of(A, 1 + PASSED_BY)], idle, {}, {})
    assert soon.assigned == {f"a{1 + PASSED_BY}": 1}
    late = plan([run_of(B, 1), run_of(A, 2 + PASSED_BY)], idle, {}, {})
    assert late.dismissed == [1]
    assert set(late.reasons) == {"b1", f"a{2 + PASSED_BY}"}


def test_a_late_run_still_takes_its_models_worker_where_the_older_one_finds_another_place() -> None:
    made = plan([run_of(B, 1), run_of(A, 50)], [Hand(1, A, idle=True)], {"cpu": ["cpu"]}, {})
    assert made.started == {"b1": "cpu"}
    assert made.assigned == {"a50": 1}


def test_gpus_are_gathered_in_the_order_of_the_queue_and_idle_workers_let_go() -> None:
    single = ModelKey("a", "judge", 1, "cuda")
    waiting = [Asked("first", single, order=1), Asked("large", LARGE, order=2), Asked("late", single, order=3)]
    made = plan(waiting, [], {"cuda": ["g0", "g1"]}, {}, reach=4)
    assert made.started == {"first": "g0"}
    assert made.reasons["large"] == "gathers 2 GPUs: 1 free and kept for it"
    assert made.reasons["late"] == "waits while run large gathers 2 GPUs"
    idle = [Hand(7, KEYS[3], idle=True), Hand(8, single, idle=True), Hand(9, KEYS[3], idle=True)]
    made = plan(waiting[1:2], idle, {"cuda": ["g0"]}, {}, reach=4)
    assert made.dismissed == [7]
    leaving = [Hand(7, KEYS[3], leaving=True), Hand(9, KEYS[3], idle=True)]
    assert plan(waiting[1:2], leaving, {"cuda": ["g0"]}, {}, reach=4).dismissed == []
    assert plan(waiting, [], {"cuda": ["g0", "g1", "g2"]}, {}, reach=4).started == {"first": "g0", "large": "g1,g2"}
    assert plan(waiting[1:2], [Hand(5, LARGE, idle=True)], {"cuda": []}, {}, reach=4).assigned == {"large": 5}


@given(st.integers(0, 4), st.lists(st.sampled_from([KEYS[1], LARGE]), max_size=6), st.integers(0, 4))
def test_no_gpu_is_given_twice_and_large_runs_get_all_of_theirs(count: int, keys: list[ModelKey], reach: int) -> None:
    gpus = [f"g{n}" for n in range(count)]
    waiting = [Asked(f"r{n}", key, order=n) for n, key in enumerate(keys)]
    made = plan(waiting, [], {"cuda": list(gpus)}, {}, reach=max(reach, count))
    given_out = [gpu for device in made.started.values() for gpu in device.split(",")]
    assert len(given_out) == len(set(given_out)) <= count
    for run in waiting:
        if run.run_id in made.started:
            assert len(made.started[run.run_id].split(",")) == run.key.gpus
        else:
            assert made.reasons[run.run_id]
