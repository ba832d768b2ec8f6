"""What happened, in the past tense: threads compute, these messages carry it, handlers change widgets."""

from __future__ import annotations

from textual.message import Message

from idemtui.console.comparing import Compared
from idemtui.console.facts import Glance, RunDetail
from idemtui.console.lab_facts import Server
from idemtui.console.text_facts import LadderPrompt, Rung, Rungs
from idemtui.worddiff import Piece


class GlanceRead(Message):
    """The lab changed and was read anew."""

    def __init__(self, glance: Glance) -> None:
        super().__init__()
        self.glance = glance

    def can_replace(self, message: Message) -> bool:
        """Only the newest state is worth drawing."""
        return isinstance(message, GlanceRead)


class ServerRead(Message):
    """The server says something else of itself than before."""

    def __init__(self, server: Server) -> None:
        super().__init__()
        self.server = server

    def can_replace(self, message: Message) -> bool:
        """Only the newest state is worth drawing."""
        return isinstance(message, ServerRead)


class Noticed(Message):
    """Connecting to the lab's server met something that the user should know of."""

    def __init__(self, line: str) -> None:
        super().__init__()
        self.line = line


class LabLost(Message):
    """The lab could not be asked; `gone` where that is because nobody answers."""

    def __init__(self, reason: str, gone: bool = False) -> None:
        super().__init__()
        self.reason = reason
        self.gone = gone


class LabFound(Message):
    """The lab answers, for the first time or again."""


class Refused(Message):
    """A question ended in one clear line; `group` says which kind of question it was."""

    def __init__(self, group: str, reason: str) -> None:
        super().__init__()
        self.group = group
        self.reason = reason


class RunRead(Message):
    """One run in detail."""

    def __init__(self, detail: RunDetail) -> None:
        super().__init__()
        self.detail = detail


class PromptsRead(Message):
    """The prompts that a run is measured with."""

    def __init__(self, run_id: str, prompts: tuple[LadderPrompt, ...]) -> None:
        super().__init__()
        self.run_id = run_id
        self.prompts = prompts


class RungsRead(Message):
    """All answers to one prompt."""

    def __init__(self, rungs: Rungs) -> None:
        super().__init__()
        self.rungs = rungs


class DifferenceMade(Message):
    """Two answers compared word by word."""

    def __init__(self, left: Rung | None, right: Rung | None, pieces: list[Piece]) -> None:
        super().__init__()
        self.left = left
        self.right = right
        self.pieces = pieces


class LadderMade(Message):
    """Every generation's answer, each with its differences to the one before."""

    def __init__(self, steps: list[tuple[Rung, list[Piece]]]) -> None:
        super().__init__()
        self.steps = steps


class ComparedRead(Message):
    """Runs were grouped beside each other; `whose` says which runs were asked for."""

    def __init__(self, whose: object, compared: Compared) -> None:
        super().__init__()
        self.whose = whose
        self.compared = compared
