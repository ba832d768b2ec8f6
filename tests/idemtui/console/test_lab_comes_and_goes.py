"""A console outlives its server, and a lab outlives its consoles."""

from __future__ import annotations

from idemtui.console.widgets.masthead import Banner
from tests.idemtui.console.conftest import House
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
        await press(pilot, "5", "f5")
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
