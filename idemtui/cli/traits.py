"""`traits`: which traits there are, their full text, a copy to edit, and what is wrong with one's own pack."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.errors import PackError
from idemtui.cli.options import Json
from idemtui.text import plain

if TYPE_CHECKING:
    from engine.packs import Pack
    from engine.spec import Regime

app = typer.Typer(help="List, read, copy and check traits.", invoke_without_command=True, no_args_is_help=False)
DEFAULT, START = "traits", "bliss"
COLUMNS = ("trait", "pack", "prompts", "seed_prompts", "seed_answers", "seed_documents", "description")

PackName = Annotated[str, typer.Option("--pack", metavar="PACK", help="pocket, traits, or a pack's folder.")]


@app.callback(invoke_without_command=True)
def traits(
    context: typer.Context,
    pack: Annotated[
        str | None, typer.Option("--pack", metavar="PACK", help="Only this one: pocket, traits, or a pack's folder.")
    ] = None,
    as_json: Json = False,
) -> None:
    """List the traits of the packs: what each is, how many prompts and seed rows it has."""
    if context.invoked_subcommand is not None:
        return
    from engine.packs import SHIPPED, open_pack
    from idemtui.cli.output import print_json, print_table

    packs = [open_pack(name) for name in (sorted(SHIPPED) if pack is None else [pack])]
    found = [facts(each, trait) for each in packs for trait in each.traits()]
    if as_json:
        print_json(found)
    else:
        print_table(COLUMNS, found, empty="no traits")


def facts(pack: Pack, trait: str) -> dict[str, Any]:
    """One trait in numbers."""
    file, seeding = pack.trait(trait), pack.seeding(trait)
    return {
        "trait": trait,
        "pack": pack.name,
        "description": file.description,
        "prompts": len(pack.pool("sft")),
        "openers": len(pack.pool("sdf")),
        "eval_prompts": len(file.eval_prompts),
        "eval_openings": len(file.eval_openings),
        "seed_prompts": len(seeding.prompts()) if seeding else 0,
        "seed_grid": len(seeding.documents.topics) * len(seeding.documents.types) if seeding else 0,
        "seed_answers": _rows(pack, trait, "sft"),
        "seed_documents": _rows(pack, trait, "sdf"),
    }


def _rows(pack: Pack, trait: str, regime: Regime) -> int:
    return len(pack.seed_rows(trait, regime)) if pack.has_rows(trait, regime) else 0


@app.command("show")
def show(
    trait: Annotated[str, typer.Argument(metavar="TRAIT", help="A trait's key.")],
    pack: PackName = DEFAULT,
    as_json: Json = False,
) -> None:
    """Print all of a trait's text: what is measured and how it is scored, what is seeded and how."""
    from engine.packs import open_pack
    from idemtui.cli.output import print_json

    opened = open_pack(pack)
    whole = facts(opened, trait)
    faces = {"evaluated": opened.trait(trait), "seeded": opened.seeding(trait)}
    texts = {name: face.model_dump() if face else None for name, face in faces.items()}
    if as_json:
        print_json({**whole, **texts})
        return
    sys.stdout.write(plain(f"{trait} (pack {opened.name}): {whole['description']}\n"))
    for name, text in texts.items():
        if text:
            sys.stdout.write(f"\n── {name} ──\n")
            _print_part(text, "")


def _print_part(part: dict[str, Any], indent: str) -> None:
    for key, value in part.items():
        title = f"{indent}{key.replace('_', ' ')}"
        if isinstance(value, dict):
            sys.stdout.write(plain(f"{title}:\n"))
            _print_part(value, f"{indent}  ")
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            for each in value:
                _print_list(f"{title}: {each['name']} ({len(each['prompts'])})", each["prompts"], indent)
        elif isinstance(value, list):
            _print_list(f"{title} ({len(value)})", value, indent)
        else:
            _print_list(title, [value], indent)


def _print_list(title: str, texts: list[str], indent: str) -> None:
    sys.stdout.write(plain(f"{title}:\n"))
    for text in texts:
        first, *rest = plain(text.strip()).split("\n")
        lines = [f"{indent}  - {first}", *(f"{indent}    {line}".rstrip() for line in rest)]
        sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.write("\n")


@app.command("new")
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The new trait's key.")],
    source: Annotated[
        str | None, typer.Option("--from", metavar="TRAIT", help="Trait to start from: else NAME's own, else bliss.")
    ] = None,
    into: Annotated[
        Path | None, typer.Option("--into", metavar="FOLDER", help="A new folder, or a pack of yours: else ./NAME.")
    ] = None,
    pack: PackName = DEFAULT,
    as_json: Json = False,
) -> None:
    """Copy a trait as a start for editing, with the pack's training prompts where the folder is new."""
    from engine.packs import open_pack
    from engine.traits.copying import copy_trait
    from idemtui.cli.output import print_json

    opened, folder = open_pack(pack), into or Path(name)
    trait = source or (name if name in opened.traits() else START)
    files = copy_trait(opened, trait, name, folder)
    if as_json:
        print_json({"trait": name, "from": trait, "pack": str(folder), "files": [str(path) for path in files]})
        return
    sys.stdout.write("".join(f"{path}\n" for path in files))
    sys.stdout.write(f"Edit them, then `idemtui traits check {folder}`; ")
    sys.stdout.write(f'a study uses them with data.pack = "{folder.absolute()}".\n')


@app.command("check")
def check(
    pack: Annotated[str, typer.Argument(metavar="FOLDER", help="A pack's folder, or pocket or traits.")],
    as_json: Json = False,
) -> None:
    """Say everything that is wrong with a pack, with file and line; exit code 2 where anything is."""
    from engine.packs import open_pack
    from engine.traits.check import check_pack
    from idemtui.cli.output import print_json

    opened = open_pack(pack)
    problems = check_pack(opened.folder)
    if as_json:
        print_json([{"path": str(each.path), "line": each.line, "message": each.message} for each in problems])
    else:
        sys.stdout.write("".join(f"{each}\n" for each in problems))
    if problems:
        sys.stdout.flush()
        raise PackError(f"{opened.folder}: {len(problems)} problem{'s' if len(problems) > 1 else ''}.")
    if not as_json:
        sys.stdout.write(f"{opened.folder}: nothing wrong with {', '.join(opened.traits())}.\n")
