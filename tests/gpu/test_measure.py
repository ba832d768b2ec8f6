"""The script of the GPU figures, dry: a small shape on a CPU makes every row that needs no GPU."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.gpu.cycle import Looks
from tests.gpu.measure import DRY, measure


def test_a_dry_run_makes_every_row(tmp_path):
    rows = dict(measure(replace(DRY, cycle=None), "cpu", tmp_path).rows)
    assert [name for name, value in rows.items() if value.startswith("FAILED")] == []
    assert rows["vLLM"] == "left out: no GPU"
    for opening in (
        "matrix product",
        "LoRA training",
        "exact integer judging",
        "transformers sampler",
        "plain generate",
    ):
        assert any(name.startswith(opening) for name in rows), opening
    trained = next(value for name, value in rows.items() if name.startswith("LoRA training"))
    assert "of the matrix rate" in trained


def test_only_looks_within_the_cycle_count():
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    looks = Looks("cpu")
    assert looks.busy(noon, noon + timedelta(seconds=9)) is None
    looks.seen = [
        (noon + timedelta(seconds=second), percent) for second, percent in ((-1, 0), (1, 100), (2, 60), (10, 0))
    ]
    assert looks.busy(noon, noon + timedelta(seconds=9)) == pytest.approx(0.8)


@pytest.mark.proof
def test_a_dry_cycle_is_walked_by_a_worker_and_by_scripts(tmp_path):
    rows = dict(measure(replace(DRY, train=()), "cpu", tmp_path).rows)
    told = rows["one SFT cycle, 4 draws, 12 eval draws"]
    assert "no GPU to look at" in told
    share = float(told.split("look at, ")[1].split("%")[0])
    assert 0 < share <= 100
    assert (tmp_path / "scripts/scores1.json").exists()
