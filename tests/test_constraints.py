"""Every pinned version is one that pyproject.toml allows; another makes an environment that cannot be built."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

HERE = Path(__file__).parents[1]


@pytest.mark.parametrize("file", sorted(path.name for path in HERE.glob("constraints-*.txt")))
def test_pins_are_allowed(file: str) -> None:
    project = tomllib.loads((HERE / "pyproject.toml").read_text())["project"]
    asked = [*project["dependencies"], *(each for extra in project["optional-dependencies"].values() for each in extra)]
    allowed: dict[str, list[Requirement]] = {}
    for requirement in map(Requirement, asked):
        allowed.setdefault(requirement.name, []).append(requirement)
    lines = [line.split("#")[0].strip() for line in (HERE / file).read_text().splitlines()]
    pins = [Requirement(line) for line in lines if "==" in line]
    refused = [
        f"{pin} against {each}"
        for pin in pins
        for each in allowed.get(pin.name, [])
        for version in pin.specifier
        if not each.specifier.contains(version.version)
    ]
    assert pins
    assert refused == []
