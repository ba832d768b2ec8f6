"""The charts of one run: its curve beside what its controls did, its trainings, and its sentences.

The first is what `idemtui plot` draws too, there of several runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from idemtui.console.charts import Chart, Series, coherence_chart, cycle_ticks, trait_chart
from idemtui.console.facts import Run, RunDetail
from store.controls import Beside, ControlCurve

GREY = "grey"
NO_SEED = "×"
BAND_WORD, NO_SEED_WORD = "░ null band", "× no-seed"


def beside_chart(runs: Sequence[Run], chosen: Run, beside: Beside | None) -> Chart:
    """The trait's curves; around the chosen one intervals, M_0's line and +15, the null band, no-seed controls."""
    chart = trait_chart(runs, chosen)
    if beside is None:
        return chart
    series = [*chart.series]
    words = []
    if beside.band_low is not None and beside.band_high is not None:
        ends = ((float(cycle), max(beside.band_low, 0.0), min(beside.band_high, 100.0)) for cycle in (0, chosen.cycles))
        series.append(Series("null band", (), band=tuple(ends), colour=GREY))
        words.append(BAND_WORD)
    no_seed = _no_seed(runs, beside)
    for control in no_seed:
        points = tuple((float(p.cycle), p.trait) for p in control.points if p.trait is not None)
        series.append(Series(control.name, points, marker=NO_SEED, colour=GREY))
    words += [NO_SEED_WORD] if no_seed else []
    title = "  ".join([chart.title, *words])
    return replace(chart, title=title, series=tuple(series))


def _no_seed(runs: Sequence[Run], beside: Beside) -> list[ControlCurve]:
    """The no-seed controls' curves, those left out that are drawn already."""
    told = {run.run_id for run in runs}
    return [control for control in beside.no_seed if control.run_id not in told]


def drawn_controls(runs: Sequence[Run], beside: Beside) -> list[tuple[str, str]]:
    """Sign and name of every control whose curve `beside_chart` draws."""
    return [(NO_SEED, control.name) for control in _no_seed(runs, beside)]


def beside_words(beside: Beside | None) -> str:
    """The null band in figures, or the first thing that is missing beside the curve."""
    if beside is None:
        return ""
    band = beside.band
    if band.low is None or band.high is None:
        return beside.notes[0] if beside.notes else ""
    return f"null band of Δ [{band.low:+.1f}, {band.high:+.1f}] from {band.count} Δ of controls".replace("-", "−")


def sentence_chart(run: Run, detail: RunDetail) -> Chart:
    """Mean sentence length of the measured answers over generations: in DPO it may fall while coherence holds."""
    held = ((float(one.cycle), one.mean_sentence_length) for one in detail.measures)
    points = tuple((cycle, length) for cycle, length in held if length is not None)
    return Chart("words a sentence", (Series("words", points),), (), cycle_ticks([run]))


def sure_coherence_chart(run: Run, detail: RunDetail | None) -> Chart:
    """One run's coherence with its 90 % intervals over prompts."""
    return coherence_chart([run], run, detail.coherence if detail else ())
