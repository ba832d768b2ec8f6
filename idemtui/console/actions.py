"""Every key of the console, once: bindings, footer, command palette and help are made from this list."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from textual.binding import Binding, BindingType

Room = Literal["everywhere", "runs", "run", "samples", "ladder", "sql"]

ROOMS: dict[Room, str] = {
    "everywhere": "Everywhere",
    "runs": "1 Runs",
    "run": "2 Run",
    "samples": "3 Samples",
    "ladder": "4 Ladder",
    "sql": "5 SQL",
}


@dataclass(frozen=True)
class Action:
    """One thing a user can ask for: its keys, a word for the footer, a sentence for help and palette."""

    room: Room
    keys: str
    name: str
    label: str
    sentence: str
    footer: bool = True
    shown_key: str | None = None

    @property
    def id(self) -> str:
        """What it is called in a settings file: `runs.open`."""
        return f"{self.room}.{re.sub('[^a-z0-9]+', '-', self.label.lower())}"

    def binding(self) -> Binding:
        """The binding that Textual wants."""
        return Binding(
            self.keys,
            self.name,
            self.label,
            show=self.footer,
            key_display=self.shown_key,
            tooltip=self.sentence,
            id=self.id,
        )


ACTIONS: tuple[Action, ...] = (
    Action("everywhere", "1", "room('runs')", "Runs", "Go to the table of all runs.", footer=False),
    Action("everywhere", "2", "room('run')", "Run", "Go to one run in detail.", footer=False),
    Action("everywhere", "3", "room('samples')", "Samples", "Go to the samples and read them.", footer=False),
    Action("everywhere", "4", "room('ladder')", "Ladder", "Go to one prompt, generation by generation.", footer=False),
    Action("everywhere", "5", "room('sql')", "SQL", "Go to the SQL editor.", footer=False),
    Action("everywhere", "left_square_bracket", "other_run(-1)", "Run before", "Take the run before.", False, "["),
    Action("everywhere", "right_square_bracket", "other_run(1)", "Next run", "Take the next run.", False, "]"),
    Action("everywhere", "c", "cancel_run", "Cancel", "Cancel the chosen run, after asking."),
    Action(
        "everywhere",
        "r",
        "pause_or_resume",
        "Pause/resume",
        "Pause the chosen run at its next safe point, or continue it where its journal ends.",
    ),
    Action("everywhere", "f", "fork_run", "Fork", "Start a new run from one of the chosen run's generations."),
    Action("everywhere", "R", "retry_run", "Retry", "Try the chosen run again after it failed.", footer=False),
    Action(
        "everywhere",
        "plus,equals_sign",
        "priority(1)",
        "Raise priority",
        "Let the chosen run go before others.",
        False,
        "+",
    ),
    Action("everywhere", "minus", "priority(-1)", "Lower priority", "Let the chosen run wait for others.", False, "-"),
    Action(
        "everywhere",
        "I",
        "interrupted",
        "Interrupted",
        "Choose which of the runs that were interrupted go on.",
        footer=False,
    ),
    Action("everywhere", "T", "change_theme", "Theme", "Choose other colours.", footer=False),
    Action("everywhere", "question_mark", "keys", "Help", "Show all keys.", True, "?"),
    Action("everywhere", "q", "quit", "Quit", "Leave; workers and server go on."),
    Action("runs", "enter", "open_run", "Open", "Open the run under the cursor.", True, "⏎"),
    Action("runs", "o", "overlay", "Overlay", "Draw all runs of the study, or only the one under the cursor."),
    Action("runs", "d", "demo", "Demo", "Start the pocket study (where the lab is empty)."),
    Action("run", "v", "panel(1)", "Panel", "Show the next panel: lineage, losses, events, log, settings."),
    Action("run", "V", "panel(-1)", "Panel before", "Show the panel before.", footer=False),
    Action("samples", "left,h", "cycle(-1)", "Earlier", "Show an earlier generation's samples.", True, "←"),
    Action("samples", "right,l", "cycle(1)", "Later", "Show a later generation's samples.", True, "→"),
    Action("samples", "p", "purpose", "Purpose", "Show samples of another purpose: eval, train, rejected, seed, all."),
    Action("samples", "s", "order", "Sort", "Sort as drawn, by trait, by coherence, or by length."),
    Action("samples", "a", "all_runs", "All runs", "Show samples of every run, or of one.", False),
    Action("samples", "enter", "read", "Read", "Read the sample over the whole width, or go back to both.", True, "⏎"),
    Action("samples", "space", "scroll_text(10)", "Scroll", "Scroll the text down.", footer=False),
    Action("samples", "b", "scroll_text(-10)", "Scroll up", "Scroll the text up.", footer=False),
    Action("ladder", "left,h", "right_rung(-1)", "Right", "Move the right side a generation down.", True, "←→"),
    Action("ladder", "right,l", "right_rung(1)", "Right up", "Move the right side a generation up.", footer=False),
    Action("ladder", "shift+left,H", "left_rung(-1)", "Left", "Move the left side a generation down.", True, "⇧←→"),
    Action("ladder", "shift+right,L", "left_rung(1)", "Left up", "Move the left side a generation up.", footer=False),
    Action("ladder", "up,k", "prompt(-1)", "Prompt", "Take the prompt before.", True, "↑↓"),
    Action("ladder", "down,j", "prompt(1)", "Next prompt", "Take the next prompt.", footer=False),
    Action("ladder", "pageup", "scroll(-10)", "Scroll up", "Scroll both sides up.", footer=False),
    Action("ladder", "pagedown", "scroll(10)", "Scroll", "Scroll both sides down.", footer=False),
    Action("ladder", "comma", "draw(-1)", "Draw", "Show the draw before.", True, ",."),
    Action("ladder", "full_stop", "draw(1)", "Next draw", "Show the next draw.", footer=False, shown_key="."),
    Action("sql", "f5,ctrl+j,ctrl+r", "run_query", "Run", "Run the statement.", True, "F5"),
    Action("sql", "f2,ctrl+n", "example", "Example", "Put the next example query into the editor.", True, "F2"),
    Action("sql", "escape", "leave_editor", "To table", "Go from the editor to the table.", True, "Esc"),
    Action("sql", "i", "edit", "Edit", "Go to the editor."),
)


def actions(*rooms: Room) -> tuple[Action, ...]:
    """The actions of some rooms, in the order of the list."""
    return tuple(action for action in ACTIONS if action.room in rooms)


def bindings(room: Room) -> list[BindingType]:
    """The bindings of one room."""
    return list(_bindings(actions(room)))


def _bindings(found: Iterable[Action]) -> Iterable[Binding]:
    return (action.binding() for action in found)
