"""Secrets, from the environment and over the socket: a whole real run later they stand in no file and no output."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from engine.study import resolve_study
from idemtui.server.start import ensure_server
from tests.proofs.broken_off import BrokenOff
from tests.proofs.labs import ProofLab, new_lab, remove, until

pytestmark = pytest.mark.proof
FROM_ENVIRONMENT = "sk-test-0f5d31c2a9environment"
OVER_SOCKET = "sk-test-7be4416d02oversocket"
ROTATED = "sk-test-93aa01ff7crotated"
SECRETS = (FROM_ENVIRONMENT, OVER_SOCKET, ROTATED)


def holding(folder: Path) -> list[str]:
    """Files whose name or bytes hold a secret."""
    return [
        f"{path}: {secret}"
        for path in folder.rglob("*")
        for secret in SECRETS
        if secret in path.name or (path.is_file() and secret.encode() in path.read_bytes())
    ]


def remembered(lab: ProofLab) -> list[str]:
    """Columns of the database that hold a secret: its pages may be compressed, so that bytes alone prove nothing."""
    columns = lab.ask("SELECT table_name, column_name FROM information_schema.columns")
    assert len(columns) > 100
    return [
        f"{table}.{column}"
        for table, column in columns
        for secret in SECRETS
        if lab.ask(f'SELECT 1 FROM "{table}" WHERE contains(CAST("{column}" AS VARCHAR), ?) LIMIT 1', secret)
    ]


def test_no_secret_is_written_anywhere(broken_off: BrokenOff, monkeypatch: pytest.MonkeyPatch) -> None:
    lab = new_lab(HF_TOKEN=FROM_ENVIRONMENT, OPENAI_API_KEY=FROM_ENVIRONMENT)
    for name, value in lab.variables().items():
        monkeypatch.setenv(name, value)
    try:
        walk(lab, broken_off.text)
    finally:
        remove(lab)


def walk(lab: ProofLab, text: str) -> None:
    study = lab.root.with_name("study.toml")
    study.write_text(text)
    ensure_server(lab.lab).close()
    [spec] = resolve_study(study, threads=1)
    document = spec.model_dump(mode="json")
    document["execution"]["secrets"] = ["HF_TOKEN"]
    with lab.client() as client:
        client.command("submit", specs=[document], secrets={"HF_TOKEN": OVER_SOCKET})
        worker = until(lambda: lab.worker(spec.run_id), "the worker")
        assert psutil.Process(worker).environ()["HF_TOKEN"] == OVER_SOCKET, "the run has what it needs"
        told = client.command("secrets", values={"HF_TOKEN": ROTATED, "OPENAI_API_KEY": ROTATED})
        assert told["names"] == ["HF_TOKEN", "OPENAI_API_KEY"]
        answers = repr([told, client.command("status")])
    lab.reach(spec.run_id, "finished")
    lab.idemtui("run", study, "--headless")
    lab.idemtui("show", spec.run_id, "--json")
    lab.idemtui("doctor", code=None)
    assert holding(lab.root) == [], "with the database open"
    assert remembered(lab) == []
    lab.idemtui("stop")
    assert holding(lab.root) == [], "with the database closed"
    printed = answers + "".join(said.out + said.err for said in lab.said)
    assert not [secret for secret in SECRETS if secret in printed]
    lines = [" ".join(p.info["cmdline"] or []) for p in psutil.process_iter(["cmdline"])]
    assert not [line for line in lines for secret in SECRETS if secret in line and "pytest" not in line]
