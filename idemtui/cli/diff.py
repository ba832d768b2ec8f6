"""`diff`: how answers changed word by word, two generations beside each other or the whole ladder."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.errors import UsageError
from idemtui.cli.options import ByJudge, Json, Prompt, Run, lab_of
from idemtui.text import plain
from idemtui.worddiff import Piece, marked, word_diff

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.padding import Padding

    from store.ladders import LadderPrompt
    from store.texts import Rung

Pair = tuple["Rung", "Rung"]


def diff(
    context: typer.Context,
    run: Run,
    other: Annotated[str | None, typer.Argument(metavar="[RUN]", help="A second run, else the same.")] = None,
    cycles: Annotated[
        tuple[int, int] | None, typer.Option(metavar="I J", help="The two generations; −1 is base.")
    ] = None,
    prompt: Prompt = None,
    draw: Annotated[int, typer.Option(min=0, help="Which answer of each generation.")] = 0,
    limit: Annotated[int, typer.Option(min=1, help="Prompts at most.")] = 3,
    judge: ByJudge = None,
    as_json: Json = False,
) -> None:
    """Show word by word how answers changed, the prompt that jumped furthest first: two generations, or the ladder."""
    from idemtui.cli.output import print_json
    from idemtui.cli.reading import chosen_run, open_client
    from store.judged import chosen_judge
    from store.ladders import prompts_by_jump
    from store.methods import judge_methods
    from store.texts import rungs

    with open_client(lab_of(context)) as client:
        first = chosen_run(client, run)["run_id"]
        second = chosen_run(client, other)["run_id"] if other else first
        by = None if judge is None else chosen_judge(client, [first, second], judge)
        old = rungs(client, first, prompt, draw, by)
        new = old if second == first else rungs(client, second, prompt, draw, by)
        jumps = {one.prompt_id: one for one in prompts_by_jump(client, first, by)}
        methods = judge_methods(client, [first, second], by)
    if not old or not new:
        raise UsageError(
            f"{run}: no evaluated answer of draw {draw}{f' to a prompt with {prompt!r}' if prompt else ''}."
        )
    two = cycles or (None if prompt is not None and other is None else _ends(old, new))
    pairs = _two_generations(old, new, two) if two else _ladder(old)
    places = list(jumps)
    pairs.sort(key=lambda pair: places.index(pair[1].prompt_id) if pair[1].prompt_id in jumps else len(places))
    chosen = _first_prompts(pairs, limit)
    if as_json:
        print_json([_pair_facts(before, after, jumps.get(after.prompt_id), methods) for before, after in chosen])
    else:
        _print_pairs(chosen, jumps, methods)


def _ends(old: Sequence[Rung], new: Sequence[Rung]) -> tuple[int, int]:
    """Base and the newest generation of one run; the newest that both runs have where there are two."""
    last = min(max(rung.cycle for rung in old), max(rung.cycle for rung in new))
    return (-1, last) if old is new else (last, last)


def _two_generations(old: Sequence[Rung], new: Sequence[Rung], cycles: tuple[int, int]) -> list[Pair]:
    for rungs, cycle in ((old, cycles[0]), (new, cycles[1])):
        known = sorted({rung.cycle for rung in rungs})
        if cycle not in known:
            raise UsageError(f"--cycles: no generation {cycle} was measured; there are {', '.join(map(str, known))}.")
    after = {rung.prompt_id: rung for rung in new if rung.cycle == cycles[1]}
    before = [rung for rung in old if rung.cycle == cycles[0] and rung.prompt_id in after]
    return [(rung, after[rung.prompt_id]) for rung in before]


def _ladder(rungs: Sequence[Rung]) -> list[Pair]:
    """Each generation's answer beside the one before; base stands beside itself."""
    pairs: list[Pair] = []
    for rung in rungs:
        same = bool(pairs) and pairs[-1][1].prompt_id == rung.prompt_id
        pairs.append((pairs[-1][1] if same else rung, rung))
    return pairs


def _first_prompts(pairs: list[Pair], limit: int) -> list[Pair]:
    prompts = list(dict.fromkeys(after.prompt_id for _, after in pairs))[:limit]
    return [pair for pair in pairs if pair[1].prompt_id in prompts]


def _pair_facts(before: Rung, after: Rung, prompt: LadderPrompt | None, methods: Mapping[str, str]) -> dict[str, Any]:
    return {
        "prompt_id": after.prompt_id,
        "prompt": after.prompt,
        "jump": prompt.jump if prompt else None,
        "jump_cycle": prompt.jump_cycle if prompt else None,
        "draw": after.draw,
        "cycles": [before.cycle, after.cycle],
        "responses": [before.response, after.response],
        "trait": [before.trait, after.trait],
        "coherence": [before.coherence, after.coherence],
        "judge_method": [methods.get(before.run_id), methods.get(after.run_id)],
        "diff": marked(word_diff(before.response, after.response)),
    }


def _print_pairs(pairs: list[Pair], jumps: dict[str, LadderPrompt], methods: Mapping[str, str]) -> None:
    from idemtui.cli.output import print_text, terminal

    console = terminal()
    prompt = None
    for before, after in pairs:
        if after.prompt_id != prompt:
            prompt = after.prompt_id
            print_text(after.prompt, "> ")
            sys.stdout.write(_jump_words(jumps.get(prompt)))
        sys.stdout.write(f"  {_pair_words(before, after, methods.get(after.run_id))}\n")
        sys.stdout.flush()
        pieces = word_diff(plain(before.response), plain(after.response))
        if console.is_terminal:
            console.print(coloured(pieces))
        else:
            print_text(marked(pieces), "    ")
        sys.stdout.write("\n")


def _pair_words(before: Rung, after: Rung, method: str | None) -> str:
    """Which generations, and their scores."""
    from idemtui.console.words import generation, number
    from idemtui.drawn import drawn_mark

    names, trait = generation(after.cycle), number(after.trait)
    if before is not after:
        names, trait = f"{generation(before.cycle)} → {names}", f"{number(before.trait)} → {trait}"
    return f"{names}   trait {trait}   coherence {number(after.coherence)}{drawn_mark(method)}"


def _jump_words(prompt: LadderPrompt | None) -> str:
    from idemtui.console.words import generation, signed

    if prompt is None or prompt.jump is None or prompt.jump_cycle is None:
        return ""
    return f"  jumped furthest at {generation(prompt.jump_cycle)}: {signed(prompt.jump)}\n"


def coloured(pieces: list[Piece]) -> Padding:
    """Differences in colour, and marked for those who see none."""
    from rich.padding import Padding
    from rich.text import Text

    styles = {"same": "", "removed": "red", "added": "green"}
    text = Text()
    for piece in pieces:
        text.append(marked([piece]), styles[piece.change])
    return Padding(text, (0, 0, 0, 4))
