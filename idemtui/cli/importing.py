"""`import rows`: a researcher's own rows become a trait's seed data, all of them or none."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from engine.errors import UsageError
from idemtui.cli.options import Json

app = typer.Typer(help="Bring in what was made elsewhere: seed rows of a trait, or whole chains.", no_args_is_help=True)
Regime = Literal["sft", "sdf", "dpo"]


@app.command("rows")
def rows(
    source: Annotated[str, typer.Argument(metavar="FILE|DATASET", help="A JSONL file, a folder, or a `datasets` id.")],
    trait: Annotated[str, typer.Option(metavar="TRAIT", help="The trait that they seed.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="The seed file that is written.")],
    regime: Annotated[Regime, typer.Option(help="What will be trained on them.")] = "sft",
    pack: Annotated[str, typer.Option(metavar="PACK", help="The trait's pack: a folder, traits or pocket.")] = "traits",
    split: Annotated[str, typer.Option(help="Of a data set.")] = "train",
    config: Annotated[str | None, typer.Option(help="Of a data set that has several.")] = None,
    drop_system: Annotated[
        bool, typer.Option("--drop-system", help="Leave out system turns that are not empty, in place of refusing.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Read chats, prompt/completion, preference pairs or texts, check every row, and write a study's seed file."""
    import json

    from engine.hub_rows import dataset_rows
    from engine.lines import write_lines
    from engine.packs import open_pack
    from engine.seed_files import read_seed_file
    from engine.seeding import check_apart
    from idemtui.cli.output import print_json

    if out.exists():
        raise UsageError(f"--out {out}: the file exists; name another, or move it away.")
    if not out.absolute().parent.is_dir():
        raise UsageError(f"--out {out}: its folder does not exist.")
    if Path(source).is_file():
        found = read_seed_file(Path(source), regime, drop_system=drop_system)
    else:
        found = dataset_rows(source, split, config, regime, drop_system=drop_system)
    check_apart(found, trait, open_pack(pack), regime)
    repeated = len(found) - len(set(found))
    write_lines(out, [json.dumps(row.plain(), ensure_ascii=False) for row in found])
    if as_json:
        print_json({"rows": len(found), "repeated": repeated, "trait": trait, "regime": regime, "file": str(out)})
        return
    again = f", {repeated} of them repeat another" if repeated else ""
    sys.stdout.write(f'{len(found)} rows in {out}{again}\nA study trains on them with [data] seed = "{out}".\n')
