"""The desk between a lab server and a worker that keeps its models loaded."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.assignments import Desk, Done, open_desk
from engine.locks import FileLock


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return open_desk(tmp_path / "workers" / "ab")


def test_runs_are_given_and_done_in_order(desk: Desk) -> None:
    one, two = Path("/lab/runs/one"), Path("/lab/runs/two")
    assert desk.assign(one)
    assert desk.assign(two)
    desk.finish(one, 0)
    assert desk.waiting() == [two]
    assert Desk(desk.folder).done() == [Done(one, 0)], "another process sees the same"


def test_a_desk_with_work_is_not_closed(desk: Desk) -> None:
    desk.assign(Path("/lab/runs/one"))
    assert not desk.close()
    desk.finish(Path("/lab/runs/one"), 1)
    assert desk.close()
    assert desk.assigned() == [Path("/lab/runs/one")]


def test_a_closed_desk_refuses_work(desk: Desk) -> None:
    assert desk.close()
    assert not desk.assign(Path("/lab/runs/one"))
    assert desk.assigned() == []


def test_a_torn_line_is_not_yet_an_assignment(desk: Desk) -> None:
    with (desk.folder / "assigned.jsonl").open("ab") as file:
        file.write(b'{"run": "/lab/ru')
    assert desk.assigned() == []
    desk.assign(Path("/lab/runs/two"))
    assert desk.assigned() == [Path("/lab/runs/two")]


def test_the_holder_is_the_living_worker(desk: Desk) -> None:
    assert desk.holder() is None
    with FileLock(desk.lock, "a worker"):
        assert desk.holder() is not None
    assert desk.holder() is None
