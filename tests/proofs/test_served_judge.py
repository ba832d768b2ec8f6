"""A whole run whose judge is behind a server that wants a key: told before, told after, its key in no file.

The server is a real one on loopback that runs the pocket judge; the lab, its database and its logs are looked through.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.models import load_model
from tests.engine.judges.test_run import KEY, STUDY
from tests.engine.judges.wire_server import ModelServer, complaint, serve
from tests.proofs.labs import ProofLab, new_lab, remove

pytestmark = pytest.mark.proof


@pytest.fixture
def lab() -> Iterator[ProofLab]:
    lab = new_lab(LAB_KEY=KEY)
    yield lab
    remove(lab)


def holding(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]


def remembered(lab: ProofLab) -> list[str]:
    columns = lab.ask("SELECT table_name, column_name FROM information_schema.columns")
    assert len(columns) > 100
    held = 'SELECT 1 FROM "{0}" WHERE contains(CAST("{1}" AS VARCHAR), ?) LIMIT 1'
    return [f"{table}.{column}" for table, column in columns if lab.ask(held.format(table, column), KEY)]


def test_it_is_told_before_and_after_and_its_key_is_nowhere(lab: ProofLab) -> None:
    model = ModelServer(load_model("pocket/judge", threads=1))
    wrong = True

    def handle(body: dict[str, Any], headers: dict[str, str]) -> Any:
        assert headers["authorization"] == f"Bearer {KEY}"
        if wrong:
            return 401, complaint(f"Incorrect API key provided: {KEY}"), {}
        return model(body, headers)

    with serve(handle) as url:
        path = lab.root.with_name("study.toml")
        path.write_text(STUDY.format(server=url))
        refused = lab.idemtui("run", path, "--headless", code=1)
        assert "48 questions to pocket-judge in 48 requests or more" in refused.err
        assert "401" in refused.out
        assert "$LAB_KEY" in refused.out
        wrong = False
        assert lab.idemtui("run", path, "--headless").code == 0
        [run] = lab.idemtui("ls", "--json").json
        told = lab.idemtui("show", run["run_id"], "--json").json
        again = lab.idemtui("judge", run["run_id"], "--json").json
    spent = {row["metric"]: row for row in told["spent"]}
    assert sum(row["requests"] for row in spent.values()) == len(model.requests)
    assert all(
        row["cost"] == pytest.approx((row["prompt_tokens"] + 2 * row["completion_tokens"]) / 1e6)
        for row in spent.values()
    )
    assert [(row["requests"], row["known"]) for row in again["spent"]] == [(0, spent["trait"]["answers"])]
    assert "judging took" in lab.idemtui("show", run["run_id"]).out
    assert len(list((lab.root / "judgements").glob("*.jsonl"))) == 2
    assert holding(lab.root) == [], "with the database open"
    assert remembered(lab) == []
    lab.idemtui("stop")
    assert holding(lab.root) == [], "with the database closed"
    assert KEY not in "".join(said.out + said.err for said in lab.said)
