"""Pages over a room, and lists: their keys come from the registry, stand in help, and are in the palette."""

from __future__ import annotations

import importlib
import json
import pkgutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from rich.console import Console as Printer
from textual.actions import parse
from textual.app import App
from textual.binding import Binding
from textual.command import DiscoveryHit
from textual.dom import DOMNode
from textual.pilot import Pilot
from textual.screen import ModalScreen

from idemtui import console
from idemtui.console.action import PAGES, ROOMS, Page
from idemtui.console.actions import ACTIONS, actions
from idemtui.console.app import Console
from idemtui.console.lab_facts import Interrupted
from idemtui.console.palette import ConsoleCommands
from idemtui.console.screens.choose import ChooseScreen
from idemtui.console.screens.confirm import ConfirmScreen
from idemtui.console.screens.dialog import Dialog
from idemtui.console.screens.help import help_text, keys_of
from idemtui.console.screens.interrupted import InterruptedScreen
from idemtui.console.screens.naming import NamingScreen
from idemtui.console.screens.queries import Entry, QueriesScreen
from idemtui.console.screens.record import RecordScreen
from idemtui.console.screens.say import SayScreen
from tests.idemtui.console.conftest import House
from tests.idemtui.console.waiting import press, screen_lines, settled


def bound_in_the_console() -> list[tuple[type[DOMNode], Binding]]:
    """Every binding that a class of ours states, modules of all rooms imported."""
    for module in pkgutil.walk_packages(console.__path__, f"{console.__name__}."):
        importlib.import_module(module.name)

    def below(kind: type[DOMNode]) -> Iterator[type[DOMNode]]:
        for one in kind.__subclasses__():
            yield from (one, *below(one))

    ours = [kind for kind in dict.fromkeys(below(DOMNode)) if kind.__module__.startswith("idemtui.")]
    stated = [(kind, binding) for kind in ours for binding in kind.__dict__.get("BINDINGS", ())]
    assert {kind for kind in ours if issubclass(kind, ModalScreen)} <= {kind for kind, _ in stated} | {Dialog}
    assert all(isinstance(binding, Binding) for _, binding in stated)
    return [(kind, binding) for kind, binding in stated if isinstance(binding, Binding)]


def test_every_binding_of_every_screen_and_list_is_in_the_registry_and_in_help() -> None:
    registry = {action.id: action for action in ACTIONS}
    assert len(registry) == len(ACTIONS)
    page = Printer(width=200)
    with page.capture() as captured:
        page.print(help_text({}, names=True))
    told = captured.get()
    for kind, binding in bound_in_the_console():
        action = registry[binding.id or ""]
        assert (binding.key, binding.action) == (action.keys, action.name), (kind, binding)
        name = parse(action.name)[1]
        assert hasattr(kind, f"action_{name}") or hasattr(Console, f"action_{name}"), (kind, name)
        line = next(line for line in told.splitlines() if line.rstrip().endswith(f" {action.id}"))
        assert keys_of(action) in line
    for title in PAGES.values():
        assert f"\n{title}" in told


def test_help_names_keys_as_they_stand_on_the_keyboard() -> None:
    shown = {key for action in ACTIONS for key in keys_of(action).split()}
    words = {key for key in shown if len(key) > 2 and not key.startswith("^") and not key[0].isupper()}
    assert not {key for key in words if not key.startswith("⇧")}


async def test_help_begins_with_the_room_it_was_asked_in(house: House) -> None:
    async with house.console().run_test() as pilot:
        await press(pilot, "5", "question_mark")
        headings = [line.strip(" │") for line in screen_lines(pilot)[1:] if line.strip(" │") in ROOMS.values()]
        assert headings[0] == "5 Compare"


PAGES_OVER_ROOMS: list[tuple[Callable[[], Dialog[Any]], Page]] = [
    (lambda: ConfirmScreen("?"), "question"),
    (lambda: ChooseScreen("?", [("a", ""), ("b", "")], 0), "choice"),
    (lambda: SayScreen("?", "a", 10), "line"),
    (lambda: NamingScreen("?", "a", lambda typed: typed), "line"),
    (lambda: QueriesScreen("?", [Entry("a", "b", "c")]), "statements"),
    (lambda: RecordScreen(["a"], [1]), "reading"),
    (lambda: InterruptedScreen([Interrupted("a", "b", "c")]), "interrupted"),
]


@pytest.mark.parametrize(("opened", "page"), PAGES_OVER_ROOMS)
async def test_the_palette_offers_what_a_page_can_do_and_all_of_it_runs(
    opened: Callable[[], Dialog[Any]], page: Page
) -> None:
    async with App[None]().run_test() as pilot:
        for at, action in enumerate(actions(page)):
            await pilot.app.push_screen(opened())
            screen = pilot.app.screen
            hits = [hit async for hit in ConsoleCommands(screen).discover() if isinstance(hit, DiscoveryHit)]
            assert [str(hit.text).split(": ")[1] for hit in hits] == [action.label for action in actions(page)]
            assert await hits[at].command(), action
            await pilot.pause()
            while len(pilot.app.screen_stack) > 1:
                await pilot.app.pop_screen()


async def run_from_palette(pilot: Pilot[None], page: Page) -> list[tuple[str, Dialog[Any]]]:
    """Every entry that the palette has over this page, one after the other; a page that an entry closed is reopened."""
    run = []
    for at, action in enumerate(actions(page)):
        screen = pilot.app.screen
        if not isinstance(screen, Dialog):
            await press(pilot, OPENS[page])
            screen = pilot.app.screen
        assert isinstance(screen, Dialog)
        assert page == screen.PAGE
        hits = [hit async for hit in ConsoleCommands(screen).discover() if isinstance(hit, DiscoveryHit)]
        assert str(hits[at].text).split(": ")[1] == action.label
        assert await hits[at].command(), action
        await settled(pilot)
        run.append((action.label, screen))
    return run


OPENS: dict[Page, str] = {"fork": "f", "label": "B"}


async def test_everything_that_the_palette_offers_over_a_fork_runs(house: House) -> None:
    house.answers["submit"] = {"runs": [{"run_id": "f", "name": "a fork", "answer": "queued"}]}
    async with house.console().run_test(size=(140, 45)) as pilot:
        await press(pilot, "1")
        run = await run_from_palette(pilot, "fork")
        assert [label for label, _ in run] == ["Fork", "Not now"]
        assert not any(page.is_current for _, page in run)
        assert [name for name, _ in house.commands] == ["submit"], "the one queues, the other does not"


async def test_everything_that_the_palette_offers_over_blind_labelling_runs(house: House) -> None:
    async with house.console().run_test(size=(140, 45)) as pilot:
        await press(pilot, "3", "B")
        page = pilot.app.screen
        run = await run_from_palette(pilot, "label")
        assert [label for label, _ in run] == [action.label for action in actions("label")]
        assert {screen for _, screen in run} == {page}, "no entry but the last closes it"
        assert page.is_current, "End closed the line for points; once more it ends"
        hits = [hit async for hit in ConsoleCommands(page).discover() if isinstance(hit, DiscoveryHit)]
        assert await hits[-1].command()
        await settled(pilot)
        assert not page.is_current
        assert any("labelled" in note.message for note in pilot.app._notifications)
    said = [json.loads(line) for line in house.lab.notes.read_text().splitlines()]
    assert [note.get("value") for note in said] == [0, 25, 50, 75, 100]
