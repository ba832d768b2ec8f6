"""What people ask of runs: keys to commands, answers to toasts, refusals to one line."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, Static, TextArea

from engine.errors import UsageError
from idemtui.console.lab_facts import Interrupted
from idemtui.console.screens.confirm import ConfirmScreen
from idemtui.console.screens.fork import ForkScreen
from idemtui.console.screens.interrupted import InterruptedScreen, happened
from tests.idemtui.console.conftest import House
from tests.idemtui.console.states import IDS, interrupted, troubled_status
from tests.idemtui.console.waiting import choose, console_of, press, screen_text, settled, until


def toasts(pilot: Pilot[None]) -> list[str]:
    return [notice.message for notice in console_of(pilot)._notifications]


async def test_pausing_and_resuming_is_one_key(troubled: House) -> None:
    troubled.answers["pause"] = {"answer": "pausing", "when": "after the batch under way (M2), in about 3 s"}
    async with troubled.console().run_test() as pilot:
        await choose(pilot, "sft-silent", "r")
        await choose(pilot, "sft-paused", "r")
        assert troubled.commands == [
            ("pause", {"run_id": IDS["sft-silent"]}),
            ("resume", {"run_id": IDS["sft-paused"], "secrets": {}}),
        ]
        assert toasts(pilot)[0] == "sft-silent: pausing, after the batch under way (M2), in about 3 s"


async def test_only_a_failed_run_is_retried(troubled: House) -> None:
    async with troubled.console().run_test() as pilot:
        for name in ("sft-reset", "sft-paused", "sft-killed"):
            await choose(pilot, name, "R")
        assert troubled.commands == [("retry", {"run_id": IDS["sft-killed"], "secrets": {}})]


async def test_priorities_count_from_what_the_run_has(troubled: House) -> None:
    async with troubled.console().run_test() as pilot:
        await choose(pilot, "sft-waiting", "plus", "minus")
        assert [fields["priority"] for _, fields in troubled.commands] == [3, 1]


async def test_a_refusal_is_one_line(troubled: House) -> None:
    troubled.answers["cancel"] = UsageError("sft-silent ended just now; nothing to cancel.")
    async with troubled.console().run_test() as pilot:
        await choose(pilot, "sft-silent", "c")
        assert isinstance(pilot.app.screen, ConfirmScreen)
        await press(pilot, "y")
        assert toasts(pilot) == ["sft-silent ended just now; nothing to cancel."]


async def test_what_was_interrupted_is_asked_about_once(troubled: House) -> None:
    troubled.status = troubled_status(interrupted=interrupted("sft-killed", "sft-silent"))
    async with troubled.console(live=True).run_test() as pilot:
        await settled(pilot)
        assert isinstance(pilot.app.screen, InterruptedScreen)
        assert "2 runs were interrupted" in screen_text(pilot)
        assert "the machine was restarted" in screen_text(pilot)
        await press(pilot, "escape")
        assert troubled.commands == []
        assert "2 interrupted: I chooses" in screen_text(pilot)
        app = console_of(pilot)
        troubled.status = troubled_status(interrupted=interrupted("sft-killed"))
        await until(pilot, lambda: app.server and len(app.server.interrupted) == 1, "the server was asked again")
        assert not isinstance(pilot.app.screen, InterruptedScreen)


async def test_what_is_interrupted_later_only_stands_on_the_strip(troubled: House) -> None:
    async with troubled.console(live=True).run_test() as pilot:
        await settled(pilot)
        troubled.status = troubled_status(interrupted=interrupted("sft-killed"))
        await until(pilot, lambda: "1 interrupted: I chooses" in screen_text(pilot), "the strip says so")
        assert not isinstance(pilot.app.screen, InterruptedScreen)


def test_a_reason_that_all_share_is_said_once() -> None:
    two = [Interrupted(name, name, "interrupted: the machine was restarted") for name in "ab"]
    assert happened(two) == "2 runs were interrupted: the machine was restarted. What is done is kept."
    assert happened([two[0], Interrupted("c", "c", "no room")]) == "2 runs were interrupted. What is done is kept."
    assert happened(two[:1]).startswith("1 run was interrupted: the machine")


async def test_interrupted_runs_go_on_all_or_some(troubled: House) -> None:
    troubled.status = troubled_status(interrupted=interrupted("sft-killed", "sft-silent"))
    async with troubled.console().run_test() as pilot:
        await press(pilot, "space", "enter")
        assert [fields["run_id"] for _, fields in troubled.commands] == [IDS["sft-silent"]]
        troubled.answers["resume"] = UsageError("it is running already.")
        await press(pilot, "I", "a")
        assert [fields["run_id"] for _, fields in troubled.commands[1:]] == [IDS["sft-killed"], IDS["sft-silent"]]
        assert toasts(pilot)[-1] == "sft-killed: it is running already.\nsft-silent: it is running already."


async def test_a_fork_is_proposed_from_the_generation_under_the_cursor(troubled: House) -> None:
    async with troubled.console().run_test() as pilot:
        await choose(pilot, "sft-reset", "2", "v", "j", "j", "f")
        assert pilot.app.screen.query_one("#cycle", Input).value == "2"
        assert "run.cycles" not in pilot.app.screen.query_one("#changes", TextArea).text


async def test_a_fork_starts_at_the_newest_generation_with_other_settings(troubled: House) -> None:
    troubled.answers["submit"] = {"runs": [{"run_id": "f", "name": "warmer-2", "answer": "queued"}]}
    async with troubled.console().run_test() as pilot:
        await choose(pilot, "sft-reset", "f")
        dialog = pilot.app.screen
        assert isinstance(dialog, ForkScreen)
        assert dialog.query_one("#cycle", Input).value == "6"
        assert "run.cycles = 11" in dialog.query_one("#changes", TextArea).text
        dialog.query_one("#cycle", Input).value = "3"
        dialog.query_one("#changes", TextArea).text = "sample.temperature = 1.1"
        await press(pilot, "f5")
        assert not isinstance(pilot.app.screen, ForkScreen), str(dialog.query_one("#refusal", Static).content)
        [(name, fields)] = troubled.commands
        [spec] = fields["specs"]
        assert name == "submit"
        assert (spec["parent_run_id"], spec["forked_at_cycle"]) == (IDS["sft-reset"], 3)
        assert spec["sample"]["temperature"] == 1.1
        assert toasts(pilot) == ["warmer-2: queued (from sft-reset at M3)"]


async def test_marked_runs_are_forked_together_at_one_cycle_and_those_that_lack_it_are_named(troubled: House) -> None:
    queued = [{"run_id": name, "name": f"{name}-2", "answer": "queued"} for name in ("sft-reset", "sft-paused")]
    troubled.answers["submit"] = {"runs": queued}
    async with troubled.console().run_test() as pilot:
        await settled(pilot)
        console_of(pilot).marked = {IDS[name] for name in ("sft-reset", "sft-paused", "sft-killed", "sft-waiting")}
        await press(pilot, "f")
        dialog = pilot.app.screen
        assert dialog.query_one("#cycle", Input).value == "1", "the newest that all have"
        assert "Fork each of 4 runs" in screen_text(pilot)
        dialog.query_one("#changes", TextArea).text = "sample.temperature = 1.1"
        dialog.query_one("#cycle", Input).value = "2"
        await press(pilot, "f5")
        [(_, fields)] = troubled.commands
        assert [(spec["parent_run_id"], spec["forked_at_cycle"]) for spec in fields["specs"]] == [
            (IDS["sft-reset"], 2),
            (IDS["sft-paused"], 2),
        ]
        assert {spec["sample"]["temperature"] for spec in fields["specs"]} == {1.1}
        assert toasts(pilot)[-1].splitlines() == [
            "sft-reset-2: queued",
            "sft-paused-2: queued (from 2 runs at M2)",
            "sft-killed: not forked, it has no M2; its newest is M1.",
            "sft-waiting: not forked, it has nothing to fork from yet.",
        ]


async def test_what_is_wrong_with_one_of_several_forks_leaves_all_unqueued(troubled: House) -> None:
    async with troubled.console().run_test() as pilot:
        await settled(pilot)
        console_of(pilot).marked = {IDS[name] for name in ("sft-reset", "sft-paused")}
        await press(pilot, "f")
        dialog = pilot.app.screen
        for cycle, changes, said in (("2", "run.colour = 3", "run.colour"), ("9", "", "not forked, it has no M9")):
            dialog.query_one("#cycle", Input).value = cycle
            dialog.query_one("#changes", TextArea).text = changes
            await press(pilot, "f5")
            assert said in str(dialog.query_one("#refusal", Static).content)
        assert troubled.commands == []


@pytest.mark.parametrize(
    ("cycle", "changes", "said"),
    [
        ("3", "run.regime = dpo", "not TOML"),
        ("", "", "is no generation"),
        ("3", "run.colour = 3", "run.colour"),
        ("99", "run.seed = 9", "99"),
    ],
)
async def test_what_a_fork_may_not_be_is_said_in_place(troubled: House, cycle: str, changes: str, said: str) -> None:
    async with troubled.console().run_test() as pilot:
        await choose(pilot, "sft-reset", "f")
        dialog = pilot.app.screen
        dialog.query_one("#cycle", Input).value = cycle
        dialog.query_one("#changes", TextArea).text = changes
        await press(pilot, "f5")
        assert pilot.app.screen is dialog
        assert said in str(dialog.query_one("#refusal", Static).content)
        await press(pilot, "escape")
        assert troubled.commands == []
