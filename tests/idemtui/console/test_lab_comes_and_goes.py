"""A console outlives its server, and a lab outlives its consoles."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import cast

import pytest
from textual.message import Message

from idemtui.console.app import Console
from idemtui.console.facts import Glance, Pulse
from idemtui.console.feed import Feed, Pace
from idemtui.console.lab_facts import Server, server_of
from idemtui.console.messages import GlanceRead, LabFound, ServerRead
from idemtui.console.reader import Reader
from idemtui.console.widgets.masthead import Banner
from store.client import Client, connect
from store.lab import Lab
from tests.idemtui.console.conftest import SOON, House
from tests.idemtui.console.served import status
from tests.idemtui.console.waiting import console_of, ledger_of, press, screen_text, settled, until


async def test_a_lost_server_is_a_line_and_a_new_one_takes_it_away(house: House) -> None:
    async with house.console(live=True).run_test() as pilot:
        app = console_of(pilot)
        await settled(pilot)
        house.leave()
        await until(pilot, lambda: app.trouble, "the loss was noticed")
        banner = pilot.app.screen.query_one(Banner)
        assert banner.display
        assert "no lab server answers" in banner.reason
        await press(pilot, "j")
        assert ledger_of(pilot, "#runs").cursor == 1
        house.serve()
        await until(pilot, lambda: not app.trouble, "the server was found")
        assert not banner.display


async def test_without_a_server_the_file_itself_is_read(house: House) -> None:
    house.leave()
    async with house.console().run_test() as pilot:
        await settled(pilot)
        app = console_of(pilot)
        assert app.trouble
        await press(pilot, "6", "f5")
        assert ledger_of(pilot, "#rows").count > 5


async def test_closing_and_opening_again_shows_the_same(house: House) -> None:
    seen = []
    for _ in range(2):
        async with house.console().run_test() as pilot:
            await settled(pilot)
            seen.append(screen_text(pilot))
            await pilot.press("q")
    assert seen[0] == seen[1]
    assert house.commands == []


async def test_a_server_that_hangs_is_named_and_nothing_else_hangs(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_go = threading.Event()
    changes = Client.changes

    def hang(client: Client, since: int = -1, *, wait: float = 0.0) -> object:
        let_go.wait(30)
        return changes(client, since, wait=wait)

    pace = Pace(poll=SOON, status=SOON, quiet=SOON, retry=SOON, patience=SOON)
    async with Console(house.lab, connect=lambda lab, _: connect(lab), pace=pace).run_test() as pilot:
        app = console_of(pilot)
        await settled(pilot)
        monkeypatch.setattr(Client, "changes", hang)
        await until(pilot, lambda: "has not answered" in app.trouble, "the silence was noticed")
        await press(pilot, "j", "2")
        assert "[2 Run]" in screen_text(pilot)
        let_go.set()
        await until(pilot, lambda: not app.trouble, "the answer came")


class QuietReader:
    """A lab in which nothing happens but time."""

    def __init__(self) -> None:
        self.asked = 0

    def pulse(self, _: int, __: float) -> Pulse:
        self.asked += 1
        return Pulse(7)

    def glance(self) -> Glance:
        return Glance(())

    def server(self) -> Server:
        disk = {"free_bytes": 10**11 + self.asked, "reserve_bytes": 0, "low": False}
        return server_of(status(idle_seconds=float(self.asked), disk=disk), "0.1.0")


async def test_a_quiet_lab_is_posted_once() -> None:
    reader, posts = QuietReader(), list[Message]()
    feed = Feed(cast("Reader", reader), posts.append, Pace(poll=0.0, status=0.0, quiet=0.0))
    running = asyncio.ensure_future(feed.run())
    while reader.asked < 20:
        await asyncio.sleep(0)
    running.cancel()
    assert [type(message) for message in posts] == [GlanceRead, ServerRead, LabFound]


async def test_what_connecting_repaired_is_a_toast(house: House) -> None:
    def repaired(lab: Lab, notice: Callable[[str], object]) -> Client:
        notice("cleared a dead socket")
        return connect(lab)

    async with Console(house.lab, connect=repaired).run_test() as pilot:
        await settled(pilot)
        await until(pilot, lambda: [n.message for n in console_of(pilot)._notifications] == ["cleared a dead socket"])


async def test_a_server_of_another_version_is_named_on_every_screen(house: House) -> None:
    house.status = status(version="0.0.1")
    async with house.console().run_test() as pilot:
        for key in "1234":
            await press(pilot, key)
            assert "The server is idemtui 0.0.1" in screen_text(pilot)
