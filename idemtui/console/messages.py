"""What happened, in the past tense: threads compute, these messages carry it, handlers change widgets."""

from __future__ import annotations

from textual.message import Message

from idemtui.console.facts import Answer, Glance, Prompt, RunDetail, Rungs, SampleFilter, SampleLine, SampleText, Table
from idemtui.worddiff import Piece


class GlanceRead(Message):
    """The lab changed and was read anew."""

    def __init__(self, glance: Glance) -> None:
        super().__init__()
        self.glance = glance

    def can_replace(self, message: Message) -> bool:
        """Only the newest state is worth drawing."""
        return isinstance(message, GlanceRead)


class LabLost(Message):
    """The lab could not be asked."""

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason


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


class SamplesCounted(Message):
    """How many samples a filter holds."""

    def __init__(self, asked: SampleFilter, count: int) -> None:
        super().__init__()
        self.asked = asked
        self.count = count


class SamplesRead(Message):
    """One page of a filter's samples."""

    def __init__(self, asked: SampleFilter, offset: int, lines: tuple[SampleLine, ...]) -> None:
        super().__init__()
        self.asked = asked
        self.offset = offset
        self.lines = lines


class SampleRead(Message):
    """One sample in full; None where it is gone."""

    def __init__(self, sample: SampleText | None) -> None:
        super().__init__()
        self.sample = sample


class PromptsRead(Message):
    """The prompts that a run is measured with."""

    def __init__(self, run_id: str, prompts: tuple[Prompt, ...]) -> None:
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

    def __init__(self, left: Answer | None, right: Answer | None, pieces: list[Piece]) -> None:
        super().__init__()
        self.left = left
        self.right = right
        self.pieces = pieces


class TableRead(Message):
    """A query's first rows."""

    def __init__(self, table: Table) -> None:
        super().__init__()
        self.table = table


class SchemaRead(Message):
    """The tables and views that can be asked, each with its columns."""

    def __init__(self, tables: tuple[tuple[str, tuple[str, ...]], ...]) -> None:
        super().__init__()
        self.tables = tables
