"""What can be done among the samples."""

from __future__ import annotations

from idemtui.console.action import Action

SAMPLES: tuple[Action, ...] = (
    Action("samples", "left,h", "cycle(-1)", "Earlier", "Show an earlier generation's samples.", True, "←"),
    Action("samples", "right,l", "cycle(1)", "Later", "Show a later generation's samples.", True, "→"),
    Action("samples", "p", "purpose", "Purpose", "Show samples of another purpose: eval, train, rejected, seed, all."),
    Action("samples", "s", "order", "Sort", "Sort as drawn, by trait, by coherence, or by length."),
    Action("samples", "a", "all_runs", "All runs", "Show samples of every run, or of one.", False),
    Action("samples", "enter", "read", "Read", "Read the sample over the whole width, or go back to both.", True, "⏎"),
    Action("samples", "space", "scroll_text(10)", "Scroll", "Scroll the text down.", footer=False),
    Action("samples", "b", "scroll_text(-10)", "Scroll up", "Scroll the text up.", footer=False),
)
