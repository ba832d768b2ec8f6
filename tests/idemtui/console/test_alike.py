"""Runs of the same name from two studies: every room says which is which, and takes the one that was chosen."""

from __future__ import annotations

from dataclasses import replace

from idemtui.console.facts import Glance
from idemtui.console.run_rows import columns_of, names_of
from idemtui.console.screens.run import headline
from idemtui.console.standing import standing
from idemtui.console.widgets.columns import fit
from idemtui.listing import Entry, View, arrange
from tests.idemtui.console.conftest import House
from tests.idemtui.console.test_parts import run
from tests.idemtui.console.test_rooms import cells, words
from tests.idemtui.console.waiting import console_of, ledger_of, press, screen_text
from tests.store.journals import Chain, write_chain

OTHER = Chain("dpo-continual", trait=(2, 11, 12, 13, 14, 15, 16, 17), study="a-second-look", seed=7, minutes=20)
FIRST = run("long-name-of-a-run-s1", study="demo")
SECOND = replace(FIRST, run_id="second", study="a-study-that-was-made-with-fewer-samples")


def titles(runs: tuple[Entry, ...], width: int) -> dict[str, int]:
    return {fitted.column.title: fitted.width for fitted in fit(columns_of(runs), width)}


def test_the_study_stays_in_sight_where_nothing_else_tells_runs_apart() -> None:
    assert "study" not in titles((Entry(FIRST),), 77)
    narrow = titles((Entry(FIRST), Entry(SECOND)), 77)
    assert "study" in narrow
    assert "left" not in narrow
    told = names_of((Entry(FIRST), Entry(SECOND))).studies
    assert len({told.told(one.study, narrow["study"]) for one in (FIRST, SECOND)}) == 2


def test_headings_that_name_the_studies_leave_the_room_to_others() -> None:
    lines = arrange(Glance((FIRST, SECOND)), View(by="study"))
    assert "left" in {fitted.column.title for fitted in fit(columns_of(lines), 77)}


def test_names_are_whole_where_there_is_room_and_no_wider() -> None:
    wide = titles((Entry(FIRST), Entry(SECOND)), 197)
    assert wide["run"] == len(FIRST.name)
    assert wide["study"] == len(SECOND.study)
    assert wide["trait"] == len("trait") == len(FIRST.trait)


def test_a_run_is_called_by_its_study_only_where_its_name_does_not_do() -> None:
    both = Glance((FIRST, SECOND))
    assert Glance((FIRST,)).called(FIRST.run_id) == FIRST.name
    assert both.called(FIRST.run_id) == f"{FIRST.name} · demo"
    assert both.called("gone") == "gone"
    assert " · demo  " in standing(FIRST, both, None).plain
    assert " · demo  " in headline(FIRST, both, None).plain


async def test_samples_of_the_whole_lab_say_whose_they_are_where_room_is_little(house: House) -> None:
    write_chain(house.lab, OTHER)
    assert house.service is not None
    assert house.service.tail.sync(60.0)
    async with house.console().run_test(size=(140, 45)) as pilot:
        await press(pilot, "3", "a")
        names = console_of(pilot).glance.names
        told = {name: names.told(name, 12) for name in names.names}
        assert len(set(told.values())) == len(told) == len(console_of(pilot).glance.runs)
        assert names.told("job", 12) == "job"
        shown = screen_text(pilot)
        assert any(word in shown for word in told.values())


async def test_the_other_run_of_the_ladder_is_the_one_under_the_cursor(house: House) -> None:
    write_chain(house.lab, OTHER)
    assert house.service is not None
    assert house.service.tail.sync(60.0)
    async with house.console().run_test(size=(140, 45)) as pilot:
        await press(pilot, "4", "o")
        ledger = ledger_of(pilot, "Ledger")
        assert [cells(ledger, row)[1] for row in range(ledger.count)].count(OTHER.name) == 2
        await press(pilot, "G", "enter", "l", "l")
        head = words(pilot.app.screen, "#right-head")
        assert f"{OTHER.name} · {OTHER.study}" in head
        assert float(head.split(" s ")[1].split()[0]) < 20, "the first of that name has about 45 there"
        await press(pilot, "o")
        ledger = ledger_of(pilot, "Ledger")
        assert ledger.cursor == ledger.count - 1


async def test_a_name_of_two_runs_is_cancelled_by_its_study(house: House) -> None:
    write_chain(house.lab, replace(OTHER, status="running"))
    assert house.service is not None
    assert house.service.tail.sync(60.0)
    async with house.console().run_test(size=(140, 45)) as pilot:
        await press(pilot, "1", "G", "c")
        assert f"Cancel {OTHER.name} · {OTHER.study}?" in screen_text(pilot)
