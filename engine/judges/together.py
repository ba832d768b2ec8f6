"""Waiting for many requests at once, with an eye on reasons to stop."""

from __future__ import annotations

from collections.abc import Callable, Collection
from concurrent.futures import Future, wait
from typing import Any

from engine.judges.pace import GivenUp

LOOK_SECONDS = 0.1
"""Between two looks for a reason to stop, or for another worker's claim to end."""


def wait_for_all(futures: Collection[Future[Any]], safe_point: Callable[[], None]) -> None:
    """Until all are done; the first failure is raised at once, that others gave up because of it is not."""
    left = set(futures)
    while left:
        done, left = wait(left, timeout=LOOK_SECONDS)
        failed = [error for future in done if (error := future.exception()) is not None]
        if failed:
            raise next((error for error in failed if not isinstance(error, GivenUp)), failed[0])
        if left:
            safe_point()
