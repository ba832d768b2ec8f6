"""One sample in full: what it is, prompt and answer, how the judge's belief was spread, and what people said."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.style import Style
from rich.text import Text

from idemtui.console.text_facts import Judgement, Line, Reading, Said
from idemtui.console.words import NONE, generation, number, score
from idemtui.drawn import drawn_mark
from idemtui.text import one_line, plain

FAINT, STRONG, WARN = Style(dim=True), Style(bold=True), Style(color="yellow")
MOST = 40_000
"""Characters of a text that are laid out on the screen; the command line prints all of them."""
EIGHTHS = " ▏▎▍▌▋▊▉█"
BAR = 24
LEAST, MOST_BARS = 0.005, 12
"""Share of belief, and number of scores, that a chart shows."""


def sample_text(reading: Reading, run_name: str) -> Text:
    """Everything about one sample, as text that nothing in it can turn into markup."""
    sample = reading.line
    text = Text()
    text.append(f"{plain(run_name)}  {generation(sample.cycle)}  {one_line(sample.purpose)}", STRONG)
    text.append(f"  draw {sample.draw}" + _writer(sample) + "\n", FAINT)
    counted = in_force(reading)
    text.append(("not scored by this judge" if reading.judgements and not counted else scores(counted)) + "\n")
    if not sample.kept:
        text.append(f"left out of training: {one_line(sample.kept_reason or 'no reason recorded')}\n", WARN)
    for said in reading.said:
        text.append(said_words(said) + "\n", WARN)
    text.append("\nPROMPT\n", FAINT)
    text.append((shown(sample.prompt) or "(none: the model starts from nothing)") + "\n")
    text.append("\nANSWER\n", FAINT)
    text.append((shown(sample.response) or "(empty)") + "\n\n")
    text.append(measures(sample) + "\n", FAINT)
    for judgement in reading.judgements:
        text.append("\n")
        for line, style in judged(judgement):
            text.append(line + "\n", style)
    text.append(f"\nsample {sample.sample_id}", FAINT)
    return text


def shown(text: str) -> str:
    """A harmless text, cut where laying it out would hold up the keys."""
    if len(text) <= MOST:
        return plain(text)
    return plain(text[:MOST]) + f"\n… and {len(text) - MOST:,} more characters (`idemtui samples --full` prints all)"


def _writer(sample: Line) -> str:
    if sample.drawn_by is None or sample.drawn_by == sample.cycle:
        return ""
    return f"  written by {generation(sample.drawn_by)}"


def in_force(reading: Reading) -> list[Judgement]:
    """One judgement of each metric: of trait and coherence those that the list shows, whoever else scored them."""
    line = reading.line
    listed = {"trait": (line.trait, line.trait_label), "coherence": (line.coherence, line.coherence_label)}
    held: dict[str, Judgement] = {}
    for judgement in reading.judgements:
        said = (judgement.value, judgement.label)
        if said == listed.get(judgement.metric, said):
            held.setdefault(judgement.metric, judgement)
    return list(held.values())


def scores(judgements: Sequence[Judgement]) -> str:
    """The judges' words in one line."""
    if not judgements:
        return "not judged"
    return "  ".join(
        f"{one_line(j.metric)} {score(j.value, j.method) if j.value is not None else one_line(j.label) or NONE}"
        for j in judgements
    )


def measures(sample: Line) -> str:
    """What was counted without a judge."""
    return (
        f"{sample.tokens} tokens, stopped by {one_line(sample.stop_reason)}; "
        f"{number(sample.mean_sentence_length)} words a sentence, "
        f"repeated 4-grams {number(sample.repeat_4gram, 2)}, echo {number(sample.echo, 2)}"
    )


def judged(judgement: Judgement) -> Iterator[tuple[str, Style]]:
    """One judgement: its number, how sure the judge was, and a bar for every score that it believed in."""
    value = (
        score(judgement.value, judgement.method)
        if judgement.value is not None
        else f"no score ({one_line(judgement.label)})"
    )
    spread = f"mass {number(judgement.mass, 2)}, variance {number(judgement.variance)}"
    yield f"JUDGE {one_line(judgement.metric)} {value}", STRONG
    yield f"{spread}, {one_line(judgement.judge_id)}{drawn_mark(judgement.method)}", FAINT
    believed = sorted((pair for pair in judgement.distribution if pair[1] >= LEAST), key=lambda pair: -pair[1])
    top = believed[0][1] if believed else 1.0
    for points, share in sorted(believed[:MOST_BARS], reverse=True):
        yield f"{points:>4} {bar(share / top)} {share:.2f}", Style()
    if len(believed) > MOST_BARS:
        yield f"     and {len(believed) - MOST_BARS} scores with less", FAINT


def bar(share: float, width: int = BAR) -> str:
    """A bar of `width` cells for the largest share, in eighths of a cell, padded to `width`."""
    eighths = round(min(max(share, 0.0), 1.0) * width * 8)
    full, rest = divmod(eighths, 8)
    return (EIGHTHS[8] * full + (EIGHTHS[rest] if rest else "")).ljust(width)


def said_words(said: Said) -> str:
    """`ann marked it odd`, `ann labelled trait 75`, `ann: reads like a prayer`."""
    author = one_line(said.author)
    if said.kind == "mark":
        return f"{author} marked it {one_line(said.what)}"
    if said.kind == "label":
        return f"{author} labelled {one_line(said.what)} {number(said.value, 0)}"
    return f"{author}: {one_line(said.note or '')}"
