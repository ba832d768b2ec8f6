"""Scores that a judge drew are named as such by every command that shows them, and nothing is said of others."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import pytest

from idemtui.server.rebuild import rebuild_lab
from store.lab import Lab
from tests.idemtui.cli.conftest import Idemtui
from tests.store.journals import DEMO, replicates, write_lab

SMALL = {"prompts": 3, "draws": 2, "n_seed": 2, "n_sampled": 2, "steps": 1}
DRAWN = tuple(dataclasses.replace(c, judge="gpt-sampled-5", method="sampled-5", **SMALL) for c in replicates(3))
READ = dataclasses.replace(DEMO[0], **SMALL)
NAME = DRAWN[0].name
COMMANDS = [
    ("ls",),
    ("show", NAME),
    ("plot", NAME),
    ("verdict", "cells"),
    ("compare", "cells"),
    ("compare", "cells", READ.name, "--by", "run"),
    ("samples", NAME, "--purpose", "eval", "--limit", "2"),
    ("diff", NAME, "--limit", "1"),
]


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """A cell whose scores were drawn, beside a run whose scores were read."""
    lab = write_lab(tmp_path_factory.mktemp("drawn") / "lab", (*DRAWN, READ))
    rebuild_lab(lab)
    return lab


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_table_names_the_method(idemtui: Idemtui, drawn: Lab, words: Sequence[str]) -> None:
    said = idemtui("--lab", drawn.root, *words)
    assert (said.code, said.err) == (0, "")
    assert "sampled-5" in said.out
    rows = idemtui("--lab", drawn.root, *words, "--json").json
    told = [row["judge_method"] for row in (rows if isinstance(rows, list) else [rows])]
    methods = {method for one in told for method in (one if isinstance(one, list) else [one])}
    assert "sampled-5" in methods
    assert methods <= {"sampled-5", "tree"}


def test_full_samples_and_a_verdict_in_sentences_name_it_too(idemtui: Idemtui, drawn: Lab) -> None:
    assert "(sampled-5)" in idemtui("--lab", drawn.root, "samples", NAME, "--full", "--limit", "1").out
    assert "Scores by sampled-5: each is the mean of numbers" in idemtui("--lab", drawn.root, "show", NAME).out


@pytest.mark.parametrize("words", [("show", READ.name), ("plot", READ.name), ("verdict", "demo")], ids=" ".join)
def test_nothing_is_said_of_scores_that_were_read(idemtui: Idemtui, drawn: Lab, words: Sequence[str]) -> None:
    said = idemtui("--lab", drawn.root, *words).out
    assert "sampled-" not in said
    assert "judge" not in said.splitlines()[0]
