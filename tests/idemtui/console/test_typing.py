"""Keys that come faster than the console works: each acts where the one before it led, and nothing typed is lost."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from idemtui.console import launching
from idemtui.console.app import Console
from idemtui.console.screens import launch as launch_room
from idemtui.console.screens.confirm import ConfirmScreen
from tests.idemtui.console.conftest import House
from tests.idemtui.console.test_launch import launch, value_of
from tests.idemtui.console.waiting import console_of, ledger_of, press, screen_text, send, settled, until

LONG = "a-name-of-thirty-characters-42"


def notices(pilot: Pilot[None]) -> list[str]:
    return [notice.message for notice in pilot.app._notifications]


class Slow:
    """A resolver that answers in the order, and when, it is told to."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, threading.Event]] = []
        self.over = False

    def end(self) -> None:
        """Answer all that was asked and will be."""
        self.over = True
        for _, go in self.asked:
            go.set()

    def resolve(self, lab: Any, text: str, reader: Any) -> launching.StudyResolved:
        go = threading.Event()
        self.asked.append((text, go))
        assert self.over or go.wait(60)
        return launching.resolve(lab, text, reader)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[Slow]:
    slow = Slow()
    monkeypatch.setattr(launch_room, "resolve", slow.resolve)
    yield slow
    slow.end()


async def test_a_field_gets_all_that_is_typed_at_once_from_another_room(house: House) -> None:
    async with house.console().run_test(size=(140, 45)) as pilot:
        await settled(pilot)
        send(pilot, "7", "enter", LONG, "tab", "3", "tab", "[]", "enter", "jj", "enter", "pocket/base", "escape", "k")
        await settled(pilot)
        assert value_of(pilot, "study.name") == (LONG, "study")
        assert value_of(pilot, "study.replicates") == ("3", "study")
        assert value_of(pilot, "study.controls") == ("[]", "study")
        assert value_of(pilot, "run.model") == ("pocket/instruct", "study")
        assert f'name = "{LONG}"' in console_of(pilot).remembered.draft
        assert f" {LONG}  3 runs" in screen_text(pilot)
        assert house.commands == []


async def test_answers_that_come_late_change_nothing_that_is_typed(house: House, slow: Slow) -> None:
    async with house.console().run_test(size=(140, 45)) as pilot:
        send(pilot, "7", "enter", "first", "enter", "enter")
        await until(pilot, lambda: len(slow.asked) >= 2)
        field = launch(pilot).query_one("#field", Input)
        await until(pilot, lambda: field.has_focus and field.value == '"first"')
        send(pilot, "second")
        await until(pilot, lambda: field.value == "second")
        for _, go in slow.asked:
            go.set()
        await settled(pilot)
        assert (field.value, field.has_focus) == ("second", True)
        assert " first  4 runs" in screen_text(pilot)
        send(pilot, "-and-third", "enter")
        await until(pilot, lambda: "second-and-third" in slow.asked[-1][0])
        slow.asked[-1][1].set()
        await settled(pilot)
        assert value_of(pilot, "study.name") == ("second-and-third", "study")


async def test_an_answer_about_a_text_of_before_is_dropped(house: House, slow: Slow) -> None:
    async with house.console().run_test(size=(140, 45)) as pilot:
        send(pilot, "7", "enter", "newer", "enter")
        await until(pilot, lambda: any("newer" in text for text, _ in slow.asked))
        screen = launch(pilot)
        old = launching.resolve(house.lab, slow.asked[0][0], console_of(pilot).reader)
        screen.post_message(old)
        await pilot.pause()
        assert "my-study" not in screen_text(pilot)
        slow.asked[-1][1].set()
        await settled(pilot)
        assert " newer  4 runs" in screen_text(pilot)


async def test_what_is_queued_is_what_was_typed_last(house: House, slow: Slow) -> None:
    house.answers["submit"] = {"runs": [{"run_id": "x", "name": "x", "answer": "queued"}]}
    async with house.console().run_test(size=(140, 45)) as pilot:
        send(pilot, "7", "enter", "typed-last", "f5")
        await until(pilot, lambda: any("typed-last" in text for text, _ in slow.asked))
        await pilot.pause()
        assert not isinstance(pilot.app.screen, ConfirmScreen)
        slow.end()
        await until(pilot, lambda: isinstance(pilot.app.screen, ConfirmScreen))
        assert "Queue typed-last?" in screen_text(pilot)
        await press(pilot, "y")
        await until(pilot, lambda: house.commands)
        assert {spec["study"] for spec in house.commands[0][1]["specs"]} == {"typed-last"}


async def test_who_clicks_elsewhere_keeps_what_was_typed(house: House) -> None:
    async with house.console().run_test(size=(140, 45)) as pilot:
        await press(pilot, "7", "enter")
        send(pilot, "clicked")
        await settled(pilot)
        await pilot.click("#grid", offset=(5, 1))
        await settled(pilot)
        assert value_of(pilot, "study.name") == ("clicked", "study")
        await pilot.click("#field")
        send(pilot, "ctrl+k", "again", "enter")
        await settled(pilot)
        assert value_of(pilot, "study.name")[0].endswith("again")


async def test_a_file_that_is_no_toml_keeps_the_field_and_what_stands_in_it(house: House) -> None:
    console = house.console()
    console.remembered.draft = "[study\n"
    async with console.run_test(size=(140, 45)) as pilot:
        send(pilot, "7", "enter", "typed", "enter")
        await settled(pilot)
        field = launch(pilot).query_one("#field", Input)
        assert (field.value, field.has_focus) == ("typed", True)
        assert any("Mend it in the TOML first" in line for line in notices(pilot))


async def test_a_word_for_a_page_that_only_opens_is_not_a_command_of_the_room(house: House) -> None:
    async with house.console().run_test(size=(140, 45)) as pilot:
        await press(pilot, "3")
        send(pilot, "m", "odd", "enter")
        await until(pilot, lambda: notices(pilot) == ["marked odd"])


async def test_keys_are_not_kept_for_ever_behind_one_that_never_ends(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("idemtui.console.key_order.PATIENCE_SECONDS", 0.01)
    async with house.console().run_test(size=(140, 45)) as pilot:
        await settled(pilot)
        over = asyncio.Event()
        pilot.app.screen.call_later(over.wait)
        send(pilot, "jj")
        await until_quiet(console_of(pilot))
        assert ledger_of(pilot, "#runs").cursor == 0
        over.set()
        await settled(pilot)
        assert ledger_of(pilot, "#runs").cursor == 2


async def until_quiet(console: Console) -> None:
    """The pilot's own waiting waits for every widget."""
    while not console.key_order.busy:
        await asyncio.sleep(0)
    while console.key_order.busy:
        await asyncio.sleep(0)
