"""Numbers, generations and states in the words and signs that every screen shares."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from idemtui.console.facts import BASE, Run
from idemtui.text import one_line
from store.methods import is_drawn
from store.queries import Verdict

NONE = "–"
DRAWN = "≈"
"""Before a score that is a mean of drawn numbers (`judge.method = "sampled"`)."""
BARS = "▁▂▃▄▅▆▇█"
SIGNS = {"queued": "·", "running": "●", "paused": "‖", "finished": "✓", "failed": "✗", "cancelled": "○"}
STAGES = {
    "seed_rows": "seed",
    "sample_train": "draw",
    "select": "select",
    "sample_rejected": "rej.",
    "rows": "rows",
    "train": "train",
    "sample_eval": "eval",
    "likelihood": "nll",
    "judge": "judge",
}


def generation(cycle: int) -> str:
    """`base` for M_init, `M0` for the seeded model, `M1` … after it."""
    return "base" if cycle == BASE else f"M{cycle}"


def number(value: float | None, digits: int = 1) -> str:
    """A score, or a dash where there is none."""
    return NONE if value is None else f"{value:.{digits}f}"


def interval(low: float | None, high: float | None, digits: int = 1) -> str:
    """`[low, high]` with true minus signs, or a dash."""
    return NONE if low is None or high is None else f"[{number(low, digits)}, {number(high, digits)}]".replace("-", "−")


def by_words(judge: str) -> str:
    """Whose scores a chart has, behind its title; empty where they are each run's own judge's."""
    return f"  by {one_line(judge)}" if judge else ""


def score(value: float | None, method: str | None, digits: int = 1) -> str:
    """A score by a judge's method; behind ≈ and without decimals where the judge drew it."""
    return f"{DRAWN}{number(value, 0)}" if value is not None and is_drawn(method) else number(value, digits)


def signed(value: float | None) -> str:
    """A difference with its sign (a true minus), or a dash."""
    if value is None:
        return NONE
    return f"{value:+.1f}".replace("-", "−")


def spark(values: Iterable[float | None], top: float = 100.0) -> str:
    """A curve in one line, each value one of eight bars from 0 to `top`; a gap where there is none."""
    return "".join(" " if value is None else _bar(value, top) for value in values)


def _bar(value: float, top: float) -> str:
    step = int(min(max(value, 0.0), top) / top * len(BARS))
    return BARS[min(step, len(BARS) - 1)]


def spark_delta(values: Iterable[float | None]) -> str:
    """Differences in one line: ▄ and below for less than 0, ▅ and above for more, a step every 10 points."""
    return "".join(" " if value is None else _bar(value + 40.0, 80.0) for value in values)


def left_words(run: Run) -> str:
    """How long a live run still has: `45 s`, `12 min`, `3 h 20`; a dash where that is not known."""
    seconds = run.stage.left_seconds if run.stage else None
    if seconds is None:
        return NONE
    if seconds < 90:
        return f"{5 * max(round(seconds / 5), 1)} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d}"


def cycle_of(run: Run) -> str:
    """How far a chain is: `3/6`, `base/6` before its seed, a dash before it started."""
    cycle = run.stage.cycle if run.stage else run.last.cycle if run.last else None
    return NONE if cycle is None else f"{'base' if cycle == BASE else cycle}/{run.cycles}"


def doing(run: Run) -> str:
    """What a run is doing now: its stage with its share done, else its status."""
    stage = run.stage
    if not run.live or stage is None:
        return run.status
    name = STAGES.get(stage.name, stage.name)
    return f"{name} {min(100 * stage.done // stage.total, 99)}%" if stage.total else name


def paper_word(verdict: Verdict | None) -> str:
    """The paper's rule in a word; a dash before it can be said."""
    if verdict is None or verdict.amplified_by_paper is None:
        return NONE
    return "amplified" if verdict.amplified_by_paper else "not ampl."


def chain_words(verdict: Verdict | None) -> str:
    """One chain in figures: A, L with its interval, and what else is to be known."""
    if verdict is None or verdict.a is None:
        return ""
    words = [f"A {signed(verdict.a)}"]
    if verdict.l is not None:
        within = f" [{signed(verdict.ci_low)}, {signed(verdict.ci_high)}]" if verdict.ci_low is not None else ""
        words.append(f"L {signed(verdict.l)}{within}")
    return "  ".join([*words, *verdict.suffixes])


def verdict_label(verdict: Verdict | None) -> str:
    """A cell's label, a single chain's by the paper's rule; a dash where there is none."""
    if verdict is None:
        return NONE
    return paper_word(verdict) if verdict.scope == "run" else verdict.label or NONE


def verdict_words(verdict: Verdict | None) -> str:
    """A verdict in figures; a single chain is called one."""
    words = chain_words(verdict)
    return f"{words}  (one chain)" if words and verdict and verdict.scope == "run" else words


def variance_words(verdict: Verdict) -> str:
    """Where a verdict's variance comes from, standard deviations in points; nothing where nobody can tell."""
    parts = {"samples": verdict.sd_samples, "prompts": verdict.sd_prompts, "replicates": verdict.sd_replicates}
    told = [f"{name} {number(sd)}" for name, sd in parts.items() if sd is not None]
    return "sd of " + ", ".join(told) if told else ""


def time_of_day(ts: datetime) -> str:
    """The wall clock's hours, minutes and seconds here; times in the lab are UTC."""
    aware = ts if ts.tzinfo else ts.replace(tzinfo=UTC)
    return aware.astimezone().strftime("%H:%M:%S")


SAID: dict[str, str] = {
    "run_started": "worker {pid} on {host} took up the run ({device}, {threads} threads)",
    "judge_declared": "{metric} is judged by {model} ({method}, rubric {rubric_version})",
    "cycle_started": "{generation} begins",
    "stage_started": "{generation}: {stage} of {total} began",
    "stage_finished": "{generation}: {stage} done in {seconds:.1f} s, {tokens} tokens",
    "stage_done": "{generation}: {stage} done in {seconds:.1f} s",
    "samples_drawn": "{generation}: batch {batch} of {purpose} samples drawn",
    "samples_judged": "{generation}: batch {batch} judged for {metric}",
    "likelihoods_measured": "{generation}: batch {batch} measured under its writer and M_init",
    "diversity_measured": "{generation}: distinct-n over {budget} of {words} words",
    "rows_built": "{generation}: training rows built",
    "adapter_trained": "{generation}: trained from {init}, {optimizer_steps} steps, ‖ΔW‖ {delta_norm:.3g}",
    "noted": "{topic}: {message}",
    "chain_marked": "{generation}: marked by {rule}: {message}",
    "cycle_finished": "{generation} is finished",
    "run_finished": "the chain is complete",
    "run_failed": "failed: {message}",
    "run_cancelled": "cancelled: {reason}",
    "run_paused": "paused ({cause}): {message}",
}


def event_words(type_: str, payload: dict[str, Any]) -> str:
    """One event as a sentence; one that is not known keeps its name."""
    fields = dict(payload)
    if isinstance(fields.get("cycle"), int):
        fields["generation"] = generation(fields["cycle"])
    if "stage" in fields:
        fields["stage"] = STAGES.get(fields["stage"], fields["stage"])
    if type_ == "stage_finished" and fields.get("tokens") == 0:
        type_ = "stage_done"
    try:
        return SAID[type_].format(**fields)
    except (KeyError, ValueError, TypeError):
        return type_.replace("_", " ")
