"""That a run ended, said where somebody hears it: a line on the screen, the terminal's bell, a desktop notification."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from idemtui.console.facts import Glance, Run
from idemtui.console.words import chain_words, paper_word
from idemtui.text import one_line

MOST_NAMES = 3
OSC = {"bell": "\a", "osc9": "\x1b]9;{words}\a", "osc777": "\x1b]777;notify;idemtui;{words}\a"}
ENDED = ("finished", "failed", "paused", "cancelled")


def ended(before: Glance, now: Glance) -> list[Run]:
    """The runs that a worker had before, and has no more."""
    live = {run.run_id for run in before.runs if run.live}
    return [run for run in now.runs if run.run_id in live and run.status in ENDED]


def ending_words(runs: Sequence[Run]) -> str:
    """`sft-reset finished: amplified  A +39.0`, a line for each; only names and number where they are many."""
    if len(runs) <= MOST_NAMES:
        return "\n".join(map(_line, runs))
    names = ", ".join(one_line(run.name, 24) for run in runs[:MOST_NAMES])
    return f"{len(runs)} runs ended: {names} and {len(runs) - MOST_NAMES} more"


def _line(run: Run) -> str:
    verdict = f"{paper_word(run.verdict)}  {chain_words(run.verdict)}" if run.verdict else ""
    words = verdict if run.status == "finished" else one_line(run.message)
    return f"{one_line(run.name)} {run.status}" + (f": {words}" if words else "")


def signal(kind: str, runs: Sequence[Run], environment: Mapping[str, str]) -> str:
    """The characters that make a terminal ring or notify; inside tmux wrapped so that it hands them on."""
    words = ending_words(runs).split("\n")[0].replace(";", ",")
    sequence = OSC[kind].format(words=words)
    if kind == "bell" or not environment.get("TMUX"):
        return sequence
    return "\x1bPtmux;" + sequence.replace("\x1b", "\x1b\x1b") + "\x1b\\"
