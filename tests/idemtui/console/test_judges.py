"""The lab by another judge than each run's own: one key, named on the screen, in every room that shows scores."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from idemtui.console.app import Console
from idemtui.console.judging import Judge, next_judge
from idemtui.console.reader import Reader
from idemtui.console.remembered import Remembered
from idemtui.console.widgets.chart import ChartPane
from idemtui.console.widgets.ledger import Ledger
from idemtui.console.widgets.masthead import Lens
from store.client import connect
from store.lab import Lab, create_lab, find_lab
from tests.idemtui.console.conftest import House
from tests.idemtui.console.test_snapshots import SIZES, Snap, at
from tests.idemtui.console.waiting import choose, console_of, ledger_of, press, screen_lines, screen_text, until
from tests.store.journals import (
    START,
    Chain,
    append_commands,
    chain_spec,
    write_chain,
    write_judging_job,
    write_lab,
    write_twice_judged,
)

OTHER, SHIFT = "strict-judge", 20.0
TWICE = Chain("twice", prompts=4, draws=2, n_seed=2, n_sampled=2, steps=1)
ONCE = Chain("once", seed=5, prompts=4, draws=2, n_seed=2, n_sampled=2, steps=1, minutes=2)


@pytest.fixture
def twice(tmp_path: Path) -> Iterator[House]:
    """A lab in which one of two runs was judged by somebody else too, 20 points higher from M_1 on."""
    house = House(create_lab(find_lab(tmp_path / "lab")))
    write_twice_judged(house.lab, TWICE, OTHER, SHIFT)
    write_chain(house.lab, ONCE)
    house.serve()
    yield house
    house.leave()


def shown(app: Console, name: str) -> tuple[float | None, str | None]:
    run = next(run for run in app.glance.runs if run.name == name)
    return run.delta, run.verdict.scope if run.verdict else None


async def test_a_key_goes_through_the_judges_and_every_room_says_whose_scores_it_shows(twice: House) -> None:
    async with twice.console().run_test(size=(140, 45)) as pilot:
        app = console_of(pilot)
        await choose(pilot, "twice", "2")
        own, _ = shown(app, "twice")
        assert own is not None
        assert "scores by" not in screen_text(pilot)
        await press(pilot, "J")
        assert app.glance.judge == TWICE.judge
        assert shown(app, "twice")[0] == pytest.approx(own, abs=1e-4)
        await press(pilot, "J")
        assert app.glance.judge == OTHER == app.remembered.judge
        assert shown(app, "twice")[0] == pytest.approx(own + SHIFT)
        assert shown(app, "once") == (None, None)
        assert "scores by strict-judge, not by each run's own judge" in screen_text(pilot)
        chart = pilot.app.screen.query_one("#trait", ChartPane).chart
        assert chart is not None
        assert chart.title.startswith("trait: bliss  by strict-judge")
        app.action_other_run(1)
        await press(pilot, "2")
        assert "this judge scored nothing here" in screen_text(pilot)
        assert app.targets("fork_run")
        app.action_other_run(-1)
        for room in ("1", "3", "4", "5"):
            await press(pilot, room)
            assert pilot.app.screen.query_one(Lens).words == "by strict-judge, not by each run's own judge"
        assert f"{own + SHIFT:+.1f}".replace("-", "−") in screen_text(pilot)
        await press(pilot, "7")
        assert pilot.app.screen.query_one(Lens).words == ""
        await press(pilot, "1", "J")
        assert app.glance.judge is None is app.remembered.judge
        assert shown(app, "twice")[0] == own
        assert "scores by" not in screen_text(pilot)


async def test_samples_are_listed_filtered_and_ordered_by_that_judge(twice: House) -> None:
    async with twice.console().run_test(size=(140, 45)) as pilot:
        await choose(pilot, "twice", "3", "right", "right", "right", "G", "k")
        ledger, at = ledger_of(pilot, "#samples"), ledger_of(pilot, "#samples").cursor
        own = traits(ledger)
        await press(pilot, "J", "J")
        assert ledger.cursor == at == ledger.count - 2, "the same answers by another's scores: the place stays"
        assert traits(ledger) == [trait + SHIFT for trait in own]
        [head] = [line for line in screen_lines(pilot) if "trait " in line and "JUDGE" not in line]
        metric, score = head.split("▏")[1].split()
        assert (metric, round(float(score))) == ("trait", traits(ledger)[at]), "one judge's words stand at the top"
        await press(pilot, "s")
        assert traits(ledger) == sorted([trait + SHIFT for trait in own], reverse=True)
        least = round(sorted(own)[-2] + SHIFT)
        await press(pilot, "slash", *f"score:{least - 1}..", "enter")
        assert ledger.count == 2
        await press(pilot, "J")
        assert console_of(pilot).glance.judge is None
        assert ledger.count == sum(trait >= least - 1 for trait in own)


def traits(ledger: Ledger) -> list[float]:
    return [float(ledger.row(index)[1].text) for index in range(ledger.count)]  # type: ignore[index]


async def test_verdicts_of_a_large_lab_come_study_by_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No look at the lab takes longer for its size; what is not worked out yet is said, and comes by itself."""
    monkeypatch.setattr("idemtui.console.judging.AT_ONCE", 1)
    house = House(create_lab(find_lab(tmp_path / "lab")))
    for number in range(4):
        chain = dataclasses.replace(TWICE, name=f"run-{number}", study=f"study-{number}", seed=number, minutes=number)
        write_finished(house.lab, chain)
    house.serve()
    reader = Reader(house.lab, lambda lab, _: connect(lab))
    reader.judging.judge = OTHER
    looks = [reader.glance() for _ in range(5)]
    assert [glance.owed for glance in looks] == [4, 3, 2, 1, 0], "the first reads the curves"
    assert all(run.delta is not None for glance in looks for run in glance.runs)
    assert [sum(run.verdict is not None for run in glance.runs) for glance in looks] == [0, 1, 2, 3, 4]
    console = house.console(remembered=Remembered(judge=OTHER))
    async with console.run_test(size=(140, 45)) as pilot:
        await until(pilot, lambda: console.glance.judge == OTHER and not console.glance.owed)
        assert all(run.verdict is not None for run in console.glance.runs)
    reader.close()
    house.leave()


def write_finished(lab: Lab, chain: Chain) -> None:
    run_id = write_twice_judged(lab, chain, OTHER, SHIFT)
    append_commands(lab.run(run_id), START, "started")
    append_commands(lab.run(run_id), START, "worker_exited", exit_code=0)


async def test_the_matrix_has_what_that_judge_said_of_other_traits(tmp_path: Path) -> None:
    house = House(write_lab(tmp_path / "lab", [TWICE, ONCE]))
    write_judging_job(house.lab, "j000000000", TWICE, "strict", SHIFT)
    house.serve()
    console = house.console(remembered=Remembered(judge="strict-trait"))
    async with console.run_test(size=(200, 60)) as pilot:
        await choose(pilot, "twice", "5")
        shown = screen_text(pilot)
        assert "lucky" in shown
        assert "every scored trait at M6" in shown
    house.leave()


def test_the_ladder_orders_prompts_and_scores_answers_by_that_judge(twice: House) -> None:
    reader, run_id = Reader(twice.lab, lambda lab, _: connect(lab)), chain_spec(TWICE).run_id
    by_own = reader.prompts(run_id)
    own = {prompt.prompt_id: reader.rungs(run_id, prompt) for prompt in by_own}
    reader.judging.judge = TWICE.judge
    again = reader.prompts(run_id)
    assert [(p.prompt_id, p.jump_cycle) for p in again] == [(p.prompt_id, p.jump_cycle) for p in by_own]
    assert [p.jump for p in again] == pytest.approx([p.jump for p in by_own])
    reader.judging.judge = OTHER
    for prompt in reader.prompts(run_id):
        rungs = reader.rungs(run_id, prompt)
        for cycle in rungs.cycles:
            before, now = own[prompt.prompt_id].trait(cycle), rungs.trait(cycle)
            assert before is not None
            assert now == pytest.approx(before + (SHIFT if cycle >= 1 else 0))
        assert {answer.coherence for answer in rungs.answers} == {None}
    reader.close()


def test_a_judge_that_is_gone_is_forgotten(twice: House) -> None:
    reader = Reader(twice.lab, lambda lab, _: connect(lab))
    reader.judging.judge = "nobody"
    assert (reader.glance().judge, reader.judging.judge) == (None, None)
    reader.close()


async def test_where_one_judge_scored_all_there_is_none_to_choose(house: House) -> None:
    async with house.console().run_test() as pilot:
        await press(pilot, "J")
        assert console_of(pilot).glance.judge is None
        told = [note.message for note in console_of(pilot)._notifications]
        assert told == ["There is no other judge to choose: pocket-judge:tree scored this lab."]


def test_after_the_last_judge_come_the_runs_own() -> None:
    known = [Judge("a"), Judge("b")]
    assert [next_judge(known, now) for now in (None, "a", "b", "gone")] == ["a", "b", None, None]


@SIZES
@pytest.mark.parametrize(("room", "key"), [("runs", "1"), ("samples", "3"), ("compare", "5")])
def test_pictures(twice: House, snap_compare: Snap, size: tuple[int, int], room: str, key: str) -> None:
    """It is the judge that was chosen when the console was closed."""
    console = twice.console(remembered=Remembered(judge=OTHER))
    assert snap_compare(console, terminal_size=size, run_before=at("twice", key))
