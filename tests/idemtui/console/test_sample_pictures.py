"""One picture per state of the Samples room, at the smallest terminal that is supported and at a large one."""

from __future__ import annotations

import pytest

from tests.idemtui.console.conftest import House
from tests.idemtui.console.test_snapshots import SIZES, Snap, after


@SIZES
@pytest.mark.parametrize(
    ("state", "keys"),
    [
        ("lab_by_jump", ("3", "a", "s", "s", "s")),
        ("filtering", ("3", "slash")),
        ("refused", ("3", "slash", "left_parenthesis", "enter")),
        ("marking", ("3", "m", "o", "d", "d")),
        ("labelling", ("3", "B", "3")),
        ("ancestry", ("3", "G", "A")),
        ("phrases", ("3", "W")),
    ],
)
def test_samples(house: House, snap_compare: Snap, size: tuple[int, int], state: str, keys: tuple[str, ...]) -> None:
    assert snap_compare(house.console(), terminal_size=size, run_before=after(*keys))
