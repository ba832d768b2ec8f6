"""Pictures of Runs, Run, Ladder and Compare in the states that `test_snapshots.py` does not show."""

from __future__ import annotations

import pytest

from tests.idemtui.console.conftest import House
from tests.idemtui.console.test_snapshots import SIZES, SMALL, Snap, after, at
from tests.store.journals import Chain, write_chain

COMPARE = {
    "paths": ("5", "j", "j", "v", "v"),
    "matrix": ("5", "v", "v", "v", "v"),
    "group_by": ("5", "b"),
}

MEASURED = Chain(
    "measured", "dpo", "previous", coherence=(97, 96, 90, 78, 61, 42, 30, 22), likelihoods=True, minutes=30
)
RUN = {
    "trainings": ("j", "j", "2", "v"),
    "sentences": ("j", "j", "2", "v", "v", "v"),
}
LADDER = {
    "sides": ("4", "v", "l", "l"),
    "other_run": ("4", "o", "j", "j", "enter", "l"),
}
RUNS = {
    "cells": ("b", "b", "j"),
    "folded": ("b", "b", "z"),
    "filtered": ("slash", "d", "p", "o", "enter"),
    "nothing": ("slash", "z", "z", "enter"),
    "marked": ("t", "space", "space"),
    "sort": ("s",),
}


@SIZES
def test_compare(house: House, snap_compare: Snap, size: tuple[int, int]) -> None:
    assert snap_compare(house.console(), terminal_size=size, run_before=after("5"))


@SIZES
@pytest.mark.parametrize("state", COMPARE)
def test_compare_states(house: House, snap_compare: Snap, size: tuple[int, int], state: str) -> None:
    assert snap_compare(house.console(), terminal_size=size, run_before=after(*COMPARE[state]))


@SIZES
@pytest.mark.parametrize("state", RUNS)
def test_runs_states(house: House, snap_compare: Snap, size: tuple[int, int], state: str) -> None:
    assert snap_compare(house.console(), terminal_size=size, run_before=after(*RUNS[state]))


@SIZES
@pytest.mark.parametrize("state", RUN)
def test_run_states(house: House, snap_compare: Snap, size: tuple[int, int], state: str) -> None:
    assert snap_compare(house.console(), terminal_size=size, run_before=after(*RUN[state]))


@SIZES
def test_measured(house: House, snap_compare: Snap, size: tuple[int, int]) -> None:
    write_chain(house.lab, MEASURED)
    assert house.served().tail.sync()
    keys = ("2", *"vvvv") if size == SMALL else ("2",)
    assert snap_compare(house.console(), terminal_size=size, run_before=at(MEASURED.name, *keys))


@SIZES
@pytest.mark.parametrize("state", LADDER)
def test_ladder_states(house: House, snap_compare: Snap, size: tuple[int, int], state: str) -> None:
    assert snap_compare(house.console(), terminal_size=size, run_before=after(*LADDER[state]))
