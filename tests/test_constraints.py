"""Every pinned version is one that pyproject.toml allows, and the oldest are its lower bounds."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

HERE = Path(__file__).parents[1]


UNUSED_BY_TESTS = {"mypy", "ruff"}


def pinned(file: str) -> list[Requirement]:
    lines = [line.split("#")[0].strip() for line in (HERE / file).read_text().splitlines()]
    return [Requirement(line) for line in lines if "==" in line]


@pytest.mark.parametrize("file", sorted(path.name for path in HERE.glob("constraints-*.txt")))
def test_pins_are_allowed(file: str) -> None:
    project = tomllib.loads((HERE / "pyproject.toml").read_text())["project"]
    asked = [*project["dependencies"], *(each for extra in project["optional-dependencies"].values() for each in extra)]
    allowed: dict[str, list[Requirement]] = {}
    for requirement in map(Requirement, asked):
        allowed.setdefault(requirement.name, []).append(requirement)
    pins = pinned(file)
    refused = [
        f"{pin} against {each}"
        for pin in pins
        for each in allowed.get(pin.name, [])
        for version in pin.specifier
        if not each.specifier.contains(version.version)
    ]
    assert pins
    assert refused == []


def test_the_oldest_are_the_lower_bounds() -> None:
    """A range promises what was run: `make test-oldest` runs these."""
    project = tomllib.loads((HERE / "pyproject.toml").read_text())["project"]
    asked = map(Requirement, [*project["dependencies"], *project["optional-dependencies"]["dev"]])
    lowest = {
        each.name.lower(): Version(bound.version)
        for each in asked
        for bound in each.specifier
        if bound.operator == ">=" and each.name not in UNUSED_BY_TESTS
    }
    pins = {pin.name: Version(bound.version) for pin in pinned("constraints-oldest.txt") for bound in pin.specifier}
    assert pins == lowest
