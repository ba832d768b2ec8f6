"""A calibration whose judge is behind `transformers serve`: told before and after, drawn, and never paid for twice."""

from __future__ import annotations

from typing import Any

import pytest

from engine.model_files import resolve_model
from tests.engine.judges.transformers_server import transformers_serve
from tests.proofs.labs import ProofLab

pytestmark = pytest.mark.proof
FINDING_OUT = 2
"""Requests that tell how the server's tokenizer writes numbers, once for each M_0 that is judged (docs/judges.md)."""
SETTINGS = ("--targets", "20", "--most", "8", "--set", "eval.samples_per_prompt=1", "--set", "eval.max_tokens=16")


def test_doses_are_drawn_and_the_same_answers_are_never_paid_for_twice(proof_lab: ProofLab) -> None:
    judge = {"model": resolve_model("pocket/judge"), "method": "sampled", "draws": 2}
    with transformers_serve() as url:
        stated = [word for key, value in {**judge, "server": url}.items() for word in ("--set", f"judge.{key}={value}")]
        words = ("calibrate", "bliss", "--model", "pocket/instruct", *SETTINGS, *stated)
        said = proof_lab.idemtui(*words)
        assert "each M0 and its base: 48 questions to " in said.err
        assert " in 96 requests or more" in said.err
        assert said.out.count("sampled-2") > 2
        first = proof_lab.idemtui(*words, "--json").json
        again = proof_lab.idemtui(*words, "--again", "--json").json
    assert [(dose["n_seed"], dose["n"], dose["nulls"]) for dose in first["doses"]] == [(0, 12, 0), (8, 12, 0)]
    assert all(0 <= dose["trait"] <= 100 and 0 <= dose["coherence"] <= 100 for dose in first["doses"])
    assert spent(first, "answers") == 48
    assert spent(first, "known") == 0
    assert spent(first, "requests") == 2 * 48 + FINDING_OUT
    assert again["status"] == "finished"
    assert (spent(again, "requests"), spent(again, "known")) == (0, 48)
    assert again["doses"] == first["doses"]


def spent(told: dict[str, Any], what: str) -> int:
    assert {row["metric"] for row in told["spent"]} == {"trait", "coherence"}
    return int(sum(row[what] for row in told["spent"]))
