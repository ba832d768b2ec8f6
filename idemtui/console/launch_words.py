"""A study being put together, in cells and lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from rich.text import Text

from idemtui.console.widgets.columns import Cell, Column, Tone, name_cells
from idemtui.console.words import NONE
from idemtui.text import one_line

if TYPE_CHECKING:
    from engine.spec import RunSpec
    from idemtui.launch.resolution import Line, Resolution
    from idemtui.preflight.facts import Preflight

FORM = (
    Column("", 1),
    Column("setting", 23, most=25),
    Column("value", 16, flex=2),
    Column("from", 7),
    Column("paper", 8, rank=1, flex=1),
    Column("recipe", 8, rank=2, flex=1),
)
RUNS = (
    Column("run", 20, flex=3, name=True),
    Column("control", 13, rank=1),
    Column("regime", 6, rank=2),
    Column("seed", 5, right=True),
    Column("cycles", 6, rank=3, right=True),
    Column("run id", 10, rank=4),
)
PANELS = ("#settings", "#grid", "#stages-scroll", "#toml")
ORIGINS: dict[str, Tone] = {"study": "accent", "recipe": "", "default": "dim"}
TYPE = (
    "Enter edits and takes, Esc forgets: one value, or several with commas for a grid; "
    "nothing leaves it to recipe and default."
)


def setting_cells(line: Line) -> Sequence[Cell]:
    """One setting; several values are marked as a grid, a wrong one with its sign."""
    tone: Tone = "bad" if line.wrong else ORIGINS.get(line.origin, "dim")
    mark = "✗" if line.wrong else "×" if len(line.values) > 1 else ""
    return (
        Cell(mark, tone),
        Cell(line.meaning.key, tone),
        Cell(one_line(line.value) or NONE, tone),
        Cell("grid" if len(line.values) > 1 else line.origin or NONE, tone),
        Cell(one_line(line.paper) or NONE, "dim"),
        Cell(one_line(line.recipe) or NONE, "dim"),
    )


def grid_rows(specs: Sequence[RunSpec]) -> list[Sequence[Cell]]:
    """The runs of the grid."""
    named = name_cells([one_line(spec.name) for spec in specs])
    return [run_cells(spec, name) for spec, name in zip(specs, named, strict=True)]


def run_cells(spec: RunSpec, name: Cell) -> Sequence[Cell]:
    """One run of the grid."""
    run = spec.run
    tone: Tone = "dim" if run.control else ""
    return (
        replace(name, tone=tone),
        Cell(run.control or NONE, tone),
        Cell(run.regime, tone),
        Cell(str(run.seed), tone),
        Cell(str(run.cycles), tone),
        Cell(spec.run_id, "dim"),
    )


def headline(found: Resolution, costs: Preflight | None) -> Text:
    """How many runs in how long, or what is wrong."""
    if found.error:
        where = "" if found.wrong_key is None else "  (its setting is marked)"
        return Text(f"✗ {one_line(found.error)}{where}", "bold red", end="")
    names = {spec.study for spec in found.specs}
    text = Text(f" {one_line(', '.join(names))}", "bold", end="")
    if costs is not None:
        from idemtui.preflight.words import runs_words, time_words

        text.append(f"  {runs_words(costs)}  {time_words(costs)}", "not bold")
    return text


def meaning_text(line: Line) -> Text:
    """What a setting means, may be, is elsewhere; first what is wrong with it."""
    meaning = line.meaning
    text = Text(end="")
    if line.wrong:
        text.append(f"✗ {one_line(line.wrong)}\n", "bold red")
    text.append(f"{meaning.sentence} " if meaning.sentence else "")
    text.append(f"Allowed: {meaning.allowed}.", "dim")
    elsewhere = [("The paper", line.paper), ("the model's recipe", line.recipe)]
    said = [f"{who}: {one_line(value)}" for who, value in elsewhere if value]
    if not said and meaning.default is not None:
        said = [f"default: {one_line(str(meaning.default))}"]
    text.append(f" {'; '.join(said)}." if said else "", "dim")
    text.append(f"\n{TYPE}", "dim")
    return text


def cost_text(costs: Preflight | None) -> Text:
    """The preflight in five lines, and what speaks against the study."""
    text = Text(end="")
    if costs is None:
        return text
    from idemtui.preflight.words import facts

    for word, line in facts(costs)[1:]:
        text.append(f" {word:8}", "bold").append(f"{one_line(line)}\n")
    for line in costs.warnings:
        text.append(f" ! {one_line(line)}\n", "bold red")
    text.rstrip()
    return text


def stages_text(costs: Preflight | None) -> Text:
    """Every stage with its items and seconds, and what the figures rest on."""
    if costs is None:
        return Text("Nothing to count while something is wrong.", "dim")
    from idemtui.preflight.words import facts, stage_words

    text = Text()
    text.append("What it would cost\n\n", "bold")
    for word, line in facts(costs):
        text.append(f"{word:9}", "bold").append(f"{line}\n")
    text.append("\n" + "\n".join(map(stage_words, costs.stages)) + "\n\n")
    for line in costs.models:
        text.append(f"{one_line(line)}\n")
    for line in costs.assumed:
        text.append(f"Assumed: {line}.\n", "dim")
    return text


def question(costs: Preflight, study: str) -> str:
    """What is asked before it is queued."""
    from idemtui.preflight.words import facts

    lines = [f"{word:8}{one_line(line)}" for word, line in facts(costs)]
    warnings = [f"! {one_line(line)}" for line in costs.warnings]
    return "\n".join([f"Queue {one_line(study)}?", "", *lines, *warnings])
