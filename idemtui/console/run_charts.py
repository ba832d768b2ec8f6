"""The charts of one run: its curve beside what its controls did, its trainings, and its sentences."""

from __future__ import annotations

from idemtui.console.charts import Chart, Series, cycle_ticks, trait_chart
from idemtui.console.facts import Run, RunDetail
from store.controls import Beside

GREY = "grey"
NO_SEED = "×"
BAND_WORD, NO_SEED_WORD = "░ null band", "× no-seed"


def beside_chart(run: Run, beside: Beside | None) -> Chart:
    """The trait's curve with intervals, M_0's line and +15, the null band, and the no-seed controls' curves."""
    chart = trait_chart([run], run)
    if beside is None:
        return chart
    series = [*chart.series]
    words = []
    if beside.band_low is not None and beside.band_high is not None:
        ends = ((float(cycle), max(beside.band_low, 0.0), min(beside.band_high, 100.0)) for cycle in (0, run.cycles))
        series.append(Series("null band", (), band=tuple(ends), colour=GREY))
        words.append(BAND_WORD)
    for control in beside.no_seed:
        points = tuple((float(p.cycle), p.trait) for p in control.points if p.trait is not None)
        series.append(Series(control.name, points, marker=NO_SEED, colour=GREY))
    words += [NO_SEED_WORD] if beside.no_seed else []
    title = "  ".join([chart.title, *words])
    return Chart(title, tuple(series), chart.levels, chart.x_ticks, chart.y_range)


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
    points = tuple((float(cycle), length) for cycle, length in detail.sentences)
    return Chart("words a sentence", (Series("words", points),), (), cycle_ticks([run]))
