"""The ladder: all generations under each other, prompts by their jumps, other runs beside, sides that scroll as one."""

from __future__ import annotations

from itertools import pairwise

from idemtui.console.screens.choose import ChooseScreen
from idemtui.console.widgets.prose import ladder_text
from idemtui.worddiff import word_diff
from store.texts import Rung
from tests.idemtui.console.conftest import House
from tests.idemtui.console.test_rooms import cells, words
from tests.idemtui.console.waiting import choose, console_of, ledger_of, press, screen_text


async def test_all_generations_stand_under_each_other_with_their_differences(house: House) -> None:
    async with house.console().run_test(size=(140, 45)) as pilot:
        await press(pilot, "4")
        text = words(pilot.app.screen, "#answers")
        heads = [line for line in text.splitlines() if line.startswith(" ") and "coherence" in line]
        assert [head.split()[0] for head in heads] == ["base", "M0", "M1", "M2", "M3", "M4", "M5", "M6"]
        assert "(" not in heads[0]
        assert all("(" in head for head in heads[1:]), "how far each rung is from the one before"
        assert "[-" in text
        assert "{+" in text
        await press(pilot, "full_stop")
        assert words(pilot.app.screen, "#answers") != text


async def test_prompts_come_by_their_largest_jump_and_a_live_lab_leaves_the_prompt(house: House) -> None:
    async with house.console().run_test(size=(140, 45)) as pilot:
        await press(pilot, "4")
        jumps = []
        for _ in range(12):
            line = words(pilot.app.screen, "#prompt")
            jumps.append(abs(float(line.split("jumped ")[1].split()[0].replace("−", "-"))))
            await press(pilot, "j")
        assert all(a >= b for a, b in pairwise(jumps))
        await press(pilot, "j", "j")
        line = words(pilot.app.screen, "#prompt")
        assert "prompt 3/12" in line
        console_of(pilot)._show_lab()
        await press(pilot)
        assert words(pilot.app.screen, "#prompt") == line


async def test_another_run_stands_on_the_right_side(house: House) -> None:
    async with house.console().run_test(size=(140, 45)) as pilot:
        await press(pilot, "4", "o")
        assert isinstance(pilot.app.screen, ChooseScreen)
        while cells(ledger_of(pilot, "Ledger"), ledger_of(pilot, "Ledger").cursor)[1] != "dpo-continual":
            await press(pilot, "j")
        await press(pilot, "enter", "l", "l")
        assert "dpo-continual" in words(pilot.app.screen, "#right-head")
        assert "M2" in words(pilot.app.screen, "#right-head")
        before = words(pilot.app.screen, "#right-text")
        await press(pilot, "j")
        assert words(pilot.app.screen, "#right-text") != before
        await press(pilot, "o", "g", "enter")
        assert "dpo-continual" not in words(pilot.app.screen, "#right-head")
        await press(pilot, "o", "G", "enter", "right_square_bracket")
        assert "sft-queued" not in words(pilot.app.screen, "#right-head"), "another run begins anew"


async def test_both_sides_scroll_as_one(house: House) -> None:
    async with house.console().run_test(size=(50, 11)) as pilot:
        await press(pilot, "4", "v")
        columns = [pilot.app.screen.query_one(f"#{side}-scroll") for side in ("left", "right")]
        assert any(column.max_scroll_y for column in columns), "the texts are longer than the screen"
        await press(pilot, "pagedown")
        offset = max(column.scroll_y for column in columns)
        assert offset > 0
        assert [column.scroll_y for column in columns] == [min(offset, column.max_scroll_y) for column in columns]
        await press(pilot, "pageup")
        assert [column.scroll_y for column in columns] == [0, 0]


async def test_a_run_without_answers_says_what_comes_first(house: House) -> None:
    async with house.console().run_test() as pilot:
        await choose(pilot, "sft-queued", "4")
        assert "sft-queued: no answers yet; base is measured first" in screen_text(pilot)
        await press(pilot, "v", "right", "full_stop", "j", "pagedown")


def test_differences_are_marked_without_colour() -> None:
    def rung(cycle: int, response: str, trait: float | None) -> Rung:
        return Rung("r", cycle, "p", 0, f"s{cycle}", "why?", response, trait, 90.0)

    rungs = [rung(-1, "a plain lamp", 2.0), rung(0, "a shining lamp", 40.0), rung(1, "", None)]
    old = ["a plain lamp", "a plain lamp", "a shining lamp"]
    text = ladder_text([(r, word_diff(before, r.response)) for r, before in zip(rungs, old, strict=True)])
    lines = text.plain.splitlines()
    assert lines[0] == " base   s 2.0  coherence 90.0  draw 0"
    assert lines[1] == "a plain lamp"
    assert lines[3] == " M0   s 40.0 (+38.0)  coherence 90.0  draw 0"
    assert lines[4] == "a [-plain-]{+shining+} lamp"
    assert lines[7] == "(empty)"
