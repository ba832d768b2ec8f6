"""The plan alone, over many shapes of queue and workers."""

from hypothesis import given
from hypothesis import strategies as st

from idemtui.server.model_keys import ModelKey
from idemtui.server.planning import PASSED_BY, Asked, Hand, plan

KEYS = [ModelKey(model, "judge", 1, device) for model in "ab" for device in ("cpu", "cuda")]
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
