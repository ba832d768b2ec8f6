"""`show` and `plot` say what was measured of each generation beside its scores."""

from __future__ import annotations

from pathlib import Path

import pytest

from idemtui.server.rebuild import rebuild_lab
from tests.idemtui.cli.conftest import Idemtui
from tests.store.journals import Chain, write_lab

MEASURED = Chain("measured", trait=(2, 40, 42), coherence=(97, 90, 80), likelihoods=True, prompts=4, draws=2)


@pytest.fixture
def measured(tmp_path: Path) -> Path:
    lab = write_lab(tmp_path / "lab", [MEASURED])
    rebuild_lab(lab)
    return lab.root


def test_show_and_plot_have_every_generations_measures(measured: Path, idemtui: Idemtui) -> None:
    shown = idemtui("--lab", measured, "show", "measured", "--json").json
    first, last = shown["curve"][0], shown["curve"][-1]
    assert first["kl_token"] == 0
    assert last["kl_token"] > 0
    assert last["perplexity_low"] < last["perplexity"] < last["perplexity_high"]
    assert last["coherence_low"] < last["coherence"] < last["coherence_high"]
    assert last["distinct_1"] == 0.5
    points = idemtui("--lab", measured, "plot", "measured", "--json").json
    assert [point["coherence_low"] for point in points] == [row["coherence_low"] for row in shown["curve"]]
    table = idemtui("--lab", measured, "show", "measured").out.split("\n\n")[2].splitlines()
    assert table[0].split()[:4] == ["cycle", "coherence", "90", "%"]
    assert f"{last['perplexity']:.2f}" in table[3]
    assert "under M_init" in table[4]


def test_show_has_no_second_table_where_nothing_of_it_was_measured(idemtui: Idemtui) -> None:
    assert "under M_init" not in idemtui("show", "sft-reset").out
    rows = idemtui("show", "sft-reset", "--json").json["curve"]
    assert {row["perplexity"] for row in rows} == {None}
    assert all(row["mean_sentence_length"] for row in rows)
