"""Ladder: one prompt, any two generations side by side, and what changed between them word by word."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

from rich.text import Text
from textual import on
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widget import Widget
from textual.widgets import Static

from idemtui.console.facts import BASE, Run
from idemtui.console.messages import DifferenceMade, PromptsRead, RungsRead
from idemtui.console.reader import Reader
from idemtui.console.screens.room import Room
from idemtui.console.text_facts import Prompt, Rung, Rungs
from idemtui.console.widgets.columns import Cell, Column
from idemtui.console.widgets.ledger import Ledger
from idemtui.console.widgets.prose import difference, rung_head
from idemtui.console.words import generation, number
from idemtui.text import one_line, plain
from idemtui.worddiff import word_diff

CLIMB = (
    Column("", 5),
    Column("gen", 4),
    Column("s", 3, right=True),
    Column("coh", 3, right=True),
    Column("answer", 30, flex=1),
)


class LadderScreen(Room):
    """Two answers with the rungs of the ladder above them."""

    ROOM = "ladder"

    def __init__(self) -> None:
        super().__init__()
        self._prompts: tuple[Prompt, ...] = ()
        self._prompt = 0
        self._rungs: Rungs | None = None
        self._draw = 0
        self._left, self._right = BASE, 0

    def contents(self) -> Iterable[Widget]:
        """Prompt, rungs, two sides; below them every generation, where there is room."""
        yield Static(id="prompt")
        yield Static(id="rungs")
        with Horizontal(id="sides"):
            for side in ("left", "right"):
                with Vertical(classes="side"):
                    yield Static(id=f"{side}-head", classes="head")
                    with VerticalScroll(id=f"{side}-scroll", can_focus=False):
                        yield Static(id=f"{side}-text")
        climb = Ledger(CLIMB, id="climb")
        climb.can_focus = False
        yield climb

    def lab_changed(self) -> None:
        """Ask for the run's prompts; answers follow."""
        run = self.chosen
        if run is None:
            self.query_one("#prompt", Static).update("No run yet: `1` shows the lab.")
            return
        if self._rungs is not None and self._rungs.run_id != run.run_id:
            self._rungs = None
        self.ask("prompts", partial(_prompts, run.run_id))

    @on(PromptsRead)
    def take_prompts(self, message: PromptsRead) -> None:
        """Keep the place in the list of prompts, where it still is."""
        run = self.chosen
        if run is None or message.run_id != run.run_id:
            return
        self._prompts = message.prompts
        self._prompt = min(self._prompt, max(len(self._prompts) - 1, 0))
        wanted, self.console_app.wanted_prompt = self.console_app.wanted_prompt, None
        self._prompt = next((i for i, p in enumerate(self._prompts) if p.prompt_id == wanted), self._prompt)
        if self._prompts:
            self._ask_rungs(run)
        else:
            self._show_nothing(run)

    def _ask_rungs(self, run: Run) -> None:
        self.ask("rungs", partial(_rungs, run.run_id, self._prompts[self._prompt]))

    @on(RungsRead)
    def take_rungs(self, message: RungsRead) -> None:
        """Show the answers; sides that do not exist move to the nearest that does."""
        if self.chosen is None or message.rungs.run_id != self.chosen.run_id:
            return
        self._rungs = message.rungs
        self._show()

    def _show_nothing(self, run: Run) -> None:
        self._rungs = None
        self.query_one("#prompt", Static).update(f" {one_line(run.name)}: no answers yet")
        for name in ("#rungs", "#left-head", "#right-head", "#left-text", "#right-text"):
            self.query_one(name, Static).update("")

    def _show(self) -> None:
        rungs = self._rungs
        if rungs is None or not rungs.cycles:
            return
        self._left, self._right = (nearest(rungs.cycles, cycle) for cycle in (self._left, self._right))
        draw = rungs.draws[self._draw % len(rungs.draws)]
        left, right = rungs.answer(self._left, draw), rungs.answer(self._right, draw)
        self.query_one("#prompt", Static).update(self._prompt_line(rungs))
        self.query_one("#rungs", Static).update(rung_line(rungs, self._left, self._right))
        self.query_one("#left-head", Static).update(rung_head(left, self._left, len(rungs.draws)))
        self.query_one("#right-head", Static).update(rung_head(right, self._right, len(rungs.draws)))
        self.ask("difference", partial(_difference, left, right))
        climb = self.query_one(Ledger)
        climb.show_rows([self._climb_cells(rungs, cycle, draw) for cycle in rungs.cycles])
        climb.cursor = rungs.cycles.index(self._right)

    @on(DifferenceMade)
    def show_difference(self, message: DifferenceMade) -> None:
        """Show both texts with their marks."""
        for side, change, answer in (("left", "removed", message.left), ("right", "added", message.right)):
            text = difference(message.pieces, change) if answer else Text("no such draw", "dim")
            self.query_one(f"#{side}-text", Static).update(text)

    def _climb_cells(self, rungs: Rungs, cycle: int, draw: int) -> Sequence[Cell]:
        answer = rungs.answer(cycle, draw)
        return (
            Cell({self._left: "left", self._right: "right"}.get(cycle, ""), "accent"),
            Cell(generation(cycle)),
            Cell(number(answer.trait if answer else None, 0)),
            Cell(number(answer.coherence if answer else None, 0)),
            Cell(one_line(answer.response) if answer else "", "dim"),
        )

    def _prompt_line(self, rungs: Rungs) -> Text:
        run = self.chosen
        text = Text(overflow="ellipsis", end="")
        text.append(f" {one_line(run.name) if run else ''}  prompt {self._prompt + 1}/{len(self._prompts)}  ", "dim")
        text.append(one_line(rungs.prompt.prompt) or "(none: the model starts from nothing)", "bold")
        return text

    def action_right_rung(self, step: int) -> None:
        """Another generation on the right."""
        if self._rungs is not None:
            self._right = step_in(self._rungs.cycles, self._right, step)
            self._show()

    def action_left_rung(self, step: int) -> None:
        """Another generation on the left."""
        if self._rungs is not None:
            self._left = step_in(self._rungs.cycles, self._left, step)
            self._show()

    def action_prompt(self, step: int) -> None:
        """Another prompt, from its beginning."""
        run = self.chosen
        if run is not None and self._prompts:
            self._prompt = (self._prompt + step) % len(self._prompts)
            self._ask_rungs(run)
            self.action_scroll(-1000)

    def action_draw(self, step: int) -> None:
        """Another draw of the same prompt."""
        self._draw += step
        self._show()

    def action_scroll(self, lines: int) -> None:
        """Scroll both sides together."""
        for side in ("#left-scroll", "#right-scroll"):
            self.query_one(side).scroll_relative(y=lines, animate=False)


def nearest(cycles: tuple[int, ...], wanted: int) -> int:
    """The generation closest to the wanted one."""
    return min(cycles, key=lambda cycle: (abs(cycle - wanted), cycle))


def step_in(cycles: tuple[int, ...], cycle: int, step: int) -> int:
    """The next generation in a direction; the ends hold."""
    place = cycles.index(nearest(cycles, cycle)) + step
    return cycles[max(0, min(place, len(cycles) - 1))]


def rung_line(rungs: Rungs, left: int, right: int) -> Text:
    """Every generation with the prompt's mean trait score; the two that are shown stand in brackets."""
    text = Text(" s ", "dim", overflow="ellipsis", end="")
    for cycle in rungs.cycles:
        word = f"{generation(cycle)} {number(rungs.trait(cycle), 0)}"
        shown = cycle in (left, right)
        text.append(f"[{word}]" if shown else f" {word} ", "bold" if shown else "")
    return text


def _prompts(run_id: str, reader: Reader) -> PromptsRead:
    return PromptsRead(run_id, reader.prompts(run_id))


def _rungs(run_id: str, prompt: Prompt, reader: Reader) -> RungsRead:
    return RungsRead(reader.rungs(run_id, prompt))


def _difference(left: Rung | None, right: Rung | None, _: Reader) -> DifferenceMade:
    old, new = plain(left.response) if left else "", plain(right.response) if right else ""
    return DifferenceMade(left, right, word_diff(old, new))
