"""Ladder: one prompt from base to the newest generation, or two generations or runs of it side by side."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

from rich.text import Text
from textual import on
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Static

from idemtui.console.facts import BASE, Run
from idemtui.console.messages import DifferenceMade, LadderMade, PromptsRead, RungsRead
from idemtui.console.reader import Reader
from idemtui.console.screens.room import Room
from idemtui.console.text_facts import LadderPrompt, Rung, Rungs
from idemtui.console.widgets.columns import Cell, Column
from idemtui.console.widgets.ledger import Ledger
from idemtui.console.widgets.prose import difference, ladder_text, rung_head
from idemtui.console.widgets.sides import Sides
from idemtui.console.widgets.still import Still
from idemtui.console.words import generation, score, signed
from idemtui.drawn import drawn_mark
from idemtui.text import one_line, plain
from idemtui.worddiff import word_diff

CLIMB = (
    Column("", 5),
    Column("gen", 4),
    Column("s", 4, right=True),
    Column("coh", 4, right=True),
    Column("answer", 30, flex=1),
)
SAME_RUN = "this run"


class LadderScreen(Room):
    """A prompt, its scores by generation, and the answers: under each other, or two beside each other."""

    ROOM = "ladder"

    def __init__(self) -> None:
        super().__init__()
        self._prompts: tuple[LadderPrompt, ...] = ()
        self._prompt = 0
        self._rungs: Rungs | None = None
        self._other_id: str | None = None
        self._other: Rungs | None = None
        self._draw = 0
        self._left, self._right = BASE, 0

    def contents(self) -> Iterable[Widget]:
        """Prompt, rungs, the ladder, two sides; below them every generation, where there is room."""
        yield Still(id="prompt")
        yield Still(id="rungs")
        ladder = VerticalScroll(Still(id="answers"), id="ladder")
        ladder.can_focus = False
        yield ladder
        yield Sides(id="sides")
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
            self._take_other(None)
        self.ask("prompts", partial(_prompts, run.run_id))

    @on(PromptsRead)
    def take_prompts(self, message: PromptsRead) -> None:
        """Stay with the prompt that is read, wherever it stands now."""
        run = self.chosen
        if run is None or message.run_id != run.run_id:
            return
        known = [prompt.prompt_id for prompt in message.prompts]
        at = self._rungs.prompt.prompt_id if self._rungs else ""
        self._prompts = message.prompts
        wanted, self.console_app.wanted_prompt = self.console_app.wanted_prompt, None
        at = wanted if wanted in known else at
        self._prompt = known.index(at) if at in known else 0
        if self._prompts:
            self._ask_rungs(run)
        else:
            self._show_nothing(run)

    def _ask_rungs(self, run: Run) -> None:
        prompt = self._prompts[self._prompt]
        self.ask("rungs", partial(_rungs, run.run_id, prompt))
        if self._other_id is not None:
            self.ask("other", partial(_rungs, self._other_id, prompt))

    @on(RungsRead)
    def take_rungs(self, message: RungsRead) -> None:
        """Show the answers; sides that do not exist move to the nearest that does."""
        rungs = message.rungs
        if self.chosen is not None and rungs.run_id == self.chosen.run_id:
            self._rungs = rungs
        elif rungs.run_id == self._other_id:
            self._other = rungs
        self._show()

    def _show_nothing(self, run: Run) -> None:
        self._rungs = None
        called = self.glance.called(run.run_id)
        self.query_one("#prompt", Static).update(f" {called}: no answers yet; base is measured first")
        for name in ("#rungs", "#answers"):
            self.query_one(name, Static).update("")

    @property
    def _right_rungs(self) -> Rungs | None:
        return self._rungs if self._other_id is None else self._other

    def _show(self) -> None:
        rungs, other = self._rungs, self._right_rungs
        if rungs is None or not rungs.cycles:
            return
        draw = rungs.draws[self._draw % len(rungs.draws)]
        self._left = nearest(rungs.cycles, self._left)
        self.query_one("#prompt", Static).update(self._prompt_line(rungs))
        sides = self.has_class("-sides")
        right = nearest(other.cycles, self._right) if other and other.cycles else self._right
        self._right = right
        shown = (self._left, right) if sides and self._other_id is None else (self._left,) if sides else ()
        self.query_one("#rungs", Static).update(rung_line(rungs, shown, self._method(rungs)))
        if not sides:
            self.ask("ladder", partial(_ladder, rungs, draw))
            return
        self._show_sides(rungs, other, draw)

    def _show_sides(self, rungs: Rungs, other: Rungs | None, draw: int) -> None:
        left = rungs.answer(self._left, draw)
        right = other.answer(self._right, draw) if other else None
        sides, count = self.query_one(Sides), len(rungs.draws)
        name = self.glance.called(self._other_id)
        sides.show_head("left", rung_head(left, self._left, count, method=self._method(rungs)))
        sides.show_head("right", rung_head(right, self._right, count, name, self._method(other)))
        self.ask("difference", partial(_difference, left, right))
        climb = self.query_one(Ledger)
        climb.show_rows([self._climb_cells(rungs, cycle, draw) for cycle in rungs.cycles])
        climb.cursor = rungs.cycles.index(nearest(rungs.cycles, self._right))

    @on(DifferenceMade)
    def show_difference(self, message: DifferenceMade) -> None:
        """Show both texts with their marks."""
        for side, change, answer in (("left", "removed", message.left), ("right", "added", message.right)):
            text = difference(message.pieces, change) if answer else Text("no such answer", "dim")
            self.query_one(Sides).show_text(side, text)

    @on(LadderMade)
    def show_ladder(self, message: LadderMade) -> None:
        """Show every generation's answer under the one before."""
        self.query_one("#answers", Static).update(ladder_text(message.steps, self._method(self._rungs)))

    def _climb_cells(self, rungs: Rungs, cycle: int, draw: int) -> Sequence[Cell]:
        answer = rungs.answer(cycle, draw)
        right, method = self._right if self._other_id is None else None, self._method(rungs)
        return (
            Cell({self._left: "left", right: "right"}.get(cycle, ""), "accent"),
            Cell(generation(cycle)),
            Cell(score(answer.trait if answer else None, method, 0)),
            Cell(score(answer.coherence if answer else None, method, 0)),
            Cell(one_line(answer.response) if answer else "", "dim"),
        )

    def _prompt_line(self, rungs: Rungs) -> Text:
        run = self.chosen
        text = Text(overflow="ellipsis", end="")
        called = self.glance.called(run.run_id) if run else ""
        text.append(f" {called}  prompt {self._prompt + 1}/{len(self._prompts)}  ", "dim")
        text.append(one_line(rungs.prompt.prompt) or "(none: the model starts from nothing)", "bold")
        prompt = next((one for one in self._prompts if one.prompt_id == rungs.prompt.prompt_id), rungs.prompt)
        if prompt.jump is not None and prompt.jump_cycle is not None:
            text.append(f"  jumped {signed(prompt.jump)} at {generation(prompt.jump_cycle)}", "dim")
        return text

    def action_view(self) -> None:
        """All generations, or two of them."""
        self._set_sides(not self.has_class("-sides"))
        self._show()

    def _set_sides(self, sides: bool) -> None:
        self.set_class(sides, "-sides")

    def action_right_rung(self, step: int) -> None:
        """Another generation on the right."""
        if self._right_rungs is not None and self._right_rungs.cycles:
            self._right = step_in(self._right_rungs.cycles, self._right, step)
            self._set_sides(True)
            self._show()

    def action_left_rung(self, step: int) -> None:
        """Another generation on the left."""
        if self._rungs is not None and self._rungs.cycles:
            self._left = step_in(self._rungs.cycles, self._left, step)
            self._set_sides(True)
            self._show()

    def action_other(self) -> None:
        """Choose whose answers stand on the right: those of runs of the same study come first."""
        from idemtui.console.screens.choose import ChooseScreen

        run = self.chosen
        if run is None:
            return
        others = sorted((r for r in self.glance.runs if r is not run), key=lambda r: r.study != run.study)
        choices = [(SAME_RUN, "two generations of it"), *((r.name, f"{r.study}  {r.regime} {r.arm}") for r in others)]
        ids = [None, *(r.run_id for r in others)]

        def taken(place: int | None) -> None:
            if place is not None:
                self._take_other(ids[place])
                self._set_sides(True)
                self._ask_rungs(run)

        now = ids.index(self._other_id) if self._other_id in ids else 0
        self.app.push_screen(ChooseScreen("On the right side:", choices, now), taken)

    def _take_other(self, run_id: str | None) -> None:
        self._other_id, self._other = run_id, None

    def _method(self, rungs: Rungs | None) -> str | None:
        return self.glance.method([rungs.run_id]) if rungs else None

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
        """Scroll the ladder, or both sides together."""
        if self.has_class("-sides"):
            self.query_one(Sides).scroll_both(lines)
        else:
            self.query_one("#ladder").scroll_relative(y=lines, animate=False)


def nearest(cycles: tuple[int, ...], wanted: int) -> int:
    """The generation closest to the wanted one."""
    return min(cycles, key=lambda cycle: (abs(cycle - wanted), cycle))


def step_in(cycles: tuple[int, ...], cycle: int, step: int) -> int:
    """The next generation in a direction; the ends hold."""
    place = cycles.index(nearest(cycles, cycle)) + step
    return cycles[max(0, min(place, len(cycles) - 1))]


def rung_line(rungs: Rungs, shown: Sequence[int], method: str | None = None) -> Text:
    """Every generation with the prompt's mean trait score; those that are shown stand in brackets."""
    text = Text(" s ", "dim", overflow="ellipsis", end="")
    for cycle in rungs.cycles:
        word = f"{generation(cycle)} {score(rungs.trait(cycle), method, 0)}"
        here = cycle in shown
        text.append(f"[{word}]" if here else f" {word} ", "bold" if here else "")
    text.append(drawn_mark(method), "dim")
    return text


def _prompts(run_id: str, reader: Reader) -> PromptsRead:
    return PromptsRead(run_id, reader.prompts(run_id))


def _rungs(run_id: str, prompt: LadderPrompt, reader: Reader) -> RungsRead:
    return RungsRead(reader.rungs(run_id, prompt))


def _difference(left: Rung | None, right: Rung | None, _: Reader) -> DifferenceMade:
    old, new = plain(left.response) if left else "", plain(right.response) if right else ""
    return DifferenceMade(left, right, word_diff(old, new))


def _ladder(rungs: Rungs, draw: int, _: Reader) -> LadderMade:
    """Each generation's answer beside the one before; the first has nothing before it."""
    answers = [answer for cycle in rungs.cycles if (answer := rungs.answer(cycle, draw)) is not None]
    texts = [plain(answer.response) for answer in answers]
    before = [texts[0] if texts else "", *texts]
    return LadderMade([(answer, word_diff(old, new)) for answer, old, new in zip(answers, before, texts, strict=False)])
