"""The script of the GPU figures, dry: the pocket model on a CPU makes every row that needs no GPU, and says why not."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import torch

from engine.errors import ServingError
from engine.models import load_model
from engine.shape import read_shape
from tests.engine.vllm.fake import FakeStart
from tests.gpu.bench import Bench
from tests.gpu.cycle import Looks, cycle_figures
from tests.gpu.measure import DRY, POCKET, measure
from tests.gpu.table import NotMeasuredError, Table
from tests.gpu.vllm_rows import VllmRows

ISSUE = {
    "LoRA training, batch 2 × 64 tokens, activations kept": "of the matrix rate",
    "LoRA training, batch 2 × 64 tokens, checkpointed": "with what is computed again",
    "exact integer judging": "of one forward pass each",
    "plain generate, 4 answers of 8 tokens": "tokens/s",
    "transformers sampler, 4 answers of 8 tokens": "of plain generate",
    "bare vLLM, 4 answers of 8 tokens": "not measured: no GPU",
    "vLLM, 4 answers of 8 tokens": "not measured: no GPU",
    "exact integer judging, through vLLM": "not measured: no GPU",
    "canaries, nats apart (before and after a sleep)": "not measured: no GPU",
}


def test_a_dry_run_makes_every_row_and_says_of_the_others_why_not(tmp_path):
    told = measure(DRY, "cpu", tmp_path, cycle=False)
    rows = dict(told.rows)
    assert [name for name, value in rows.items() if value.startswith("FAILED")] == []
    for name, said in ISSUE.items():
        assert said in rows[name], name
    assert "TFLOP/s" in rows["matrix product 256, torch.float32"]
    assert rows["weights"].startswith(f"{POCKET}, 1.")
    assert "kernels not measured (no GPU), peak not measured (no GPU)" in rows[next(iter(ISSUE))]


def test_what_is_not_measured_has_its_row_with_the_reason():
    def fails() -> str:
        raise torch.cuda.OutOfMemoryError("CUDA out of memory.\nTried a lot")

    def refuses() -> str:
        raise NotMeasuredError("it takes too long")

    table = Table("cpu")
    assert table.attempt("a", lambda: "7")
    assert not table.attempt("b", fails)
    assert not table.attempt("c", refuses)
    table.deadline_seconds = 0
    assert not table.attempt("d", lambda: "7")
    assert table.rows == [
        ("a", "7"),
        ("b", "FAILED: OutOfMemoryError: CUDA out of memory."),
        ("c", "not measured: it takes too long"),
        ("d", "not measured: the 0 s of this table were over"),
    ]


def test_a_vllm_that_does_not_start_leaves_no_row_out(tmp_path):
    bench = Bench(DRY, read_shape(POCKET), load_model(POCKET), Table("cuda"), tmp_path)

    class Broken(FakeStart):
        def __call__(self, settings):
            raise ServingError("vLLM: RuntimeError: no kernel image", "RuntimeError")

    rows = VllmRows(bench, Broken())
    rows.measure_served()
    assert [name for name, _ in bench.table.rows] == rows.names()[1:]
    assert bench.table.rows[0][1] == "FAILED: ServingError: vLLM: RuntimeError: no kernel image"
    assert {value for _, value in bench.table.rows[1:]} == {"not measured: vLLM did not start"}


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
    assert "GPU's share not measured (no GPU)" in told
    share = float(told.split("(no GPU), ")[1].split("%")[0])
    assert 0 < share <= 100
    assert (tmp_path / "scripts/scores1.json").exists()
    (tmp_path / "short").mkdir()
    assert cycle_figures(POCKET, DRY.cycle, "cpu", tmp_path / "short", 0.0) is None
