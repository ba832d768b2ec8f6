"""One picture per screen state, at the smallest terminal that is supported and at a large one.

Update them with `pytest tests/idemtui/console --snapshot-update` and look at each before committing it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from textual.pilot import Pilot

from idemtui.console import statements
from idemtui.preflight import check
from idemtui.preflight.facts import Machine
from tests.idemtui.console.conftest import House
from tests.idemtui.console.states import interrupted, troubled_status
from tests.idemtui.console.waiting import choose, press, settled

SMALL, LARGE = (80, 24), (140, 45)
SIZES = pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "140x45"])
Snap = Callable[..., bool]


MACHINE = Machine(120_000_000_000, 256_000_000, 16_000_000_000, "memory", "cpu", 2, 1)


@pytest.fixture(autouse=True)
def stopped_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """In pictures queries take no time, and every machine is the same."""
    monkeypatch.setattr(statements, "monotonic", lambda: 0.0)
    monkeypatch.setattr(check, "machine_of", lambda lab, status: MACHINE)


def after(*keys: str) -> Callable[[Pilot[None]], Awaitable[None]]:
    async def run_before(pilot: Pilot[None]) -> None:
        await press(pilot, *keys)
        await settled(pilot)

    return run_before


def at(name: str, *keys: str) -> Callable[[Pilot[None]], Awaitable[None]]:
    async def run_before(pilot: Pilot[None]) -> None:
        await choose(pilot, name, *keys)
        await settled(pilot)

    return run_before


@SIZES
@pytest.mark.parametrize(
    ("state", "keys"),
    [
        ("runs", ()),
        ("run", ("2",)),
        ("samples", ("3", "j")),
        ("ladder", ("4", "j")),
        ("sql", ("6", "f2", *"length", "enter", "f5")),
        ("launch", ("7",)),
    ],
)
def test_rooms(house: House, snap_compare: Snap, size: tuple[int, int], state: str, keys: tuple[str, ...]) -> None:
    assert snap_compare(house.console(), terminal_size=size, run_before=after(*keys))


@SIZES
@pytest.mark.parametrize(
    ("state", "keys"),
    [
        ("one_run", ("j", "j", "o")),
        ("losses", ("j", "j", "2", "v", "v")),
        ("events", ("2", *"vvvvvv")),
        ("settings", ("2", "V")),
        ("reading", ("3", "right", "right", "s", "enter")),
        ("sql_saved", ("6", "f2", *"jump")),
        ("sql_plot", ("6", "f5", "f8")),
        ("sql_row", ("6", "f5", "escape", "enter")),
        ("sql_tables", ("6", "f4", "enter")),
        ("launch_wrong", ("7", "j", "enter", *"00", "enter")),
        ("launch_costs", ("7", "v", "v")),
        ("launch_toml", ("7", "t")),
        ("launch_queue", ("7", "f5")),
        ("sql_refused", ("6", "x", "f5")),
        ("help", ("question_mark",)),
        ("palette", ("ctrl+p",)),
        ("cancel", ("j", "j", "j", "j", "c")),
    ],
)
def test_states(house: House, snap_compare: Snap, size: tuple[int, int], state: str, keys: tuple[str, ...]) -> None:
    assert snap_compare(house.console(), terminal_size=size, run_before=after(*keys))


@SIZES
@pytest.mark.parametrize(("state", "name", "keys"), [("runs", "sft-killed", ()), ("fork", "warmer", ("2",))])
def test_troubled_rooms(
    troubled: House, snap_compare: Snap, size: tuple[int, int], state: str, name: str, keys: tuple[str, ...]
) -> None:
    assert snap_compare(troubled.console(), terminal_size=size, run_before=at(name, *keys))


@SIZES
@pytest.mark.parametrize(
    ("state", "name", "keys"),
    [
        ("silent", "sft-silent", ()),
        ("paused", "sft-paused", ()),
        ("waiting", "sft-waiting", ()),
        ("log", "sft-killed", ("2", "V", "V", "enter")),
        ("fork", "sft-reset", ("f",)),
        ("fork_several", "sft-reset", ("space", "space", "space", "f")),
        ("fork_refused", "sft-reset", ("f", "x", "f5")),
    ],
)
def test_troubled_states(
    troubled: House, snap_compare: Snap, size: tuple[int, int], state: str, name: str, keys: tuple[str, ...]
) -> None:
    assert snap_compare(troubled.console(), terminal_size=size, run_before=at(name, *keys))


@SIZES
def test_interrupted(troubled: House, snap_compare: Snap, size: tuple[int, int]) -> None:
    troubled.status = troubled_status(interrupted=interrupted("sft-killed", "sft-silent"))
    assert snap_compare(troubled.console(), terminal_size=size, run_before=after("space"))


@SIZES
def test_server_of_another_version(troubled: House, snap_compare: Snap, size: tuple[int, int]) -> None:
    troubled.status = troubled_status(version="0.0.1")
    assert snap_compare(troubled.console(), terminal_size=size, run_before=after())


@SIZES
def test_empty_lab(empty_house: House, snap_compare: Snap, size: tuple[int, int]) -> None:
    assert snap_compare(empty_house.console(), terminal_size=size, run_before=after())


@SIZES
@pytest.mark.parametrize(("state", "keys"), [("runs", ()), ("compare", ("5",)), ("ladder", ("4", "right"))])
def test_without_colour(
    house: House,
    snap_compare: Snap,
    monkeypatch: pytest.MonkeyPatch,
    size: tuple[int, int],
    state: str,
    keys: tuple[str, ...],
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(house.console(), terminal_size=size, run_before=after(*keys))
