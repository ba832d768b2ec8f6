import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from idemtui.cli.main import run
from idemtui.server.rebuild import rebuild_lab
from store.lab import Lab
from tests.store.journals import DEMO, STATES, Chain, replicates, write_lab

HOSTILE = Chain("hostile [bold]\x1b[31m", study="odd", minutes=40, prompts=1, draws=1, n_seed=2, n_sampled=2, steps=1)


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
    """A lab with a database and no server: nobody writes to it."""
    chains = [*DEMO, *STATES, *replicates(3, drift=6.0), HOSTILE]
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
