"""The lab's service, and when it was last asked anything: an idle server goes."""

from __future__ import annotations

import time
from typing import Any

from store.service import LabService


class AttendedService(LabService):
    """A service that knows when it was last asked anything."""

    asked_at = 0.0

    def ask(self, *question: Any, **more: Any) -> Any:
        """Answer a question."""
        self.asked_at = time.monotonic()
        return super().ask(*question, **more)

    def act(self, *command: Any, **more: Any) -> Any:
        """Carry out a command."""
        self.asked_at = time.monotonic()
        return super().act(*command, **more)
