"""The rooms by name; each is imported when it is first entered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from textual.screen import Screen


def _runs() -> Screen[Any]:
    from idemtui.console.screens.runs import RunsScreen

    return RunsScreen()


def _run() -> Screen[Any]:
    from idemtui.console.screens.run import RunScreen

    return RunScreen()


def _samples() -> Screen[Any]:
    from idemtui.console.screens.samples import SamplesScreen

    return SamplesScreen()


def _ladder() -> Screen[Any]:
    from idemtui.console.screens.ladder import LadderScreen

    return LadderScreen()


def _compare() -> Screen[Any]:
    from idemtui.console.screens.compare import CompareScreen

    return CompareScreen()


def _sql() -> Screen[Any]:
    from idemtui.console.screens.sql import SqlScreen

    return SqlScreen()


def _launch() -> Screen[Any]:
    from idemtui.console.screens.launch import LaunchScreen

    return LaunchScreen()


MODES: dict[str, Callable[[], Screen[Any]]] = {
    "runs": _runs,
    "run": _run,
    "samples": _samples,
    "ladder": _ladder,
    "compare": _compare,
    "sql": _sql,
    "launch": _launch,
}
