"""`fork`: a new run whose first cycles are another run's, with other settings from there on."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.errors import UsageError
from idemtui.cli.options import Json, Priority, Run, lab_of, on_terminal
from idemtui.cli.studies import Detach

if TYPE_CHECKING:
    from engine.spec import RunSpec
    from store.client import Client

Plain = int | float | bool | str


def fork(
    context: typer.Context,
    run: Run,
    at: Annotated[
        int, typer.Option("--at", metavar="K", min=0, help="The last cycle taken over; 0: the seeded model.")
    ],
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="SECTION.KEY=VALUE", help="A setting of the new run; may be given again."),
    ] = None,
    name: Annotated[str | None, typer.Option(help="The new run's name; else one made from what differs.")] = None,
    priority: Priority = 0,
    detach: Detach = False,
    as_json: Json = False,
) -> None:
    """Start a run that goes on from another's cycle K with other settings; up to K nothing is redone or copied."""
    from engine.forking import resolve_fork
    from idemtui.cli.reading import chosen_run, existing, served_client
    from idemtui.cli.studies import follow_to_verdict, print_queued, queue_specs

    lab, changed = existing(lab_of(context)), parse_changes(changes or ())
    with served_client(lab) as client:
        parent = chosen_run(client, run)["run_id"]
        spec = resolve_fork(spec_of(client, parent), at, changed)
        if name is not None:
            spec = spec.model_copy(update={"name": new_name(client, name, spec.run_id)})
        queued = queue_specs(client, [spec], again=False, priority=priority)
    if detach:
        print_queued(queued, as_json=as_json)
    else:
        raise typer.Exit(follow_to_verdict(lab, queued, live=on_terminal(), as_json=as_json))


def parse_changes(stated: Sequence[str]) -> dict[str, Plain]:
    """`section.key=value` as a mapping; values are TOML's numbers, booleans and quoted texts, anything else a text."""
    changes: dict[str, Plain] = {}
    for one in stated:
        key, equals, value = one.partition("=")
        key = key.strip()
        if not equals or key.count(".") != 1 or not all(key.split(".")):
            raise UsageError(f"--set {one!r}: say SECTION.KEY=VALUE, such as --set run.regime=dpo.")
        if key in changes:
            raise UsageError(f"--set {key}: given twice, as {changes[key]!r} and {value.strip()!r}.")
        changes[key] = parse_value(value.strip())
    return changes


def parse_value(text: str) -> Plain:
    """A number, boolean or quoted text as TOML writes it, else the text itself."""
    try:
        parsed: dict[str, Any] = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return text
    value = parsed["value"]
    return value if isinstance(value, Plain) and len(parsed) == 1 else text


def spec_of(client: Client, run_id: str) -> RunSpec:
    """A run's frozen spec."""
    from engine.spec import RunSpec
    from idemtui.cli.reading import rows

    return RunSpec.model_validate_json(rows(client, "SELECT spec FROM runs WHERE run_id = $run", run=run_id)[0]["spec"])


def new_name(client: Client, name: str, run_id: str) -> str:
    """The name where no other run has it and it fits on a line."""
    from idemtui.cli.reading import rows
    from idemtui.text import one_line

    if not name or one_line(name) != name:
        raise UsageError(f"--name {name!r}: a name is one line of visible text.")
    taken = rows(client, "SELECT run_id FROM runs WHERE name = $name AND run_id <> $run", name=name, run=run_id)
    if taken:
        raise UsageError(f"--name {name!r}: run {taken[0]['run_id']} has it already; choose another.")
    return name
