"""What stands beside a chain: only its own controls, named where they lack, differ or were scored by somebody else."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from store.controls import Beside, beside
from tests.store.journals import DEMO, Chain, chain_spec, write_lab
from tests.store.tables import Asking, ingested

SFT = DEMO[0]
STILL = (2, 47, 47, 47, 47, 47, 47, 47)
RESAMPLED = dataclasses.replace(SFT, name="sft resample-only", control="resample-only", trait=STILL)
RESEEDED = dataclasses.replace(SFT, name="sft seed-only", control="seed-only", trait=(2, 47, 40, 54, 47, 40, 54, 47))
UNSEEDED = dataclasses.replace(SFT, name="sft no-seed", control="no-seed", trait=(2, 3, 2, 2, 1, 2, 3, 2))


def seen(folder: Path, *controls: Chain, of: Chain = SFT) -> Beside:
    lab = Asking(ingested(write_lab(folder / "lab", (of, *controls))))
    run_id = chain_spec(of).run_id
    return beside(lab, [run_id, "nobody"])[run_id]


def test_band_lines_and_the_no_seed_curve(tmp_path: Path) -> None:
    found = seen(tmp_path, RESAMPLED, RESEEDED, UNSEEDED)
    assert found.seeded == pytest.approx(47, abs=3)
    assert found.amplified_at == pytest.approx(found.seeded + 15)  # type: ignore[operator]
    assert (found.band.low, found.band.high) == (pytest.approx(-7, abs=3), pytest.approx(7, abs=3))
    assert found.band_low == pytest.approx(found.seeded + found.band.low)  # type: ignore[operator]
    assert found.band.count == 12
    [curve] = found.no_seed
    assert (curve.name, [point.cycle for point in curve.points]) == ("sft no-seed", list(range(-1, 7)))
    assert found.notes == ("null band of 12 Δ: below 20 it is about their lowest and highest",)


def test_no_control_is_said_and_no_band_is_made(tmp_path: Path) -> None:
    found = seen(tmp_path)
    assert (found.band.low, found.band_low, found.no_seed) == (None, None, ())
    assert found.notes == (
        "no null band: neither resample-only nor seed-only has a Δ",
        "no no-seed control to compare with",
    )


@pytest.mark.parametrize("other", [{"regime": "dpo"}, {"study": "another"}], ids=["regime", "study"])
def test_controls_of_another_kind_stay_out(tmp_path: Path, other: dict[str, str]) -> None:
    found = seen(tmp_path, *(dataclasses.replace(c, **other) for c in (RESAMPLED, RESEEDED, UNSEEDED)))  # type: ignore[arg-type]
    assert (found.band.count, found.no_seed) == (0, ())


def test_controls_that_another_judge_scored_stay_out_by_name(tmp_path: Path) -> None:
    found = seen(tmp_path, RESAMPLED, dataclasses.replace(RESEEDED, judge="somebody"))
    assert found.band.count == 6
    assert "sft seed-only was scored by another judge (somebody) and is left out" in found.notes
    assert "null band without seed-only: that control has no Δ" in found.notes


def test_an_unfinished_or_otherwise_seeded_control_counts_and_is_named(tmp_path: Path) -> None:
    running = dataclasses.replace(RESAMPLED, status="running", done=2)
    found = seen(tmp_path, running, dataclasses.replace(RESEEDED, n_seed=12))
    assert found.band.count == 8
    assert "sft resample-only is at cycle 2 of 6" in found.notes
    assert "sft seed-only has n_seed = 12, this chain 24" in found.notes
