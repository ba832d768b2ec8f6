"""`label`, `mark` and `marks`: what people say of samples, blind or not, and how far the judge agrees."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.errors import UsageError
from idemtui.cli.options import Json, Run, lab_of, metric_of

if TYPE_CHECKING:
    from idemtui.labelling import Session
    from store.client import Client
    from store.statistics.agreement import Agreement

Author = Annotated[str | None, typer.Option(metavar="NAME", help="Who says it; else your user name.")]
Sample = Annotated[str, typer.Argument(metavar="SAMPLE", help="A sample id, as `idemtui samples --json` gives it.")]
ASKED = "0–4 (anchors), 5–100, s skip, u undo, q end: "
MEASURED = "SELECT DISTINCT cycle FROM chain_samples WHERE run_id = $run AND purpose = 'eval' ORDER BY cycle"
HOLDER = "SELECT run_id FROM samples WHERE sample_id = $sample"


def label(
    context: typer.Context,
    run: Run,
    metric: Annotated[str, typer.Option(help="trait, coherence, or trait:OTHER.")] = "trait",
    cycle: Annotated[int | None, typer.Option(help="Answers of one generation alone.")] = None,
    seed: Annotated[int, typer.Option(help="Of the order in which answers are shown.")] = 0,
    most: Annotated[int, typer.Option(min=1, help="Answers at most.")] = 50,
    author: Author = None,
    as_json: Json = False,
) -> None:
    """Score a run's answers blind, shuffled, one line each, then see how far its judge agrees."""
    from idemtui.cli.output import print_json
    from idemtui.cli.reading import chosen_run, existing, served_client
    from idemtui.labelling import Session, agreement_words
    from idemtui.labelling import author as user
    from store.labelling import to_label

    who, metric = author or user(), metric_of(metric)
    with served_client(existing(lab_of(context))) as client:
        run_id = chosen_run(client, run)["run_id"]
        if cycle is not None:
            _refuse_unmeasured(client, run_id, cycle)
        answers = to_label(client, run_id, who, metric, seed=seed, cycle=cycle, most=most)
        session = Session(tuple(answers), metric)
        _ask_all(client, session, who)
        found = judge_agreement(client, run_id, metric, who)
    if as_json:
        print_json({"labelled": len(session.values), "metric": metric, "author": who, **asdict(found)})
    else:
        sys.stdout.write(f"{len(session.values)} labelled. {agreement_words(found)}.\n")


def _refuse_unmeasured(client: Client, run_id: str, cycle: int) -> None:
    from idemtui.cli.reading import rows

    held = [row["cycle"] for row in rows(client, MEASURED, run=run_id)]
    if cycle not in held:
        there = ", ".join(map(str, held)) or "none yet"
        raise UsageError(f"--cycle: no answers of generation {cycle} to label; there are {there} (−1 is base).")


def judge_agreement(client: Client, run_id: str, metric: str, author: str | None = None) -> Agreement:
    """A person's labels (or all people's) beside the run's own judge."""
    from store.labelling import label_pairs
    from store.statistics.agreement import agreement

    pairs = label_pairs(client, run_id, metric, author)
    return agreement([pair.label for pair in pairs], [pair.score for pair in pairs])


def _ask_all(client: Client, session: Session, author: str) -> None:
    """Until the answers, or what stands on stdin, are over."""
    from idemtui.labelling import points

    while session.current is not None:
        _show(session)
        typed = _typed()
        match typed:
            case None | "q":
                return
            case "s":
                session.skip()
                continue
            case "u":
                note = session.undo()
            case _:
                try:
                    note = session.label(points(typed))
                except UsageError as error:
                    sys.stderr.write(f"idemtui: {error}\n")
                    continue
        if note is not None:
            client.command("annotate", author=author, notes=[note])


def _show(session: Session) -> None:
    """On stderr, as questions are: stdout is for what a program reads."""
    from idemtui.text import plain

    answer = session.current
    if answer is None:
        return
    lines = [f"── {session.place}"]
    lines += [f"  > {line}" for line in plain(answer.prompt).split("\n")]
    lines += [f"    {line}" for line in plain(answer.response or "(empty)").split("\n")]
    sys.stderr.write("\n".join(lines) + f"\n{ASKED}")
    sys.stderr.flush()


def _typed() -> str | None:
    line = sys.stdin.readline()
    return line.strip() if line else None


def mark(
    context: typer.Context,
    sample: Sample,
    mark: Annotated[str | None, typer.Argument(metavar="[MARK]", help="A word to find it again by.")] = None,
    note: Annotated[str | None, typer.Option(metavar="TEXT", help="A remark; an empty one takes the old back.")] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Take the mark back.")] = False,
    author: Author = None,
    as_json: Json = False,
) -> None:
    """Mark a sample with a word, or write a remark to it."""
    from idemtui.cli.output import print_json
    from idemtui.cli.reading import existing, rows, served_client
    from idemtui.labelling import author as user

    if mark is None and note is None:
        raise UsageError(f"{sample}: nothing to say; give a MARK, or --note TEXT.")
    with served_client(existing(lab_of(context))) as client:
        held = rows(client, HOLDER, sample=sample)
        if not held:
            raise UsageError(f"no sample {sample!r} in this lab; `idemtui samples RUN --json` gives their ids.")
        about = {"run_id": held[0]["run_id"], "sample_id": sample}
        notes: list[dict[str, Any]] = []
        if mark is not None:
            notes.append({"type": "unmark" if remove else "mark", "mark": mark, **about})
        if note is not None:
            notes.append({"type": "note", "note": note, **about})
        answer = client.command("annotate", author=author or user(), notes=notes)
    if as_json:
        print_json({**about, **answer})


def marks(
    context: typer.Context,
    run: Annotated[str | None, typer.Argument(metavar="[RUN]", help="One run, else all.")] = None,
    mark: Annotated[str | None, typer.Option(metavar="MARK", help="Samples with this mark alone.")] = None,
    as_json: Json = False,
) -> None:
    """List what people said of samples: marks, labels, remarks."""
    from idemtui.cli.output import print_json, print_table
    from idemtui.cli.reading import chosen_run, open_client
    from idemtui.console.words import generation
    from store.labelling import said

    with open_client(lab_of(context)) as client:
        found = [asdict(one) for one in said(client, chosen_run(client, run)["run_id"] if run else None, mark)]
    if as_json:
        print_json(found)
        return
    for one in found:
        one["cycle"] = generation(one["cycle"])
        one["said"] = one["note"] if one["kind"] == "note" else one["value"] if one["kind"] == "label" else ""
    columns = ("sample_id", "run", "cycle", "author", "kind", "what", "said", "response")
    none = f"no sample is marked {mark!r}" if mark else "nothing was said of any sample yet"
    print_table(columns, found, empty=none, spare=("author", "kind"))
