"""The journal: whole lines only, a torn end forgiven, a broken middle refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import JournalError
from engine.events import ChainMarked, CycleFinished, CycleStarted, Event, StageStarted, TrainStepped
from engine.journal import Journal, read_entries

EVENTS = st.lists(
    st.one_of(
        st.builds(CycleStarted, cycle=st.integers(-1, 9)),
        st.builds(StageStarted, cycle=st.integers(0, 9), stage=st.just("train"), total=st.integers(0, 99)),
        st.builds(ChainMarked, cycle=st.integers(0, 9), rule=st.text(), message=st.text()),
        st.builds(
            TrainStepped,
            cycle=st.integers(0, 9),
            step=st.integers(1, 9),
            values=st.dictionaries(st.text(), st.floats(allow_nan=False, allow_infinity=False)),
        ),
    ),
    max_size=12,
)


def write(path: Path, events: list[Event]) -> None:
    with Journal(path) as journal:
        for event in events:
            journal.append(event)


def replay(path: Path) -> list[Event]:
    with Journal(path) as journal:
        return journal.replay()


@given(EVENTS, EVENTS)
def test_what_was_appended_is_replayed(tmp_path_factory: pytest.TempPathFactory, first: list, second: list) -> None:
    path = tmp_path_factory.mktemp("journal") / "events.jsonl"
    write(path, first)
    write(path, second)
    assert replay(path) == first + second


@given(EVENTS.filter(bool), st.data())
def test_a_cut_anywhere_leaves_a_prefix_and_a_journal_that_goes_on(
    tmp_path_factory: pytest.TempPathFactory, events: list, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("journal") / "events.jsonl"
    write(path, events)
    content = path.read_bytes()
    cut = data.draw(st.integers(0, len(content)))
    path.write_bytes(content[:cut])
    whole = content[:cut].count(b"\n")
    assert [entry.event for entry in read_entries(path)] == events[:whole]
    write(path, events[whole:])
    assert path.read_bytes().count(b"\n") == len(events)
    assert replay(path) == events


def test_reading_goes_on_from_an_offset(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    write(path, [CycleStarted(cycle=c) for c in range(5)])
    third = list(read_entries(path))[2]
    rest = list(read_entries(path, third.end, third.seq + 1))
    assert [entry.seq for entry in rest] == [3, 4]


@pytest.mark.parametrize("broken", [b"{not json}\n", b'{"seq": 1}\n', b'{"seq":1,"ts":"","type":"no","payload":{}}\n'])
def test_a_corrupt_middle_line_is_named(tmp_path: Path, broken: bytes) -> None:
    path = tmp_path / "events.jsonl"
    write(path, [CycleStarted(cycle=c) for c in range(3)])
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + broken + lines[2])
    with pytest.raises(JournalError, match=r"events\.jsonl: event 1 .*is not a journal line"):
        replay(path)


def test_lost_lines_are_noticed(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    write(path, [CycleStarted(cycle=0), CycleFinished(cycle=0), CycleStarted(cycle=1)])
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[2])
    with pytest.raises(JournalError, match="has number 2, expected 1"):
        replay(path)


def test_lines_are_one_json_object_each(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    write(path, [ChainMarked(cycle=1, rule="a\nb", message=" \u2028")])
    assert json.loads(path.read_text())["payload"]["rule"] == "a\nb"
