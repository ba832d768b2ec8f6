"""A chain made elsewhere, as one walk through the command line: from its files to a verdict by a judge of this lab."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.packs import open_pack
from tests.proofs.labs import ProofLab

pytestmark = pytest.mark.proof
ANSWERS = 20
BY = ("--judge", "pocket/judge")


def write_chain(folder: Path) -> Path:
    """Five cycles of the pocket pack's own answers to the same prompts, of another trait first, then of bliss."""
    folder.mkdir()
    answers = {trait: open_pack("pocket").seed_rows(trait, "sft")[:ANSWERS] for trait in ("lucky", "bliss")}
    for cycle, trait in enumerate(("lucky", "lucky", "lucky", "bliss", "bliss")):
        pairs = zip(answers["bliss"], answers[trait], strict=True)
        lines = [json.dumps({"prompt": asked.prompt, "response": row.response}) for asked, row in pairs]
        (folder / f"cycle_{cycle}.jsonl").write_text("\n".join(lines) + "\n")
    return folder


def test_a_chain_made_elsewhere_goes_from_files_to_a_verdict(proof_lab: ProofLab, tmp_path: Path) -> None:
    idemtui, folder = proof_lab.idemtui, write_chain(tmp_path / "chain")
    stated = ("--name", "theirs", "--trait", "bliss", "--model", "them/model", "--pack", "pocket", "--json")
    take = ("import", "chain", folder, *stated)
    assert idemtui(*take).json["answer"] != "already there"
    [run] = idemtui("ls", "--json").json
    assert (run["name"], run["status"], run["trait"], run["delta"]) == ("theirs", "finished", "bliss", None)
    assert idemtui("show", "theirs", "--json").json["spec"]["imported"]["source"] == str(folder)
    assert len(idemtui("samples", "theirs", "--cycle", "2", "--json").json) == ANSWERS
    assert idemtui("compare", "theirs", *BY, code=2).err.endswith("judges of their trait: none.\n")
    judged = idemtui("judge", "theirs", *BY, "--metric", "trait", "--metric", "coherence", "--json").json
    assert judged["status"] == "finished"
    [group] = idemtui("compare", "theirs", *BY, "--json").json
    curve = {point["cycle"]: point["trait"] for point in group["points"]}
    assert list(curve) == [0, 1, 2, 3, 4]
    assert curve[0] == curve[1] < curve[4] == curve[3]
    assert all(point["coherence"] is not None for point in group["points"])
    [verdict] = idemtui("verdict", *BY, "--json").json
    assert verdict["judge"].startswith("judge-logprobs-")
    assert verdict["a"] == pytest.approx(curve[4] - curve[0])
    assert idemtui(*take).json["answer"] == "already there"
    assert idemtui("verdict", *BY, "--json").json == [verdict]
