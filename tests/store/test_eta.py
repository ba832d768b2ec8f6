"""How long a live run still has, from the stages it has done."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from store import queries
from store.eta import Done, remaining, remaining_seconds
from store.queries import Progress
from tests.store.journals import Chain, chain_spec, write_lab
from tests.store.tables import Asking, ingested

NOW = datetime(2026, 11, 21)


def stages(cycle: int, own: bool = True, **seconds: float) -> list[Done]:
    return [Done("one", cycle, stage, own, length) for stage, length in seconds.items()]


def progress(cycle: int, stage: str, done: int, total: int = 100, finished: bool = False) -> Progress:
    return Progress("one", cycle, stage, done, total, NOW, finished)


def test_what_is_left_of_the_stage_the_cycle_and_the_chain_is_added_up() -> None:
    done = [*stages(1, sample_train=10, train=20, judge=6), *stages(2, sample_train=10, train=40, judge=8)]
    at_draw = remaining([*done], 4, progress(3, "sample_train", 50))
    assert at_draw == pytest.approx(5 + 30 + 7 + 47)
    at_train = remaining([*done, *stages(3, sample_train=9)], 4, progress(3, "train", 90))
    assert at_train == pytest.approx(3 + 7 + 47)
    between = remaining([*done, *stages(3, sample_train=9, train=30)], 3, progress(3, "train", 100, finished=True))
    assert between == pytest.approx(7)


def test_nothing_is_said_before_a_whole_cycle_was_seen() -> None:
    assert remaining([], 4, progress(0, "train", 1)) is None
    assert remaining(stages(1, sample_train=10, train=20), 4, progress(1, "judge", 1)) is None
    assert remaining(stages(1, train=20, judge=1), 4, None) is None


def test_a_run_without_a_cycle_takes_its_cells() -> None:
    others = stages(1, own=False, train=20, judge=6)
    assert remaining(others, 2, progress(0, "train", 50)) == pytest.approx(10 + 6 + 2 * 26)


def test_of_a_lab(tmp_path: Path) -> None:
    chain = Chain("live", status="running", done=3)
    lab = Asking(ingested(write_lab(tmp_path / "lab", [chain])))
    run_id = chain_spec(chain).run_id
    found = remaining_seconds(lab, {run_id: (6, queries.progress(lab, run_id)), "gone": (6, None)})
    assert set(found) == {run_id}
    a_cycle = sum(
        row["seconds"]
        for row in lab.sql("SELECT seconds FROM stages WHERE cycle = 2 AND finished_at IS NOT NULL").rows()
    )
    assert 2 * a_cycle < found[run_id] < 3 * a_cycle
    assert remaining_seconds(lab, {}) == {}
