"""Runs as charts: curves of trait and coherence, beside what their controls did, trainings, and sentences.

`idemtui plot` draws the first two as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from idemtui.console.charts import COLOURS, MARKERS, NOTHING, Bounds, Chart, Level, Series
from idemtui.console.facts import AMPLIFIED, BASE, Run, RunDetail, Trace
from idemtui.console.words import by_words, generation
from store.controls import Beside, ControlCurve

GREY = "grey"
NO_SEED = "×"
BAND_WORD, NO_SEED_WORD = "░ null band", "× no-seed"


def trait_chart(runs: Sequence[Run], chosen: Run | None) -> Chart:
    """Trait over generations: all runs, the chosen one with intervals, its seed line and the paper's +15 line."""
    levels: tuple[Level, ...] = ()
    if chosen and chosen.seeded is not None:
        levels = (Level(chosen.seeded, "s(M0)"), Level(chosen.seeded + AMPLIFIED, "+15"))
    names = {run.trait for run in runs}
    title = (f"trait: {names.pop()}" if len(names) == 1 else "trait") + judged_words(runs)
    return Chart(
        title,
        tuple(_series(run, index, "trait", run is chosen) for index, run in enumerate(runs)),
        tuple(level for level in levels if level.y <= 100),
        cycle_ticks(runs),
        (0, 100),
        _empty(runs),
    )


def coherence_chart(runs: Sequence[Run], chosen: Run | None, sure: Sequence[tuple[int, float, float]] = ()) -> Chart:
    """Coherence over generations; `sure` has the chosen run's intervals, each a generation with its two ends."""
    bounds = tuple((float(cycle), low, high) for cycle, low, high in sure)
    curves = [_series(run, index, "coherence", run is chosen) for index, run in enumerate(runs)]
    return Chart(
        f"coherence{judged_words(runs)}",
        tuple(replace(curve, intervals=bounds) if curve.front else curve for curve in curves),
        (),
        cycle_ticks(runs),
        (0, 100),
        _empty(runs),
    )


def _empty(runs: Sequence[Run]) -> str:
    return "this judge scored nothing here" if judged_words(runs) else NOTHING


def judged_words(runs: Sequence[Run]) -> str:
    """Whose scores a chart has, where somebody chose a judge: a chart may be saved and shown alone."""
    return by_words(next((run.judged_by for run in runs if run.judged_by), ""))


def _series(run: Run, index: int, measure: str, chosen: bool) -> Series:
    found = [(point, getattr(point, measure)) for point in run.points]
    points = tuple((float(point.cycle), float(value)) for point, value in found if value is not None)
    intervals: tuple[Bounds, ...] = ()
    if chosen and measure == "trait":
        intervals = tuple(
            (float(p.cycle), p.low, p.high) for p in run.points if p.low is not None and p.high is not None
        )
    marker, colour = MARKERS[index % len(MARKERS)], COLOURS[index % len(COLOURS)]
    inherited = sum(run.inherits(int(cycle)) for cycle, _ in points)
    return Series(run.name, points, intervals, marker, colour, front=chosen, inherited=inherited)


def cycle_ticks(runs: Sequence[Run]) -> tuple[tuple[float, str], ...]:
    """A tick for every planned generation."""
    last = max((run.cycles for run in runs), default=0)
    return tuple((float(cycle), generation(cycle)) for cycle in range(BASE, last + 1))


def trace_chart(trace: Trace | None, starts: Sequence[tuple[float, int]], name: str) -> Chart:
    """A logged quantity of all trainings in a row, a tick where each cycle's training begins."""
    if trace is None:
        return Chart(name, empty="not logged yet")
    ticks = tuple((at, generation(cycle)) for at, cycle in starts)
    return Chart(name, (Series(name, trace.values, dots=False),), (), ticks)


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
