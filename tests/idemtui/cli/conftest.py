import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from engine.spec import RunSpec
from idemtui.cli.main import run
from idemtui.server.rebuild import rebuild_lab
from store.lab import Lab
from tests.idemtui.cli.contract import ContractServer
from tests.store.journals import DEMO, Chain, chain_spec, replicates, write_lab

HOSTILE = Chain("hostile [bold]\x1b[31m", study="odd", minutes=40, prompts=1, draws=1, n_seed=2, n_sampled=2, steps=1)
FAILED = Chain("sft-failed", status="failed", seed=103, done=0, minutes=9)


@dataclass(frozen=True)
class Said:
    """What one command line printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Idemtui = Callable[..., Said]


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """A lab with a database, no server, and no run under way: nobody writes to it."""
    chains = [*DEMO, FAILED, *replicates(3, drift=6.0), HOSTILE]
    lab = write_lab(tmp_path_factory.mktemp("read") / "lab", chains)
    rebuild_lab(lab)
    return lab


@pytest.fixture
def idemtui(lab: Lab, capsys: pytest.CaptureFixture[str]) -> Idemtui:
    """Runs one command line in this process, on that lab unless `--lab` says otherwise."""

    def call(*arguments: str | Path) -> Said:
        words = [str(argument) for argument in arguments]
        at = [] if "--lab" in words else ["--lab", str(lab.root)]
        capsys.readouterr()
        try:
            run([*at, *words])
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
        sys.stdout.flush()
        out, err = capsys.readouterr()
        return Said(code, out, err)

    return call


OPEN = (Chain("sft-running", status="running", seed=102, minutes=8), Chain("sft-queued", status="queued", seed=104))


SECRETS = ("HF_TOKEN", "OTHER_KEY")


@pytest.fixture(scope="package")
def contract() -> Iterator[ContractServer]:
    """A server in this process over a lab with runs in every state; the queued one needs SECRETS."""
    with tempfile.TemporaryDirectory(prefix="lab") as folder:
        lab = write_lab(Path(folder) / "lab", (*DEMO[:2], FAILED, *OPEN))
        path = lab.run(chain_spec(OPEN[1]).run_id) / "spec.json"
        spec = RunSpec.model_validate_json(path.read_text())
        needy = spec.execution.model_copy(update={"secrets": SECRETS})
        path.write_text(spec.model_copy(update={"execution": needy}).model_dump_json())
        with ContractServer(lab) as server:
            yield server


@pytest.fixture
def agreed(contract: ContractServer, monkeypatch: pytest.MonkeyPatch) -> ContractServer:
    """That server, whose queue says what the test writes down, and an environment without secrets."""
    contract.reset()
    for name in SECRETS:
        monkeypatch.delenv(name, raising=False)
    return contract


@pytest.fixture
def there(idemtui: Idemtui, agreed: ContractServer) -> Idemtui:
    """Command lines on that lab."""
    return lambda *words: idemtui("--lab", agreed.lab.root, *words)
