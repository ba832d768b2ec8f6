"""`agreement` beside people's labels: figures that follow from labels which were made from the judge's own scores."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from idemtui.server.rebuild import rebuild_lab
from tests.idemtui.cli.conftest import Idemtui
from tests.store.journals import Chain, chain_spec, write_lab

RUN = Chain("labelled", prompts=8, draws=3, n_seed=2, n_sampled=2, steps=1, trait=(10, 30, 60))
SCORES = """
SELECT s.sample_id, x.value FROM samples AS s JOIN scores AS x USING (run_id, sample_id)
WHERE s.purpose = 'eval' AND x.metric = 'trait' AND x.value BETWEEN 5 AND 85 ORDER BY 1
"""


def test_a_judge_stands_beside_each_persons_labels(idemtui: Idemtui, tmp_path: Path) -> None:
    lab = write_lab(tmp_path / "lab", (RUN,))
    rebuild_lab(lab)
    words = ("--lab", lab.root)
    scored = {row["sample_id"]: row["value"] for row in idemtui(*words, "sql", SCORES, "--json").json}
    assert len(scored) > 30
    label = {"ts": "2026-11-22T09:00:00+00:00", "type": "label", "run_id": chain_spec(RUN).run_id, "metric": "trait"}
    said = [{**label, "sample_id": sample, "author": "ann", "value": value + 10} for sample, value in scored.items()]
    said += [{**label, "sample_id": sample, "author": "bob", "value": 50} for sample in list(scored)[:20]]
    lab.notes.write_text("".join(f"{json.dumps(line)}\n" for line in said))
    rebuild_lab(lab)
    found = idemtui(*words, "agreement", RUN.name, "--json").json
    beside = {pair["second"]: pair for pair in found["pairs"] if pair["kind"] == "people"}
    ann = next(pair for pair in beside.values() if pair["second"] == "person ann" and "person" not in pair["first"])
    assert ann["answers"] == len(scored)
    assert ann["pearson"]["value"] == pytest.approx(1.0)
    assert ann["spearman"]["value"] == pytest.approx(1.0)
    assert ann["difference"]["value"] == pytest.approx(10.0)
    assert ann["difference"]["low"] == pytest.approx(10.0)
    assert 0.5 < ann["kappa"]["value"] < 1.0
    judges = {row["judge_id"]: row for row in found["judges"] if row["metric"] == "trait"}
    assert judges["person ann"]["method"] == "a person"
    assert judges["person bob"]["answers"] == 20
    shown = idemtui(*words, "agreement", RUN.name).out
    assert "people" in shown
    assert "person bob" in shown
