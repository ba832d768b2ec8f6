"""The script of the GPU figures, dry: a small shape on a CPU makes every row that needs no GPU."""

from tests.gpu.measure import DRY, measure


def test_a_dry_run_makes_every_row(tmp_path):
    rows = dict(measure(DRY, "cpu", tmp_path).rows)
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
