"""Questions about samples, put to the lab; every function blocks and is called from a thread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from idemtui.console.reader import Reader
from idemtui.console.text_facts import Line, Reading
from store import labelling
from store.labelling import ToLabel
from store.listing import read_lines
from store.readings import read_in_full

if TYPE_CHECKING:
    from store.statistics.agreement import Agreement

OPENING = 300
"""Characters of a text that a line of the list may show."""


def lines(reader: Reader, places: Sequence[int], judge: str | None) -> list[Line | None]:
    """What stands at these places by one judge's scores or each run's own, texts cut to their openings."""
    return read_lines(reader.client(), places, OPENING, judge=judge)


def readings(reader: Reader, lines: Sequence[Line]) -> dict[str, Reading]:
    """Samples in full with what judges and people said of them; without those that the lab no longer holds."""
    return read_in_full(reader.client(), lines)


def annotate(reader: Reader, notes: Sequence[Mapping[str, object]]) -> None:
    """Have the lab write down what this user says of samples."""
    from idemtui.labelling import author

    reader.command("annotate", author=author(), notes=[dict(note) for note in notes])


def to_label(reader: Reader, run_id: str, metric: str, *, cycle: int | None, seed: int, most: int) -> list[ToLabel]:
    """Answers that this user has not labelled yet, shuffled by the seed."""
    from idemtui.labelling import author

    return labelling.to_label(reader.client(), run_id, author(), metric, seed=seed, cycle=cycle, most=most)


def judge_agreement(reader: Reader, run_id: str, metric: str) -> Agreement:
    """The labels of this user beside the run's own judge."""
    from idemtui.labelling import author
    from store.statistics.agreement import agreement

    pairs = labelling.label_pairs(reader.client(), run_id, metric, author())
    return agreement([pair.label for pair in pairs], [pair.score for pair in pairs])
