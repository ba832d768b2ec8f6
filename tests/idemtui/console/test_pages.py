"""Pages over a room, and lists: their keys come from the registry, stand in help, and are in the palette."""

from __future__ import annotations

import importlib
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
from textual.screen import ModalScreen

from idemtui import console
from idemtui.console.action import PAGES, Page
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


PAGES_OVER_ROOMS: list[tuple[Callable[[], Dialog[Any]], Page]] = [
    (lambda: ConfirmScreen("?"), "question"),
    (lambda: ChooseScreen("?", [("a", ""), ("b", "")], "a"), "choice"),
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
