"""What can be done among the samples."""

from __future__ import annotations

from idemtui.console.action import Action

SORTS = "Sort as drawn, by trait, coherence, jump since the generation before, length, or time."

SAMPLES: tuple[Action, ...] = (
    Action(
        "samples",
        "slash",
        "filter",
        "Filter",
        "Filter by generation, score, mark and the like, and search with a regular expression.",
        True,
        "/",
    ),
    Action("samples", "left,h", "cycle(-1)", "Earlier", "Show an earlier generation's samples.", False, "←"),
    Action("samples", "right,l", "cycle(1)", "Generation", "Show a later generation's samples.", True, "←→"),
    Action("samples", "p", "purpose", "Purpose", "Show samples of another purpose: eval, train, rejected, seed, all."),
    Action("samples", "s", "order(1)", "Sort", SORTS),
    Action("samples", "S", "order(-1)", "Sort back", "Take the order before.", footer=False),
    Action("samples", "a", "all_runs", "All runs", "Show samples of every run, or of one."),
    Action("samples", "escape", "leave_off", "Stop or clear", "Stop a search, or clear the filter.", False),
    Action("samples", "enter", "read", "Read", "Read the sample over the whole width, or go back to both.", True, "⏎"),
    Action("samples", "space", "scroll_text(10)", "Scroll", "Scroll the text down.", footer=False),
    Action("samples", "b", "scroll_text(-10)", "Scroll up", "Scroll the text up.", footer=False),
    Action("samples", "m", "mark", "Mark", "Mark the sample with a word, or take a mark back."),
    Action("samples", "n", "remark", "Remark", "Write a remark to the sample.", footer=False),
    Action("samples", "L", "to_ladder", "Ladder", "Go to this sample's prompt, generation by generation.", False),
    Action("samples", "B", "label", "Label", "Score the run's answers blind, to see how far the judge agrees."),
    Action("samples", "A", "ancestry", "Ancestry", "Show the training rows that this answer goes back to.", False),
    Action("samples", "W", "phrases", "Phrases", "Show which phrases spread most in the run's answers.", False),
)
