from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from idemtui.names import keep_ends


def test_names_that_differ_at_their_end_still_do() -> None:
    cut = {keep_ends(f"bliss-dpo-continual-beta=0.1-s{seed}", 14) for seed in (1, 2, 3)}
    assert cut == {"bliss-d…0.1-s1", "bliss-d…0.1-s2", "bliss-d…0.1-s3"}


def test_a_name_that_fits_stays() -> None:
    assert keep_ends("bliss-s1", 8) == "bliss-s1"


@given(st.text(), st.integers(0, 40))
def test_no_name_is_wider_than_its_room(text: str, width: int) -> None:
    assert cell_len(keep_ends(text, width)) <= width
