"""The lab server's own way with labels and marks, for services that have no queue beside them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from idemtui.server.annotating import Annotating
from store.lab import Lab
from store.service import LabService

Fields = dict[str, Any]


def annotate(lab: Lab, service: Callable[[], LabService]) -> Callable[[Fields], Fields]:
    """The handler of `annotate`: what it wrote is in the database when it answers."""
    annotating = Annotating(lab, lambda: service().tail.cursor())

    def handle(fields: Fields) -> Fields:
        answer = annotating.annotate(fields.get("author"), fields.get("notes"))
        assert service().tail.sync()
        return answer

    return handle
