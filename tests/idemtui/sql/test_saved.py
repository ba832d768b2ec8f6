"""Saved queries and what was asked before."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import UsageError
from idemtui.sql import history
from idemtui.sql.history import Asked, keep, past
from idemtui.sql.saved import SHIPPED, find, queries, save


@pytest.fixture
def mine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    return tmp_path / "idemtui" / "queries"


def test_every_shipped_query_says_what_it_answers(mine: Path) -> None:
    found = queries()
    assert len(found) == len(list(SHIPPED.glob("*.sql"))) >= 9
    for query in found:
        assert query.text.startswith("-- ")
        assert query.title[-1] in ".?"


def test_ones_own_come_first_and_win(mine: Path) -> None:
    assert save("curves", "-- mine\nselect 1") == mine / "curves.sql"
    assert (queries()[0].title, queries()[0].own) == ("mine", True)
    assert find("curves").text == "-- mine\nselect 1"
    (mine / "broken.sql").write_bytes(b"\xff\xfe")
    assert "broken" not in {query.name for query in queries()}


@pytest.mark.parametrize("name", ["", "../x", "a b", "-x"])
def test_a_name_that_is_none_is_refused(mine: Path, name: str) -> None:
    with pytest.raises(UsageError, match="allowed: letters"):
        save(name, "select 1")


def test_an_unknown_name_is_answered_with_near_ones(mine: Path) -> None:
    with pytest.raises(UsageError, match="curves"):
        find("curvs")


def test_history_is_newest_first_once_each_and_per_lab(tmp_path: Path) -> None:
    file = tmp_path / "state" / "history.jsonl"
    here = tmp_path / "lab"
    for number, text in enumerate(["a", "b", "a"]):
        keep(file, Asked(text, f"2026-01-01T00:00:0{number}", str(here)))
    keep(file, Asked("c", "2026", "/elsewhere"))
    with file.open("a") as torn:
        torn.write('{"text": "half')
    assert [asked.text for asked in past(file, here)] == ["a", "b"]


def test_history_does_not_grow_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "MOST", 5)
    file = tmp_path / "history.jsonl"
    for number in range(30):
        keep(file, Asked(str(number), "", "lab"))
    assert len(file.read_text().splitlines()) <= 10
    assert past(file, Path("lab"))[0].text == "29"


def test_a_place_that_cannot_be_written_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    keep(tmp_path / "file" / "history.jsonl", Asked("a", "", "lab"))
    assert past(tmp_path / "file" / "history.jsonl", Path("lab")) == []
