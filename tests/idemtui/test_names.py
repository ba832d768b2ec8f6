from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from idemtui.names import Apart, keep_ends, tell_apart


def test_names_that_differ_at_their_end_still_do() -> None:
    cut = {keep_ends(f"bliss-dpo-continual-beta=0.1-s{seed}", 14) for seed in (1, 2, 3)}
    assert cut == {"bliss-d…0.1-s1", "bliss-d…0.1-s2", "bliss-d…0.1-s3"}


def test_a_name_that_fits_stays() -> None:
    assert keep_ends("bliss-s1", 8) == "bliss-s1"


@given(st.text(), st.integers(0, 40))
def test_no_name_is_wider_than_its_room(text: str, width: int) -> None:
    assert cell_len(keep_ends(text, width)) <= width


def test_a_column_of_names_leaves_out_what_all_share_before_it_lets_two_look_alike() -> None:
    demo = [f"bliss-{arm}-s1" for arm in ("sft-reset", "sdf-reset", "dpo-continual", "dpo-reset")]
    assert tell_apart(demo, 14) == ["…sft-reset-s1", "…sdf-reset-s1", "…continual-s1", "…dpo-reset-s1"]
    assert tell_apart(demo, 22) == demo
    cells = [f"misalignment sdf n_seed {n} n_sampled {50 + n} (cell of 3)" for n in range(100)]
    assert tell_apart(cells, 20)[::99] == ["…0 n_sampled 50…", "…99 n_sampled 149…"]
    assert len(set(tell_apart(cells, 14))) == 100
    betas = [f"bliss dpo beta={beta} n_seed=24-s{seed}" for beta in ("0.05", "0.1") for seed in (1, 2, 3)]
    assert tell_apart(betas, 16) == [f"…beta={beta} …s{seed}" for beta in ("0.05", "0.1") for seed in (1, 2, 3)]
    assert len(set(tell_apart(betas, 13))) == 6
    assert tell_apart(["bliss-sft-reset-s1"], 14) == ["bliss-s…set-s1"]
    assert tell_apart([f"bliss-sft-reset-s{seed}" for seed in (1, 2)], 12) == ["…reset-s1", "…reset-s2"]


def test_a_control_is_told_from_what_it_controls_where_both_are_cut() -> None:
    ends = ("beta=0.05-s1", "beta=0.1-s1", "no-seed-beta=0.05-s1", "s1")
    names = [*(f"bliss-dpo-continual-{end}" for end in ends), "bliss-sft-reset-s1"]
    assert tell_apart(names, 14) == [
        "…beta=0.05-s1",
        "…beta=0.1-s1",
        "…no-seed-…s1",
        "…continual-s1",
        "…sft-reset-s1",
    ]


@given(st.lists(st.text("ab-", max_size=30), max_size=6), st.integers(1, 20))
def test_no_more_names_look_alike_than_by_cutting_each_alone(names: list[str], width: int) -> None:
    cut = tell_apart(names, width)
    assert all(cell_len(name) <= width for name in cut)
    assert len(set(cut)) >= len({keep_ends(name, width) for name in names})


def test_a_columns_names_are_told_apart_at_its_width_and_remembered() -> None:
    demo = [f"bliss-{arm}-s1" for arm in ("sft-reset", "sdf-reset", "dpo-continual", "dpo-reset")]
    column = Apart(demo)
    assert [column.told(name, 14) for name in demo] == tell_apart(demo, 14)
    assert [column.told(name, 22) for name in demo] == demo
    assert column == Apart(list(demo))
    assert column != Apart(demo[:2])
