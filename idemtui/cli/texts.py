"""`samples` and `diff`: reading what models wrote, one by one or two generations beside each other."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, cast, get_args

import typer

from engine.errors import UsageError
from idemtui.cli.options import ByJudge, Json, Run, lab_of
from idemtui.text import plain
from idemtui.worddiff import Piece, marked, word_diff

if TYPE_CHECKING:
    from rich.padding import Padding

    from store.client import Client
    from store.ladders import LadderPrompt
    from store.listing import Order, Where

LADDER = """
SELECT cycle, prompt_id, prompt, draw, response, trait, coherence, sample_id, j.method AS judge_method
FROM ladder AS l
LEFT JOIN run_judges AS o ON o.run_id = l.run_id AND o.metric = 'trait'
LEFT JOIN judges AS j ON j.judge_id = o.judge_id AND j.metric = o.metric
WHERE l.run_id = $run AND draw = $draw
    AND ($prompt IS NULL OR prompt_id = $prompt OR contains(lower(prompt), lower($prompt)))
ORDER BY prompt, prompt_id, cycle
"""

Cycle = Annotated[int | None, typer.Option(help="One generation: −1 is base, 0 the seeded model.")]
Prompt = Annotated[str | None, typer.Option(metavar="TEXT", help="Part of the prompt, or its id.")]
SORTS = "drawn, trait, coherence, jump (since the generation before), length, time."


def samples(
    context: typer.Context,
    run: Annotated[str | None, typer.Argument(metavar="[RUN]", help="One run or job, else all runs.")] = None,
    study: Annotated[str | None, typer.Option(help="Runs of one study.")] = None,
    trait: Annotated[str | None, typer.Option(help="Runs of one trait.")] = None,
    cycle: Cycle = None,
    purpose: Annotated[str | None, typer.Option(help="seed, train, rejected or eval.")] = None,
    prompt: Prompt = None,
    min_score: Annotated[float | None, typer.Option(help="Trait score at least.")] = None,
    max_score: Annotated[float | None, typer.Option(help="Trait score at most.")] = None,
    label: Annotated[str | None, typer.Option(help="The judge's word: score, refusal, code, empty, …")] = None,
    mark: Annotated[str | None, typer.Option(help="A person's mark; any for all of them.")] = None,
    regex: Annotated[str | None, typer.Option(help="Only texts that match (RE2).")] = None,
    where: Annotated[str, typer.Option("--in", help="Where --regex looks: answers, prompts or both.")] = "answers",
    sort: Annotated[str, typer.Option(help=SORTS)] = "drawn",
    limit: Annotated[int, typer.Option(min=1, help="Samples at most.")] = 20,
    full: Annotated[bool, typer.Option("--full", help="Whole texts instead of one line each.")] = False,
    as_json: Json = False,
) -> None:
    """Read samples with their scores: one run's, a job's texts, or the whole lab's."""
    from dataclasses import asdict

    from idemtui.cli.output import print_json
    from idemtui.cli.reading import chosen_works, open_client
    from store.listing import PURPOSES, Order, SampleFilter, Where, listed
    from store.methods import judge_methods

    _check("--purpose", purpose, PURPOSES)
    _check("--sort", sort, get_args(Order))
    _check("--in", where, get_args(Where))
    with open_client(lab_of(context)) as client:
        run_id = chosen_works(client, [run])[0]["run_id"] if run is not None else None
        wanted = SampleFilter(
            run_id, study, trait, cycle, purpose, prompt, min_score, max_score, label, mark, regex, cast("Where", where)
        )
        lines = listed(client, wanted, cast("Order", sort), limit)
        names = dict(client.sql("SELECT run_id, name FROM runs UNION ALL SELECT job_id, name FROM jobs").tuples())
        methods = judge_methods(client, list({line.run_id for line in lines}))
    found = [{"run": names.get(line.run_id), **asdict(line), "judge": methods.get(line.run_id)} for line in lines]
    for one in found:
        del one["place"]
    if as_json:
        print_json([{**one, "judge_method": one.pop("judge")} for one in found])
    elif full:
        for sample in found:
            _print_full(sample)
    else:
        _print_lines(found, one_run=run is not None)


def _check(option: str, value: str | None, allowed: Sequence[str]) -> None:
    if value is not None and value not in allowed:
        raise UsageError(f"{option} {value}: no such thing; allowed: {', '.join(allowed)}.")


def _print_lines(found: list[dict[str, Any]], *, one_run: bool) -> None:
    from idemtui.cli.output import print_table
    from idemtui.console.words import generation, signed
    from idemtui.drawn import naming_drawn

    shown = [
        {
            **sample,
            "cycle": generation(sample["cycle"]),
            "trait": score(sample, "trait"),
            "coherence": score(sample, "coherence"),
            "jump": signed(sample["jump"]),
        }
        for sample in found
    ]
    columns = ("run", "cycle", "purpose", "trait", "jump", "coherence", "judge", "prompt", "response")
    print_table(naming_drawn(columns[one_run:], shown), shown, empty="no such samples", spare=("jump", "purpose"))


def _print_full(sample: dict[str, Any]) -> None:
    from idemtui.cli.output import print_text
    from idemtui.console.words import generation, number
    from idemtui.drawn import drawn_mark

    facts = [f"{generation(sample['cycle'])} {sample['purpose']}", f"trait {score(sample, 'trait')}"]
    facts.append(f"coherence {score(sample, 'coherence')}{drawn_mark(sample['judge'])}")
    facts += [f"{sample['tokens']} tokens", sample["stop_reason"]]
    facts.append(f"{number(sample['mean_sentence_length'])} words a sentence")
    if not sample["kept"]:
        facts.append(f"dropped: {sample['kept_reason']}")
    sys.stdout.write(f"── {sample['sample_id']}  {'  '.join(facts)}\n")
    print_text(sample["prompt"], "  > ")
    print_text(sample["response"], "    ")
    sys.stdout.write("\n")


def score(sample: dict[str, Any], metric: str) -> str:
    """A score, or the label that says why there is none."""
    from idemtui.console.words import number

    return number(sample[metric]) if sample[metric] is not None else (sample.get(f"{metric}_label") or "–")


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
    from idemtui.cli.reading import chosen_run, open_client, rows
    from store.judged import chosen_judge
    from store.ladders import prompts_by_jump

    with open_client(lab_of(context)) as client:
        first = chosen_run(client, run)
        second = chosen_run(client, other) if other else first
        old = rows(client, LADDER, run=first["run_id"], draw=draw, prompt=prompt)
        new = old if second is first else rows(client, LADDER, run=second["run_id"], draw=draw, prompt=prompt)
        by = None if judge is None else chosen_judge(client, [first["run_id"], second["run_id"]], judge)
        if by is not None:
            old = _rescored(client, old, first, by)
            new = old if second is first else _rescored(client, new, second, by)
        jumps = {one.prompt_id: one for one in prompts_by_jump(client, first["run_id"], by)}
    if not old or not new:
        raise UsageError(
            f"{run}: no evaluated answer of draw {draw}{f' to a prompt with {prompt!r}' if prompt else ''}."
        )
    two = cycles or (None if prompt is not None and other is None else _ends(old, new))
    pairs = _two_generations(old, new, two) if two else _ladder(old)
    places = list(jumps)
    pairs.sort(key=lambda pair: places.index(pair[1]["prompt_id"]) if pair[1]["prompt_id"] in jumps else len(places))
    chosen = _first_prompts(pairs, limit)
    if as_json:
        print_json([_pair_facts(before, after, jumps.get(after["prompt_id"])) for before, after in chosen])
    else:
        _print_pairs(chosen, jumps)


def _rescored(client: Client, rows: list[dict[str, Any]], run: dict[str, Any], judge: str) -> list[dict[str, Any]]:
    """A run's answers with one judge's scores in place of those of its own."""
    from store.judged import judged_answers
    from store.methods import judge_methods

    said = judged_answers(client, run["run_id"], None, judge)
    method = judge_methods(client, [run["run_id"]], judge).get(run["run_id"])
    return [
        {**row, "judge_method": method, **{name: said.get((row["sample_id"], name)) for name in ("trait", "coherence")}}
        for row in rows
    ]


Pair = tuple[dict[str, Any], dict[str, Any]]


def _ends(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> tuple[int, int]:
    """Base and the newest generation of one run; the newest that both runs have where there are two."""
    last = min(max(row["cycle"] for row in old), max(row["cycle"] for row in new))
    return (-1, last) if old is new else (last, last)


def _two_generations(old: list[dict[str, Any]], new: list[dict[str, Any]], cycles: tuple[int, int]) -> list[Pair]:
    for rows, cycle in ((old, cycles[0]), (new, cycles[1])):
        known = sorted({row["cycle"] for row in rows})
        if cycle not in known:
            raise UsageError(f"--cycles: no generation {cycle} was measured; there are {', '.join(map(str, known))}.")
    after = {row["prompt_id"]: row for row in new if row["cycle"] == cycles[1]}
    before = [row for row in old if row["cycle"] == cycles[0] and row["prompt_id"] in after]
    return [(row, after[row["prompt_id"]]) for row in before]


def _ladder(rows: list[dict[str, Any]]) -> list[Pair]:
    """Each generation's answer beside the one before; base stands beside itself."""
    pairs: list[Pair] = []
    for row in rows:
        same = bool(pairs) and pairs[-1][1]["prompt_id"] == row["prompt_id"]
        pairs.append((pairs[-1][1] if same else row, row))
    return pairs


def _first_prompts(pairs: list[Pair], limit: int) -> list[Pair]:
    prompts = list(dict.fromkeys(after["prompt_id"] for _, after in pairs))[:limit]
    return [pair for pair in pairs if pair[1]["prompt_id"] in prompts]


def _pair_facts(before: dict[str, Any], after: dict[str, Any], prompt: LadderPrompt | None) -> dict[str, Any]:
    return {
        "prompt_id": after["prompt_id"],
        "prompt": after["prompt"],
        "jump": prompt.jump if prompt else None,
        "jump_cycle": prompt.jump_cycle if prompt else None,
        "draw": after["draw"],
        "cycles": [before["cycle"], after["cycle"]],
        "responses": [before["response"], after["response"]],
        "trait": [before["trait"], after["trait"]],
        "coherence": [before["coherence"], after["coherence"]],
        "judge_method": [before["judge_method"], after["judge_method"]],
        "diff": marked(word_diff(before["response"], after["response"])),
    }


def _print_pairs(pairs: list[Pair], jumps: dict[str, LadderPrompt]) -> None:
    from idemtui.cli.output import print_text, terminal
    from idemtui.console.words import generation, number
    from idemtui.drawn import drawn_mark

    console = terminal()
    prompt = None
    for before, after in pairs:
        if after["prompt_id"] != prompt:
            prompt = after["prompt_id"]
            print_text(after["prompt"], "> ")
            sys.stdout.write(_jump_words(jumps.get(prompt)))
        if before is after:
            names, trait = generation(after["cycle"]), number(after["trait"])
        else:
            names = f"{generation(before['cycle'])} → {generation(after['cycle'])}"
            trait = f"{number(before['trait'])} → {number(after['trait'])}"
        coherence = f"{number(after['coherence'])}{drawn_mark(after['judge_method'])}"
        sys.stdout.write(f"  {names}   trait {trait}   coherence {coherence}\n")
        sys.stdout.flush()
        pieces = word_diff(plain(before["response"]), plain(after["response"]))
        if console.is_terminal:
            console.print(coloured(pieces))
        else:
            print_text(marked(pieces), "    ")
        sys.stdout.write("\n")


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
