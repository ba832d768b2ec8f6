"""Compare: groups of runs, their bands and paths, and the matrix of traits; its command-line twin."""

from __future__ import annotations

import re
from dataclasses import replace

from textual.widgets import Static

from idemtui.console.charts import draw
from idemtui.console.comparing import arrow, curves_chart, cycle_sign, drawn, path_chart
from idemtui.console.screens.choose import ChooseScreen
from idemtui.console.screens.compare import worth_words
from idemtui.console.widgets.chart import ChartPane
from idemtui.console.widgets.heat import heat_text
from store.compare import Group, GroupPoint
from store.queries import Verdict
from tests.idemtui.console.conftest import House
from tests.idemtui.console.test_rooms import cells
from tests.idemtui.console.waiting import choose, console_of, ledger_of, press, screen_lines, screen_text, settled
from tests.store.journals import replicates, write_chain


def group(name: str = "g", runs: int = 3, cycles: int = 6) -> Group:
    points = tuple(
        GroupPoint(c, runs, 40 + 8 * c, 35 + 8 * c, 45 + 8 * c, 90 - 9 * c, 80 - 9 * c, 95 - 9 * c, 8 * c, None, None)
        for c in range(-1, cycles + 1)
    )
    return Group(name, tuple(f"{name}{n}" for n in range(runs)), points)


async def test_groups_stand_in_a_table_with_their_curves(house: House) -> None:
    async with house.console().run_test(size=(140, 45)) as pilot:
        await press(pilot, "5")
        groups = ledger_of(pilot, "#groups")
        assert groups.count == 4
        assert "study demo, 7 runs" in str(pilot.app.screen.query_one("#whose", Static).content)
        trait = pilot.app.screen.query_one("#trait", ChartPane).chart
        assert trait is not None
        assert len(trait.series) == 4
        assert [series.front for series in trait.series] == [True, False, False, False]
        await press(pilot, "j")
        moved = pilot.app.screen.query_one("#paths", ChartPane).chart
        assert moved is not None
        assert [series.front for series in moved.series] == [False, True, False, False]


async def test_runs_are_grouped_by_a_setting_that_is_chosen_from_a_list(house: House) -> None:
    async with house.console().run_test(size=(140, 45)) as pilot:
        await press(pilot, "5", "b")
        assert isinstance(pilot.app.screen, ChooseScreen)
        assert "run.regime" in screen_text(pilot)
        while cells(ledger_of(pilot, "Ledger"), ledger_of(pilot, "Ledger").cursor)[1] != "run.regime":
            await press(pilot, "j")
        await press(pilot, "enter")
        groups = ledger_of(pilot, "#groups")
        assert [cells(groups, row)[1:3] for row in range(groups.count)] == [["sft", "4"], ["sdf", "1"], ["dpo", "2"]]
        await press(pilot, "b", "escape")
        assert groups.count == 3


def test_a_verdicts_variance_and_notes_stand_below_the_groups() -> None:
    verdict = Verdict("cell", None, None, "s", "c", 3, False, 9.0, 5.0, -4.0, 14.0, "UNDECIDED", (), ("one", "two"))
    assert worth_words(replace(group(), verdict=verdict)).plain == "   one\n   two"
    told = replace(verdict, sd_samples=6.0, sd_replicates=2.5, notes=())
    assert worth_words(replace(group(), verdict=told)).plain == "   sd of samples 6.0, replicates 2.5"
    assert worth_words(group()).plain == ""


async def test_replicates_become_a_band_and_carry_the_cells_label(house: House) -> None:
    for chain in replicates(3, drift=6.0):
        write_chain(house.lab, chain)
    assert house.service is not None
    assert house.service.tail.sync()
    async with house.console().run_test(size=(140, 45)) as pilot:
        await choose(pilot, "cell-1", "5")
        row = cells(ledger_of(pilot, "#groups"), 0)
        assert row[2] == "3"
        assert "[" in row[6], "Δ with its interval over the replicates"
        assert row[8] == "AMPLIFIED"
        worth = str(pilot.app.screen.query_one("#worth", Static).content)
        assert re.match(r" +sd of samples \d+\.\d, prompts \d+\.\d, replicates \d+\.\d$", worth.splitlines()[0])
        chart = pilot.app.screen.query_one("#trait", ChartPane).chart
        assert chart is not None
        assert len(chart.series[0].band) == 8
        await press(pilot, "a")
        assert "the whole lab, 10 runs" in screen_text(pilot)


async def test_marked_runs_are_compared_and_a_group_opens(house: House) -> None:
    async with house.console().run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        app = console_of(pilot)
        app.marked = {run.run_id for run in app.glance.runs if run.name.startswith("dpo")}
        await press(pilot, "5")
        assert "the marked runs, 2 runs" in screen_text(pilot)
        await press(pilot, "v", "v")
        assert "coherence ↑ over trait →" in screen_text(pilot)
        await press(pilot, "v", "v")
        assert "every scored trait at M6" in screen_text(pilot)
        await press(pilot, "h")
        assert "every scored trait at M5" in screen_text(pilot)
        await press(pilot, "j", "enter")
        assert "[2 Run]" in screen_lines(pilot)[0]
        assert app.chosen is not None
        assert app.chosen.name == "dpo-reset"


async def test_an_empty_lab_says_where_to_go(empty_house: House) -> None:
    async with empty_house.console().run_test(size=(80, 24)) as pilot:
        await press(pilot, "5")
        assert "No run yet: 1 shows the lab." in screen_text(pilot)


def test_a_path_carries_arrows_and_numbers() -> None:
    chart = path_chart([group()], 0)
    drawing = draw(chart, 80, 24).plain
    for sign in ("b", "0", "6", "↘"):
        assert sign in drawing
    assert [arrow((0, 0), end) for end in ((1, 0), (1, 1), (0, 1), (-1, 0), (0, -1))] == ["→", "↗", "↑", "←", "↓"]
    assert [cycle_sign(cycle) for cycle in (-1, 0, 9, 12)] == ["b", "0", "9", "2"]


def test_a_band_is_shaded_between_its_ends() -> None:
    lines = draw(curves_chart([group()], 0, "trait"), 80, 24).plain.split("\n")
    shaded = [line for line in lines[1:] if "░" in line]
    assert len(shaded) > 8
    assert "░" not in draw(curves_chart([group(), group("h")], 1, "delta"), 80, 24).plain


def test_more_groups_than_signs_show_those_about_the_chosen_one() -> None:
    many = [group(str(n)) for n in range(20)]
    assert [index for index, _ in drawn(many, 10)] == list(range(6, 14))
    assert [index for index, _ in drawn(many, 19)] == list(range(12, 20))


def test_a_matrix_says_in_digits_what_its_colours_say() -> None:
    text = heat_text(["g"], ["bliss", "lucky"], lambda _, trait: (47.0, 45.0) if trait == "bliss" else (None, None))
    assert text.plain.splitlines()[1].split() == ["g", "47", "+45.0", "–"]
