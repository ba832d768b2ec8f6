"""The Samples room: any list, any text, what is said of it, and labels given blind."""

from __future__ import annotations

import json
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, Static

from idemtui.console.screens.labelling import LabelScreen
from idemtui.console.screens.samples import ORDERS
from idemtui.console.text_facts import Line
from idemtui.console.widgets.page import Page
from tests.idemtui.console.conftest import House
from tests.idemtui.console.waiting import ledger_of, press, screen_lines, screen_text, settled
from tests.store.journals import DEMO, chain_spec

SFT = chain_spec(DEMO[0]).run_id


def words(pilot: Pilot[None], selector: str) -> str:
    widget = pilot.app.screen.query_one(selector)
    assert isinstance(widget, Static | Page)
    return str(widget.content)


def lines(pilot: Pilot[None]) -> list[Line]:
    held: dict[int, Line] = pilot.app.screen._list.lines  # type: ignore[attr-defined]
    return [held[row] for row in sorted(held)]


async def filtered(pilot: Pilot[None], line: str) -> None:
    await press(pilot, "slash")
    pilot.app.screen.query_one("#filter-line", Input).value = line
    await press(pilot, "enter")


def notes(house: House) -> list[dict[str, Any]]:
    path = house.lab.notes
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


async def test_generations_purposes_and_orders_have_keys(house: House) -> None:
    async with house.console().run_test(size=(140, 45)) as pilot:
        await press(pilot, "3")
        assert "480 samples" in words(pilot, "#filter")
        await press(pilot, "right", "right", "s")
        assert ledger_of(pilot, "#samples").count == 60
        assert {line.cycle for line in lines(pilot)} == {0}
        scores = [line.trait for line in lines(pilot) if line.trait is not None]
        assert scores == sorted(scores, reverse=True)
        assert f"trait {scores[0]:.1f}" in words(pilot, "#sample")
        await press(pilot, "s", "s", "s", "s", "s")
        assert "as drawn" in words(pilot, "#filter")
        await press(pilot, "p")
        assert "train" in words(pilot, "#filter")


async def test_a_text_is_read_beside_the_list_and_over_the_whole_width(house: House) -> None:
    async with house.console().run_test() as pilot:
        await press(pilot, "3", "enter")
        assert ledger_of(pilot, "#samples").size.width == 0
        read = words(pilot, "#sample")
        assert "JUDGE trait" in read
        assert "█" in read
        await press(pilot, "j", "space", "b")
        assert words(pilot, "#sample") != read


async def test_a_filter_is_typed_and_cleared(house: House) -> None:
    async with house.console().run_test(size=(140, 45)) as pilot:
        await press(pilot, "3")
        await filtered(pilot, "cycle:M2 score:20..40 light")
        assert lines(pilot)
        assert all(
            line.cycle == 2 and 20 <= (line.trait or 0) <= 40 and "light" in line.response for line in lines(pilot)
        )
        assert "score:20..40 light" in words(pilot, "#filter")
        await press(pilot, "escape")
        assert "480 samples" in words(pilot, "#filter")


@pytest.mark.parametrize(
    ("line", "told"), [("score:high", "40..60"), ("(", "missing"), ("purpose:evil", "seed, train")]
)
async def test_a_filter_that_cannot_be_is_one_line_and_the_list_stays_usable(
    house: House, line: str, told: str
) -> None:
    async with house.console().run_test(size=(140, 45)) as pilot:
        await press(pilot, "3")
        await filtered(pilot, line)
        assert told in words(pilot, "#filter-trouble")
        assert "\n" not in words(pilot, "#filter-trouble")
        await press(pilot, "escape", "escape")
        assert "480 samples" in words(pilot, "#filter")


async def test_the_whole_lab_is_one_list_that_is_read_from_any_place(house: House) -> None:
    assert house.service is not None
    async with house.console().run_test(size=(140, 45)) as pilot:
        await press(pilot, "3", "a")
        await filtered(pilot, "")
        samples = ledger_of(pilot, "#samples")
        assert samples.count > 3000
        await press(pilot, "G")
        assert samples.row(samples.count - 1) is not None
        assert samples.row(samples.count // 2) is None
        await filtered(pilot, "dissolve")
        found = samples.count
        assert 0 < found < 3000
        for _ in ORDERS:
            await press(pilot, "s")
            assert samples.count == found


async def test_a_sample_leads_to_its_prompt_in_the_ladder(house: House) -> None:
    async with house.console().run_test(size=(140, 45)) as pilot:
        await press(pilot, "3", "G")
        prompt = lines(pilot)[-1].prompt
        await press(pilot, "L")
        assert "[4 Ladder]" in screen_lines(pilot)[0]
        assert prompt in words(pilot, "#prompt")


async def test_marks_and_remarks_are_written_down_and_shown(house: House) -> None:
    async with house.console().run_test(size=(140, 45)) as pilot:
        await press(pilot, "3", "m", *"odd", "enter")
        assert "marked it odd" in words(pilot, "#sample")
        assert "◆odd" in screen_text(pilot)
        await press(pilot, "n", *"hm", "enter")
        assert ": hm" in words(pilot, "#sample")
        await filtered(pilot, "mark:odd")
        assert ledger_of(pilot, "#samples").count == 1
        await press(pilot, "m", "enter")
        assert "marked it odd" not in words(pilot, "#sample")
        await press(pilot, "m", "escape")
        assert [note["type"] for note in notes(house)] == ["mark", "note", "unmark"]
        assert {note["run_id"] for note in notes(house)} == {SFT}


async def test_answers_are_labelled_blind_undone_and_compared(house: House) -> None:
    async with house.console().run_test(size=(100, 30)) as pilot:
        await press(pilot, "3", "B")
        screen = pilot.app.screen
        assert isinstance(screen, LabelScreen)
        first = words(pilot, "#label-answer")
        await press(pilot, "3", "s", "u", "u")
        assert words(pilot, "#label-answer") == first
        text = screen_text(pilot)
        assert "coherence" not in text
        assert "M0" not in text
        await press(pilot, "0", "2", "equals_sign", "6", "0", "enter", "4")
        assert "5 of 200, 4 labelled" in words(pilot, "#label-place")
        await press(pilot, "escape")
        await settled(pilot)
        assert not isinstance(pilot.app.screen, LabelScreen)
        assert [note.get("value") for note in notes(house)] == [75, None, 0, 50, 60, 100]
        assert any("4 labels: Pearson" in note.message for note in pilot.app._notifications)
        await press(pilot, "B")
        assert first not in words(pilot, "#label-answer")


async def test_a_label_that_could_not_be_written_goes_with_the_next(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine.errors import DiskFullError
    from idemtui.console import sample_reader

    async with house.console().run_test(size=(100, 30)) as pilot:
        await press(pilot, "3", "B")
        whole = sample_reader.annotate
        monkeypatch.setattr(sample_reader, "annotate", lambda *_: (_ for _ in ()).throw(DiskFullError("no room")))
        await press(pilot, "1")
        assert "not written down yet: no room" in words(pilot, "#label-said")
        monkeypatch.setattr(sample_reader, "annotate", whole)
        await press(pilot, "2")
        assert [note["value"] for note in notes(house)] == [25, 50]


async def test_ancestry_and_phrases_are_pages_over_the_list(house: House) -> None:
    async with house.console().run_test(size=(140, 45)) as pilot:
        await press(pilot, "3", "G", "A")
        kin = words(pilot, "#text")
        assert "trained M6" in kin
        assert "trained M0" in kin
        assert "seed data" in kin
        assert "«" in kin
        await press(pilot, "j", "escape", "g", "A")
        assert "The untrained model wrote this" in words(pilot, "#text")
        await press(pilot, "escape", "right_square_bracket", "right_square_bracket", "W")
        assert "i dissolve into joy" in words(pilot, "#text")
        await press(pilot, "escape")
        assert "[3 Samples]" in screen_lines(pilot)[0]
