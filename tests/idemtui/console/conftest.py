"""A lab of invented journals behind a real service in this process, and a console on it through the real client."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from idemtui.console.app import Console
from idemtui.console.feed import Pace
from idemtui.console.remembered import Remembered
from store.client import connect
from store.lab import Lab, create_lab, find_lab
from store.service import LabService
from tests.idemtui.annotated import annotate
from tests.idemtui.console.served import status, working
from tests.idemtui.console.states import troubled_status, write_troubled
from tests.store.journals import STATES, chain_spec, write_lab

COMMANDS = ("cancel", "resume", "pause", "retry", "prioritize", "submit")
RUNNING, FAILED, QUEUED = (chain_spec(chain).run_id for chain in STATES)
NEVER, SOON = 600.0, 0.1
"""Seconds between looks for changes. The pilot waits for an idle process, so most tests look once."""


@dataclass
class House:
    """A lab, what serves it, and the commands that reached the server."""

    lab: Lab
    service: LabService | None = None
    commands: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    status: dict[str, Any] = field(default_factory=status)
    answers: dict[str, Any] = field(default_factory=dict)
    """What a command answers, or the error that it raises."""

    def serve(self) -> None:
        def keep(name: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
            def handle(arguments: dict[str, Any]) -> dict[str, Any]:
                self.commands.append((name, arguments))
                answer = self.answers.get(name, {})
                if isinstance(answer, Exception):
                    raise answer
                return dict(answer)

            return handle

        commands = {name: keep(name) for name in COMMANDS}
        commands["annotate"] = annotate(self.lab, self.served)
        self.service = LabService(self.lab, {**commands, "status": lambda _: self.status}, poll_seconds=NEVER)
        self.service.start()
        assert self.service.tail.sync(60.0)

    def served(self) -> LabService:
        assert self.service is not None
        return self.service

    def leave(self) -> None:
        if self.service is not None:
            self.service.close()
            self.service = None

    def console(
        self, follow: str | None = None, *, live: bool = False, remembered: Remembered | None = None
    ) -> Console:
        pace = Pace(poll=SOON if live else NEVER, status=SOON, quiet=SOON, retry=SOON)
        return Console(self.lab, follow, connect=lambda lab, _: connect(lab), pace=pace, remembered=remembered)


@pytest.fixture(autouse=True)
def anywhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Times of day and the folders of a person's own files are the same on every machine."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "UTC")
        patch.setenv("XDG_CONFIG_HOME", "/nowhere/config")
        patch.setenv("XDG_STATE_HOME", "/nowhere/state")
        time.tzset()
        yield
    time.tzset()


@pytest.fixture(scope="session")
def ingested(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's four chains, finished, and three in other states, already in the database."""
    house = House(write_lab(tmp_path_factory.mktemp("ingested") / "lab"))
    house.serve()
    house.leave()
    return house.lab.root


@pytest.fixture
def house(ingested: Path, tmp_path: Path) -> Iterator[House]:
    """A copy of that lab, served."""
    house = House(find_lab(shutil.copytree(ingested, tmp_path / "lab")))
    house.status = working(RUNNING, ((QUEUED, 0, "waits for a free slot"),))
    house.serve()
    yield house
    house.leave()


@pytest.fixture(scope="session")
def troubled_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fork, a paused, a silent, a killed and a waiting run, already in the database."""
    house = House(find_lab(write_troubled(tmp_path_factory.mktemp("troubled") / "lab")))
    house.serve()
    house.leave()
    return house.lab.root


@pytest.fixture
def troubled(troubled_root: Path, tmp_path: Path) -> Iterator[House]:
    """A copy of that lab, served."""
    house = House(find_lab(shutil.copytree(troubled_root, tmp_path / "lab")), status=troubled_status())
    house.serve()
    yield house
    house.leave()


@pytest.fixture
def empty_house(tmp_path: Path) -> Iterator[House]:
    """A lab without runs, served."""
    house = House(create_lab(find_lab(tmp_path / "lab")))
    house.serve()
    yield house
    house.leave()
