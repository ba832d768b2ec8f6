"""A look that is not thorough: what moves is seen at the next look, what was quiet after a few."""

from __future__ import annotations

from pathlib import Path

import pytest

from store import watch
from store.lab import Lab, create_lab, find_lab
from store.watch import SHARE, Watch


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    lab = create_lab(find_lab(tmp_path / "lab"))
    for number in range(3 * SHARE):
        write(lab, f"run{number:02}", "x")
    return lab


def write(lab: Lab, run_id: str, text: str) -> None:
    lab.run(run_id).mkdir(exist_ok=True)
    with (lab.run(run_id) / "events.jsonl").open("a") as file:
        file.write(text)


def watched(lab: Lab) -> Watch:
    seen = Watch(lab, lambda _run_id, _file: 0)
    assert len(seen.moved()) == 3 * SHARE
    assert seen.moved() == []
    return seen


def test_what_moved_lately_and_what_is_new_is_seen_at_once(lab: Lab) -> None:
    seen = watched(lab)
    for _ in range(2 * SHARE):
        write(lab, "run07", "more")
        assert seen.moved(thorough=False) == ["run07"]
    write(lab, "later", "x")
    assert seen.moved(thorough=False) == ["later"]


def test_what_was_quiet_has_its_turn(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = watched(lab)
    monkeypatch.setattr(watch, "LATELY_SECONDS", -1.0)
    changed = [f"run{number:02}" for number in range(3 * SHARE)]
    for run_id in changed:
        write(lab, run_id, "more")
    looks = [seen.moved(thorough=False) for _ in range(SHARE)]
    assert all(len(look) == 3 for look in looks)
    assert sorted(run_id for look in looks for run_id in look) == changed


def test_a_thorough_look_misses_nothing(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = watched(lab)
    monkeypatch.setattr(watch, "LATELY_SECONDS", -1.0)
    write(lab, "run03", "more")
    assert seen.moved() == ["run03"]
