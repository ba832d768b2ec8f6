"""What a person brings along and leaves behind: settings, keys, the place where they were, and being told of ends."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import UsageError
from idemtui.console.actions import ACTIONS
from idemtui.console.app import Console
from idemtui.console.endings import ended, ending_words, signal
from idemtui.console.facts import Glance
from idemtui.console.remembered import Remembered, recall, remember
from idemtui.console.settings import Settings, read_settings
from store.client import connect
from tests.idemtui.console.conftest import House
from tests.idemtui.console.test_parts import run
from tests.idemtui.console.waiting import console_of, press, screen_lines, screen_text, settled, until
from tests.store.journals import Chain, append_events, chain_events, write_chain


def test_actions_have_names_of_their_own() -> None:
    assert len({action.id for action in ACTIONS}) == len(ACTIONS)


def test_without_a_file_the_defaults_hold(tmp_path: Path) -> None:
    assert read_settings(tmp_path / "console.toml") == Settings()


def test_a_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "console.toml"
    file.write_text('theme = "ansi-dark"\nwhen_a_run_ends = []\n[keys]\n"runs.overlay" = "x, f12"\n')
    assert read_settings(file) == Settings("ansi-dark", (), {"runs.overlay": "x,f12"})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("theme = 3", "theme = 3"),
        ("colour = 'red'", "'colour' is not known"),
        ("when_a_run_ends = ['gong']", "allowed: bell, osc9, osc777"),
        ("when_a_run_ends = 'bell'", "allowed: a list"),
        ("[keys]\n'runs.overlai' = 'x'", "did you mean runs.overlay"),
        ("[keys]\n'runs.overlay' = ''", "allowed: one key or several"),
        ("[keys]\n'runs.overlay' = 'q'", 'key "q" means both everywhere.quit and runs.overlay'),
        ("keys = 3", "allowed: a section [keys]"),
        ("theme =", "not TOML"),
    ],
)
def test_what_is_wrong_in_it_is_one_line_with_the_file(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "console.toml"
    file.write_text(text)
    with pytest.raises(UsageError) as caught:
        read_settings(file)
    assert str(caught.value).startswith(str(file))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


async def test_remapped_keys_work_and_stand_in_the_help(house: House) -> None:
    settings = Settings(keys={"everywhere.ladder": "x", "everywhere.help": "f1"})
    console = Console(house.lab, connect=lambda lab, _: connect(lab), settings=settings)
    async with console.run_test(size=(140, 40)) as pilot:
        await press(pilot, "4")
        assert "[1 Runs]" in screen_lines(pilot)[0]
        await press(pilot, "x")
        assert "[4 Ladder]" in screen_lines(pilot)[0]
        await press(pilot, "f1")
        assert "everywhere.ladder" in screen_text(pilot)
        assert " x " in next(line for line in screen_lines(pilot) if "everywhere.ladder" in line)


def test_a_place_is_kept_per_lab(tmp_path: Path) -> None:
    file = tmp_path / "state" / "console.json"
    here = Remembered("samples", "abc", "trait", "ansi-dark")
    remember(file, tmp_path / "one", here)
    remember(file, tmp_path / "two", Remembered())
    assert recall(file, tmp_path / "one") == here
    assert recall(file, tmp_path / "three") == Remembered()


@given(st.text() | st.just('{"/lab": {"room": "cellar", "order": "random"}}') | st.just('{"/lab": {"x": 1}}'))
def test_a_broken_memory_is_no_memory(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    file = tmp_path_factory.mktemp("state") / "console.json"
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    assert recall(file, Path("/lab")) == Remembered()


async def test_a_console_begins_where_the_last_one_ended(house: House) -> None:
    remembered = Remembered()
    for keys in (("j", "j", "3", "s"), ()):
        console = Console(house.lab, connect=lambda lab, _: connect(lab), remembered=remembered)
        async with console.run_test() as pilot:
            await press(pilot, *keys)
            assert "[3 Samples]" in screen_lines(pilot)[0]
            assert "dpo-continual" in screen_text(pilot)
            assert "by trait" in screen_text(pilot)


def test_runs_that_a_worker_had_and_has_no_more_have_ended() -> None:
    before = Glance((run("a"), run("b"), run("c", status="queued"), run("d")))
    now = Glance((run("a", status="finished"), run("b"), run("c", status="cancelled"), run("e", status="finished")))
    assert [one.run_id for one in ended(before, now)] == ["a"]


def test_ends_in_words_and_signals() -> None:
    failed = run("a", status="failed", message="no room; \x1b[2J")
    assert ending_words([failed]) == "a failed: no room;"
    many = [run(str(n), status="finished") for n in range(5)]
    assert ending_words(many) == "5 runs ended: 0, 1, 2 and 2 more"
    assert signal("bell", [failed], {}) == "\a"
    assert signal("osc9", [failed], {}) == "\x1b]9;a failed: no room,\a"
    assert signal("osc777", [failed], {"TMUX": "x"}).startswith("\x1bPtmux;\x1b\x1b]777;notify;idemtui;a failed")


async def test_an_end_is_said_on_the_screen(house: House) -> None:
    chain = Chain("live", status="running", done=5, minutes=40)
    folder = house.lab.run(write_chain(house.lab, chain))
    assert house.service is not None
    house.service.tail.sync()
    async with house.console(live=True).run_test() as pilot:
        await settled(pilot)
        known = len((folder / "events.jsonl").read_bytes().splitlines())
        append_events(folder, list(chain_events(Chain("live", minutes=40)))[known:])
        house.service.tail.sync()
        notices = console_of(pilot)._notifications
        await until(pilot, lambda: any(n.message.startswith("live finished") for n in notices), "it was said")
