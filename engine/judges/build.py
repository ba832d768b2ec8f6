"""Makes the judge that the settings of a run or a job mean; what one kind of judge needs is imported for it alone."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from engine.seams import Judge
from engine.secrets import hide_secrets
from engine.spec import JudgeSettings


def build_judge(
    settings: JudgeSettings,
    lab: Path | None,
    safe_point: Callable[[], None],
    load: Callable[[str], Judge],
    repeat: int = 1,
) -> Judge:
    """The judge that the settings mean, over the lab's books where there is a lab; `load` makes one of a local model.

    One that is asked a second time has a name, and so books, of its own.
    """
    books = None if lab is None else lab / "judgements"
    if settings.server is None:
        from engine.judges.known import KnownJudge

        return KnownJudge(load(settings.model), books, repeat)
    from engine.judges.server import server_judge

    return server_judge(settings, books, safe_point, _say, repeat)


def _say(text: str) -> None:
    print(hide_secrets(text), file=sys.stderr, flush=True)
