"""What people ask of runs, with the secrets and settings that go with it; everything here blocks."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from typing import Any

from engine.errors import IdemtuiError, SpecError
from idemtui.console.answers import answer_words, newest_to_fork
from idemtui.console.facts import Run
from idemtui.console.reader import Reader
from idemtui.console.words import generation
from idemtui.text import one_line


def ask_each(reader: Reader, command: str, asked: Mapping[str, tuple[str, Mapping[str, object]]]) -> dict[str, Any]:
    """One command about runs, by run id with its name and what else goes with it, in their order.

    Of several runs one that is refused does not keep the others; its line says why.
    """
    answers: list[dict[str, Any]] = []
    for run_id, (name, fields) in asked.items():
        try:
            answer = reader.command(command, run_id=run_id, **fields)
        except IdemtuiError as error:
            if len(asked) == 1:
                raise
            answer = {"answer": str(error)}
        answers.append({**answer, "name": name})
    return {"runs": answers}


def queue_again(reader: Reader, verb: str, names: Mapping[str, str]) -> dict[str, Any]:
    """`resume` or `retry` runs (name by run id) in their order, with the secrets that they name and are set here.

    Of several runs one that is refused does not keep the others; its line says why.
    """
    from idemtui.cli.secrets import needed_by, values_of

    client = reader.client()
    answers: list[dict[str, Any]] = []
    for run_id, name in names.items():
        try:
            answer = client.command(verb, run_id=run_id, secrets=values_of(needed_by(client, [run_id])))
        except IdemtuiError as error:
            if len(names) == 1:
                raise
            answer = {"answer": str(error)}
        answers += [{**one, "name": name} for one in answer.get("runs", [answer])]
    return {"runs": answers}


def submit_forks(reader: Reader, runs: Sequence[Run], at: int, changes: str) -> str:
    """Queue a fork of each run at one generation and say what the server answered; SpecError for what may not be.

    Of several runs those without that generation are left out, each with a line; where anything else is wrong with one
    of them, nothing is queued.
    """
    from engine.forking import resolve_fork
    from engine.spec import RunSpec
    from idemtui.cli.studies import queue_specs

    stated = read_changes(changes)
    lacking = {run.run_id: line for run in runs if (line := lacks(run, at))}
    if len(lacking) == len(runs):
        raise SpecError("\n".join(lacking.values()))
    parents = [RunSpec.model_validate_json(reader.spec(run.run_id)) for run in runs if run.run_id not in lacking]
    specs = [resolve_fork(parent, at, stated) for parent in parents]
    queued = answer_words("", {"runs": queue_specs(reader.client(), specs, again=False, priority=0)})
    source = runs[0].name if len(runs) == 1 else f"{len(specs)} runs"
    return "\n".join([f"{queued} (from {source} at {generation(at)})", *lacking.values()])


def lacks(run: Run, at: int) -> str:
    """That a run has no such generation to fork from; empty where it has."""
    newest = newest_to_fork(run)
    if newest is not None and at <= newest:
        return ""
    has = "nothing to fork from yet" if newest is None else f"no {generation(at)}; its newest is {generation(newest)}"
    return f"{one_line(run.name)}: not forked, it has {has}."


def read_changes(text: str) -> dict[str, Any]:
    """`run.regime = "dpo"` and the like, by dotted name; SpecError for what is not TOML."""
    try:
        return dict(dotted(tomllib.loads(text)))
    except tomllib.TOMLDecodeError as error:
        raise SpecError(f'settings: not TOML: {error}; write one a line, as run.regime = "dpo".') from None


def dotted(tables: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """The values of nested tables by their dotted names."""
    found: list[tuple[str, Any]] = []
    for key, value in tables.items():
        found += dotted(value, f"{prefix}{key}.") if isinstance(value, dict) else [(f"{prefix}{key}", value)]
    return found
