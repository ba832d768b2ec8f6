from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.spec import RunSpec
from idemtui.cli import follow
from store.client import Client
from store.lab import Lab
from tests.idemtui.cli.conftest import Idemtui
from tests.idemtui.conftest import until
from tests.store.journals import DEMO, chain_spec

VALUE = "hf_sEcReT_0123456789"
SPEC = chain_spec(DEMO[0])
NEEDY = SPEC.model_copy(update={"execution": SPEC.execution.model_copy(update={"secrets": ("HF_TOKEN",)})})
SPOKEN = (
    ("ls",),
    ("ls", "--json"),
    ("show", "sft-reset"),
    ("show", "sft-reset", "--json"),
    ("sql", "from commands"),
    ("sql", "from runs", "--json"),
    ("sql", "from events", "--csv"),
    ("doctor",),
    ("doctor", "--json"),
    ("resume", "sft-reset", "--json"),
    ("pause", "sft-reset"),
    ("stop",),
)


@pytest.fixture(autouse=True)
def needy_study(monkeypatch: pytest.MonkeyPatch) -> None:
    def resolved(path: Path, overrides: dict[str, Any] | None = None) -> list[RunSpec]:
        return [NEEDY]

    monkeypatch.setattr("engine.study.resolve_study", resolved)
    monkeypatch.setattr(follow, "POLL_SECONDS", 0.05)
    monkeypatch.delenv("HF_TOKEN", raising=False)


def test_a_secret_reaches_the_worker_and_no_screen_and_no_file(
    idemtui: Idemtui, served: Callable[..., Client], lab_to_write: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = served("secret")
    here: Idemtui = lambda *words: idemtui("--lab", lab_to_write.root, *words)  # noqa: E731
    waits = here("run", "study.toml", "--detach")
    assert "$HF_TOKEN" in waits.err
    until(lambda: client.command("status")["waiting"][0]["reason"])
    assert "HF_TOKEN" in here("ls").out
    monkeypatch.setenv("HF_TOKEN", VALUE)
    exporting = ("export", "sft-reset", "--csv", "--to", lab_to_write.root / "exported")
    said = [here("run", "study.toml", "--headless"), *(here(*words) for words in (exporting, *SPOKEN))]
    log = (lab_to_write.run(NEEDY.run_id) / "worker.log").read_text()
    assert f"HF_TOKEN has {len(VALUE)} characters" in log
    assert said[0].code == 0
    assert not [one for one in said if VALUE in one.out + one.err]
    written = [path for path in lab_to_write.root.rglob("*") if path.is_file() and VALUE.encode() in path.read_bytes()]
    assert written == []
    assert (lab_to_write.root / "exported" / "runs.csv").exists()
