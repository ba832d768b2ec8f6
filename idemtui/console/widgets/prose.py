"""Model text on the screen: made harmless first, and never read as markup."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.style import Style
from rich.text import Text

from idemtui.console.text_facts import Judgement, Reading, Rung, Sample
from idemtui.console.words import NONE, generation, number
from idemtui.text import plain
from idemtui.worddiff import Piece

REMOVED = Style(color="red", bold=True)
ADDED = Style(color="green", bold=True)
FAINT = Style(dim=True)
STRONG = Style(bold=True)


def sample_text(reading: Reading, run_name: str) -> Text:
    """One sample in full: what it is, its scores, prompt and answer, and its measures."""
    sample, judgements = reading.sample, reading.judgements
    text = Text()
    text.append(f"{plain(run_name)}  {generation(sample.cycle)}  {sample.purpose}", STRONG)
    text.append(f"  draw {sample.draw}" + _writer(sample) + "\n", FAINT)
    text.append(_scores(judgements) + "\n")
    if not sample.kept:
        text.append(f"left out of training: {sample.kept_reason or 'no reason recorded'}\n", Style(color="yellow"))
    text.append("\nPROMPT\n", FAINT)
    text.append((plain(sample.prompt) or "(none: the model starts from nothing)") + "\n")
    text.append("\nANSWER\n", FAINT)
    text.append((plain(sample.response) or "(empty)") + "\n\n")
    text.append(_measures(sample) + "\n", FAINT)
    text.append(_judged(judgements), FAINT)
    return text


def _writer(sample: Sample) -> str:
    if sample.drawn_by is None or sample.drawn_by == sample.cycle:
        return ""
    return f"  written by {generation(sample.drawn_by)}"


def _scores(judgements: Sequence[Judgement]) -> str:
    if not judgements:
        return "not judged"
    return "  ".join(f"{j.metric} {number(j.value) if j.value is not None else j.label or NONE}" for j in judgements)


def _measures(sample: Sample) -> str:
    return (
        f"{sample.tokens} tokens, stopped by {sample.stop_reason}; "
        f"{number(sample.mean_sentence_length)} words a sentence, "
        f"repeated 4-grams {number(sample.repeat_4gram, 2)}, echo {number(sample.echo, 2)}"
    )


def _judged(judgements: Iterable[Judgement]) -> str:
    return "\n".join(
        f"{j.metric}: {j.label or 'number'}, mass {number(j.mass, 2)}, variance {number(j.variance)}"
        for j in judgements
    )


def rung_head(answer: Rung | None, cycle: int, count: int) -> Text:
    """The line above one side of the ladder."""
    text = Text(no_wrap=True, end="")
    text.append(f" {generation(cycle)} ", Style(bold=True, reverse=True))
    if answer is not None:
        text.append(f" s {number(answer.trait)}  coherence {number(answer.coherence)}")
        text.append(f"  draw {answer.draw} of {count}", FAINT)
    return text


def difference(pieces: Iterable[Piece], side: str) -> Text:
    """One side's words: `removed` shows `[-…-]` on the left, `added` shows `{+…+}` on the right."""
    text = Text()
    opening, closing, style = ("[-", "-]", REMOVED) if side == "removed" else ("{+", "+}", ADDED)
    for piece in pieces:
        if piece.change == "same":
            text.append(piece.text)
        elif piece.change == side:
            bare = piece.text.strip()
            before, after = piece.text.split(bare, 1) if bare else (piece.text, "")
            text.append(before)
            text.append(f"{opening}{bare}{closing}" if bare else "", style)
            text.append(after)
    return text
