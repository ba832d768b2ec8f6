"""A chain's lineage as a small picture: which weights each training started from, its reference, data and forks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from idemtui.console.facts import BASE, Adapter, Glance, Run
from idemtui.console.words import generation
from idemtui.text import one_line

INIT = "M_init"
INHERITED = "←"
LEAVES = 6
"""Trainings of one start that stand on lines of their own; of more the middle ones become one line."""


def family(run: Run, adapters: Sequence[Adapter], glance: Glance) -> list[str]:
    """Lines of the picture; what has not been trained yet is not drawn."""
    lines = tree(adapters) if adapters else [f"{INIT}   nothing trained yet"]
    lines.append("")
    lines.append(f"data       M0: {run.n_seed} seed texts; then {run.n_sampled} that the model before wrote")
    if run.reference:
        words = {"initial": f"{INIT}, every time", "previous": f"{INIT} at M0, then the model before"}
        lines.append(f"reference  {words.get(run.reference, run.reference)}")
    if run.rejected:
        before = INIT if run.rejected == "initial" else "the model before the one that writes the chosen side"
        lines.append(f"rejected   drawn from {before}")
    return lines + _forks(run, glance)


def tree(adapters: Sequence[Adapter]) -> list[str]:
    """`M_init ─┬─ M0`, a branch for every training; a chain of single steps stays on its line."""
    children: dict[str, list[Adapter]] = defaultdict(list)
    for adapter in adapters:
        children[adapter.init].append(adapter)
    made = {name(adapter) for adapter in adapters}
    starts = [start for start in children if start not in made] or [INIT]
    return [line for start in starts for line in _branch(start, start, children)]


def _branch(label: str, model: str, children: Mapping[str, Sequence[Adapter]]) -> list[str]:
    """The lines of one model and all that started from it; the first line begins with its label."""
    found = children.get(model, ())
    if not found:
        return [label]
    parts = [_branch(_label(child), name(child), children) for child in found]
    if len(parts) > LEAVES and all(len(part) == 1 for part in parts):
        parts = [*parts[:2], [f"… {len(parts) - 3} more, each anew"], parts[-1]]
    lines: list[str] = []
    room = " " * len(label)
    for place, part in enumerate(parts):
        last = place == len(parts) - 1
        joint = "───" if len(parts) == 1 else "─┬─" if not place else " └─" if last else " ├─"
        below = "   " if last else " │ "
        lines.append(f"{label if not place else room} {joint} {part[0]}")
        lines += [f"{room} {below} {line}" for line in part[1:]]
    return lines


def name(adapter: Adapter) -> str:
    """What other trainings call the model that this one made."""
    return f"M_{adapter.cycle}"


def _label(adapter: Adapter) -> str:
    return generation(adapter.cycle) + (INHERITED if adapter.made_by else "")


def _forks(run: Run, glance: Glance) -> list[str]:
    lines = []
    if run.parent_run_id is not None and run.forked_at_cycle is not None:
        parent = glance.run(run.parent_run_id)
        parent_name = one_line(parent.name) if parent else run.parent_run_id
        lines.append(f"fork of    {parent_name} at {generation(run.forked_at_cycle)}; {INHERITED} is the parent's")
    children = [other for other in glance.runs if other.parent_run_id == run.run_id]
    lines += [
        f"forked     into {one_line(other.name)} at {generation(other.forked_at_cycle or BASE)}" for other in children
    ]
    return lines
