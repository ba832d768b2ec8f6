"""What every test needs of the process that it runs in."""

from __future__ import annotations

import signal

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Hear Ctrl-C: a suite started in a script's background ignores it, and so would every process that it starts."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
