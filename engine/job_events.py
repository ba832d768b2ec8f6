"""What only jobs have to say: how far they are, and what a calibration measured."""

from __future__ import annotations

from typing import Literal

from engine.record import Record


class JobProgressed(Record):
    """A job has done so many of the things it has to do; `total` may change while it finds out."""

    type: Literal["job_progressed"] = "job_progressed"
    done: int
    total: int


class DoseMeasured(Record):
    """One M_0 of a calibration: trained on the first `n_seed` seed rows with one run seed; 0 rows are M_init itself."""

    type: Literal["dose_measured"] = "dose_measured"
    n_seed: int
    seed: int
    trait: float | None
    """Mean of the prompt means; None where no answer could be scored."""
    coherence: float | None
    prompt_means: list[float]
    """Trait scores by eval prompt, of those that have one."""
    n: int
    """Answers, `nulls` of them without a trait score."""
    nulls: int
