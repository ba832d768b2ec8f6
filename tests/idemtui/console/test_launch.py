"""Launch: from an empty form, a file or a run to queued runs."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, TextArea

from engine.errors import UsageError
from idemtui.console import launching
from idemtui.console.screens.launch import LaunchScreen
from idemtui.launch.study_text import BLANK
from tests.idemtui.console.conftest import House
from tests.idemtui.console.waiting import choose, console_of, ledger_of, press, screen_text, settled, until


async def set_value(pilot: Pilot[None], key: str, typed: str) -> None:
    screen = launch(pilot)
    assert screen._draft.found
    at = next(at for at, line in enumerate(screen._draft.found.lines) if line.meaning.key == key)
    ledger_of(pilot, "#settings").cursor = at
    await press(pilot, "enter")
    screen.query_one("#field", Input).value = typed
    await press(pilot, "enter")


def launch(pilot: Pilot[None]) -> LaunchScreen:
    assert isinstance(pilot.app.screen, LaunchScreen)
    return pilot.app.screen


def value_of(pilot: Pilot[None], key: str) -> tuple[str, str]:
    found = launch(pilot)._draft.found
    assert found
    line = next(line for line in found.lines if line.meaning.key == key)
    return line.value, line.origin


async def test_a_study_is_put_together_and_queued(house: House) -> None:
    house.answers["submit"] = {"runs": [{"run_id": "x", "name": "x", "answer": "queued"}]}
    async with house.console().run_test(size=(140, 45)) as pilot:
        await press(pilot, "7")
        await set_value(pilot, "study.controls", "[]")
        await set_value(pilot, "run.seed", "1, 2, 3")
        assert "3 runs" in screen_text(pilot)
        assert ledger_of(pilot, "#grid").count == 3
        assert "time" in screen_text(pilot)
        await press(pilot, "f5")
        assert "Queue my-study?" in screen_text(pilot)
        await press(pilot, "n")
        assert house.commands == []
        await press(pilot, "f5", "y")
        await until(pilot, lambda: house.commands)
        name, asked = house.commands[0]
        assert name == "submit"
        assert [spec["run"]["seed"] for spec in asked["specs"]] == [1, 2, 3]
        assert "[1 Runs]" in screen_text(pilot)


async def test_a_wrong_value_is_said_at_its_field_and_nothing_is_queued(house: House) -> None:
    async with house.console().run_test(size=(140, 45)) as pilot:
        await press(pilot, "7")
        await set_value(pilot, "run.n_seed", "4000")
        lines = [line for line in screen_text(pilot).split("\n") if "✗" in line]
        assert any("allowed: 1…240" in line for line in lines)
        assert any("run.n_seed" in line and "4000" in line for line in lines)
        await press(pilot, "f5")
        assert isinstance(pilot.app.screen, LaunchScreen)
        await press(pilot, "x")
        assert "✗" not in screen_text(pilot)
        assert value_of(pilot, "run.n_seed") == ("50", "recipe")


async def test_form_and_file_are_one(house: House) -> None:
    async with house.console().run_test(size=(80, 24)) as pilot:
        await press(pilot, "7")
        await set_value(pilot, "run.regime", "dpo")
        await press(pilot, "t")
        editor = launch(pilot).query_one("#toml", TextArea)
        assert 'regime = "dpo"' in editor.text
        assert editor.text.startswith(BLANK.split("\n")[0])
        editor.text = editor.text.replace('"dpo"', '"sdf"').replace("pocket/instruct", "pocket/base")
        await until(pilot, lambda: value_of(pilot, "run.regime") == ("sdf", "study"))
        await press(pilot, "escape")
        assert value_of(pilot, "run.kind") == ("base", "default")
        assert console_of(pilot).remembered.draft == editor.text


async def test_a_study_starts_from_a_run(house: House) -> None:
    async with house.console().run_test(size=(140, 45)) as pilot:
        await settled(pilot)
        run = console_of(pilot).glance.runs[0]
        await choose(pilot, run.name, "7", "u")
        assert value_of(pilot, "study.name") == (f"{run.study}-next", "study")
        assert run.run_id in launch(pilot)._draft.text


async def test_a_draft_is_there_again(house: House) -> None:
    console = house.console()
    console.remembered.draft = BLANK.replace("my-study", "half-done")
    async with console.run_test() as pilot:
        await press(pilot, "7")
        assert "half-done" in screen_text(pilot)
        await press(pilot, "N")
        assert "my-study" in screen_text(pilot)


async def test_a_refusal_of_the_server_is_said_and_the_draft_stays(house: House) -> None:
    house.answers["submit"] = UsageError("no room for more runs.")
    async with house.console().run_test(size=(140, 45)) as pilot:
        await press(pilot, "7", "f5", "y")
        await until(
            pilot, lambda: [notice.message for notice in pilot.app._notifications] == ["no room for more runs."]
        )
        assert isinstance(pilot.app.screen, LaunchScreen)
        assert console_of(pilot).remembered.draft == BLANK


async def test_the_hub_is_asked_of_a_model_once_and_again_by_a_key(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr("idemtui.preflight.models.hub_trouble", lambda name: asked.append(name))
    launching.forget_models()
    async with house.console().run_test(size=(140, 45)) as pilot:
        await press(pilot, "7")
        await set_value(pilot, "run.model", "an-owner/a-model")
        await set_value(pilot, "run.seed", "7")
        await set_value(pilot, "run.seed", "8")
        assert asked == ["an-owner/a-model"]
        assert "the hub gives it" in screen_text(pilot) or "an-owner/a-model" in screen_text(pilot)
        await press(pilot, "a")
        assert asked == ["an-owner/a-model"] * 2


async def test_every_panel_comes_in_turn(house: House) -> None:
    async with house.console().run_test(size=(80, 40)) as pilot:
        await press(pilot, "7", "v")
        assert "run id" in screen_text(pilot)
        await press(pilot, "v")
        assert "What it would cost" in screen_text(pilot)
        assert "Assumed:" in screen_text(pilot)
        await press(pilot, "V", "V")
        assert "setting" in screen_text(pilot)
