"""One registry behind keys, footer, palette and help."""

from __future__ import annotations

import pytest
from textual.binding import Binding
from textual.command import DiscoveryHit

from idemtui.console.action import PAGES, ROOMS
from idemtui.console.actions import ACTIONS, actions
from idemtui.console.app import Console
from idemtui.console.palette import ConsoleCommands
from idemtui.console.screens.help import HelpScreen, keys_of
from idemtui.console.screens.room import Room
from idemtui.console.widgets.footer import KeyFooter
from tests.idemtui.console.conftest import House
from tests.idemtui.console.waiting import press, screen_lines, screen_text, settled


def test_keys_are_given_once_per_room_and_page() -> None:
    for place in (*ROOMS, *PAGES):
        found = actions(place) if place in PAGES else actions("everywhere", place)
        keys = [key for action in found for key in action.keys.split(",")]
        assert len(keys) == len(set(keys)), place


def test_every_action_says_in_a_sentence_what_it_does() -> None:
    for action in ACTIONS:
        assert action.sentence[0].isupper()
        assert action.sentence.endswith(".")
        assert keys_of(action)


def test_the_app_binds_what_the_registry_says() -> None:
    bound = {binding.action for binding in Console.BINDINGS if isinstance(binding, Binding)}
    assert bound == {action.name for action in actions("everywhere")}


@pytest.mark.parametrize("room", [room for room in ROOMS if room != "everywhere"])
async def test_every_palette_entry_of_a_room_runs(house: House, room: str) -> None:
    async with house.console().run_test() as pilot:
        await settled(pilot)
        pilot.app.action_room(room)  # type: ignore[attr-defined]
        await settled(pilot)
        screen = pilot.app.screen
        assert isinstance(screen, Room)
        names = {action.name for action in actions(screen.ROOM)} - {"demo"}
        hits = [hit async for hit in ConsoleCommands(screen).discover()]
        own = [hit for hit in hits if isinstance(hit, DiscoveryHit) and ": " in str(hit.text)]
        assert len(own) == len(names) > 1
        for hit in own:
            assert await hit.command()
            await settled(pilot)
        assert pilot.app.is_running


@pytest.mark.parametrize("width", [50, 80, 140])
async def test_the_footer_cuts_no_word_and_keeps_the_way_to_all_keys(house: House, width: int) -> None:
    async with house.console().run_test(size=(width, 24)) as pilot:
        await settled(pilot)
        keys, line = pilot.app.screen.query_one(KeyFooter).keys, screen_lines(pilot)[-1].rstrip()
        whole = [key for key in keys if f"{key.shown} {key.label}" in line]
        assert len(whole) > 2
        assert line.endswith("? Help")
        left = line
        for key in whole:
            left = left.replace(f"{key.shown} {key.label}", "", 1)
        assert not left.strip()


async def test_a_key_in_the_footer_can_be_clicked(house: House) -> None:
    async with house.console().run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.click(KeyFooter, offset=(screen_lines(pilot)[-1].index("? Help") + 2, 0))
        await settled(pilot)
        assert isinstance(pilot.app.screen, HelpScreen)


async def test_the_palette_finds_an_action_by_its_sentence(house: House) -> None:
    async with house.console().run_test() as pilot:
        await press(pilot, "ctrl+p", *"prompt", "enter")
        assert "[4 Ladder]" in screen_text(pilot)
