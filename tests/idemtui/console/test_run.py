"""One run: its controls beside its curve, its lineage as a picture, its trainings and its sentences."""

from __future__ import annotations

import dataclasses
import re

from textual.widgets import Static

from idemtui.console.charts import draw
from idemtui.console.facts import Adapter, Glance
from idemtui.console.family import family, tree
from idemtui.console.run_charts import beside_chart, beside_words
from idemtui.console.run_reader import run_detail
from idemtui.console.run_tables import log_cells, measure_cells
from idemtui.console.widgets.chart import ChartPane
from store.controls import Beside
from store.statistics.nullband import NullBand
from tests.idemtui.console.conftest import House
from tests.idemtui.console.states import IDS
from tests.idemtui.console.test_parts import CURVE, run
from tests.idemtui.console.test_pictures import MEASURED
from tests.idemtui.console.waiting import choose, console_of, press, screen_lines, screen_text
from tests.store.journals import Chain, chain_spec, write_chain

MEASURED_ID = chain_spec(MEASURED).run_id

CONTROLS = (
    Chain("no-seed", "dpo", "previous", trait=(2, 3, 4, 3, 5, 6, 4, 5), control="no-seed", minutes=20),
    Chain("resample", "dpo", "previous", trait=(2, 22, 25, 20, 18, 24, 26, 21), control="resample-only", minutes=21),
    Chain("seed-only", "dpo", "previous", trait=(2, 22, 30, 14, 28, 18, 24, 25), control="seed-only", minutes=22),
)


def adapter(cycle: int, init: str, **more: str) -> Adapter:
    return Adapter(cycle, init, "–", 12, 1.5, 2.0, "abc", **more)


async def test_the_null_band_and_the_no_seed_curve_stand_beside_the_chain(house: House) -> None:
    for chain in CONTROLS:
        write_chain(house.lab, chain)
    assert house.service is not None
    assert house.service.tail.sync()
    async with house.console().run_test(size=(140, 45)) as pilot:
        await choose(pilot, "dpo-continual", "2")
        text = screen_text(pilot)
        assert "null band of Δ [−" in text
        assert "from 12 Δ of controls" in text
        chart = pilot.app.screen.query_one("#trait", ChartPane).chart
        assert chart is not None
        assert [series.name for series in chart.series] == ["dpo-continual", "null band", "no-seed"]
        assert "░ null band" in text
        for title in ("loss", "rewards/margins", "grad_norm", "words a sentence"):
            assert title in text
        await choose(pilot, "sft-reset")
        text = screen_text(pilot)
        assert "no null band: neither resample-only nor seed-only has a Δ" in text
        assert "rewards/margins" not in text


async def test_the_picture_says_what_started_where(house: House) -> None:
    async with house.console().run_test(size=(80, 24)) as pilot:
        await choose(pilot, "dpo-continual", "2")
        picture = str(pilot.app.screen.query_one("#family", Static).content).splitlines()
        assert picture[0] == "M_init ─── M0 ─── M1 ─── M2 ─── M3 ─── M4 ─── M5 ─── M6"
        assert "reference  M_init at M0, then the model before" in picture
        assert "rejected   drawn from M_init" in picture
        await choose(pilot, "sft-queued")
        assert "nothing trained yet" in screen_text(pilot)
        await press(pilot, "v", "v", "v")
        assert "words a sentence" in screen_text(pilot)


def test_trees_branch_where_trainings_start_anew() -> None:
    reset = [adapter(cycle, "M_init") for cycle in range(3)]
    assert tree(reset) == ["M_init ─┬─ M0", "        ├─ M1", "        └─ M2"]
    restart = [adapter(0, "M_init"), adapter(1, "M_0"), adapter(2, "M_init"), adapter(3, "M_2", made_by="other")]
    assert tree(restart) == ["M_init ─┬─ M0 ─── M1", "        └─ M2 ─── M3←"]
    nested = [adapter(0, "M_init"), adapter(1, "M_0"), adapter(2, "M_0"), adapter(3, "M_init")]
    assert tree(nested) == ["M_init ─┬─ M0 ─┬─ M1", "        │      └─ M2", "        └─ M3"]
    many = tree([adapter(cycle, "M_init") for cycle in range(20)])
    assert many == ["M_init ─┬─ M0", "        ├─ M1", "        ├─ … 17 more, each anew", "        └─ M19"]


def test_forks_are_named_on_both_sides() -> None:
    parent = run("one", CURVE)
    fork = dataclasses.replace(run("two", CURVE), parent_run_id="one", forked_at_cycle=3)
    lab = Glance((parent, fork))
    assert family(parent, [], lab)[-1] == "forked     into two at M3"
    assert family(fork, [], lab)[-1] == "fork of    one at M3; ← is the parent's"


def test_a_band_is_drawn_around_the_seeded_score_and_said_in_figures() -> None:
    one = run(points=CURVE)
    beside = Beside("one", 30.0, NullBand(-12.0, 14.0, 24), (), ())
    drawing = draw(beside_chart([one], one, beside), 80, 24).plain
    assert drawing.count("░") > 100
    assert beside_words(beside) == "null band of Δ [−12.0, +14.0] from 24 Δ of controls"
    assert beside_words(Beside("one", None, NullBand(None, None, 0, ("none",)), (), ("none",))) == "none"
    assert beside_words(None) == ""
    assert draw(beside_chart([one], one, None), 80, 24).plain.count("░") == 0


async def test_a_generations_measures_stand_beside_its_scores_and_their_intervals(house: House) -> None:
    write_chain(house.lab, MEASURED)
    assert house.served().tail.sync()
    async with house.console().run_test(size=(200, 60)) as pilot:
        await choose(pilot, MEASURED.name, "2")
        [titles] = [line for line in screen_lines(pilot) if "coherence [90 %]" in line]
        for title in ("gen", "s [90 %]", "ppl", "in blocks", "KL", "KL/answer", "nll", "dist1", "dist3", "w/sent"):
            assert title in titles
        assert "tokens/s" in titles
        newest = measure_cells(console_of(pilot).chosen or run(), run_detail(console_of(pilot).reader, MEASURED_ID))[-1]
        texts = [cell.text for cell in newest]
        assert texts[0] == "M6"
        assert re.fullmatch(r"[\d.]+ \[[\d.]+, [\d.]+\]", texts[2])
        assert " ".join(texts[2].split()) in screen_text(pilot)
        chart = pilot.app.screen.query_one("#coherence", ChartPane).chart
        assert chart is not None
        assert len(chart.series[0].intervals) == 8
        draws = [row for row in screen_lines(pilot) if "draw rejected" in row]
        assert re.search(r"draw rejected +cpu +7\.0 +4,320 +617 ", draws[0])


async def test_one_panel_takes_all_the_height_and_the_log_is_read_to_the_end_of_its_lines(troubled: House) -> None:
    log = troubled.lab.run(IDS["sft-killed"]) / "worker.log"
    log.write_text("".join(f"step {step}\n" for step in range(60)) + f"RuntimeError: {'far ' * 50}away\n")
    async with troubled.console().run_test(size=(80, 24)) as pilot:
        await choose(pilot, "sft-killed", "2", "V", "V")
        assert "step 50" not in screen_text(pilot)
        assert "away" in screen_text(pilot)
        await press(pilot, "enter")
        text = screen_text(pilot)
        assert "step 50" in text
        assert "away" in text
        assert "coherence" not in text.splitlines()[4]
        await press(pilot, "enter")
        assert "step 50" not in screen_text(pilot)
        await press(pilot, "v", "v", "w")
        assert "step 50" in screen_text(pilot)
        await press(pilot, "w")
        assert "step 50" not in screen_text(pilot)


def test_a_log_is_broken_where_its_panel_ends_and_shows_nothing_that_a_terminal_obeys() -> None:
    assert [row[0].text for row in log_cells((), 20)] == ["nothing was printed"]
    rows = log_cells(["a" * 50, "\x1b[31mred\x1b[0m", "", "  indented", "漢" * 15], 20)
    assert [row[0].text for row in rows] == ["a" * 20, "a" * 20, "a" * 10, "red", "", "  indented", "漢" * 10, "漢" * 5]
