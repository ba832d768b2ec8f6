"""`import`: a researcher's own rows as seed data, whole chains made elsewhere as runs; all of them or nothing."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from engine.errors import UsageError
from idemtui.cli.options import Json, lab_of

app = typer.Typer(help="Bring in what was made elsewhere: seed rows of a trait, or whole chains.")
Regime = Literal["sft", "sdf", "dpo"]
CHAIN_PACK = "The trait's pack: a folder, traits or pocket; else pocket for a pocket model, traits for any other."


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


@app.command("chain")
def chain(
    context: typer.Context,
    sources: Annotated[list[Path], typer.Argument(metavar="FOLDER|FILE…", help="One JSONL file a cycle.")],
    name: Annotated[str, typer.Option(help="What the run is called.")],
    trait: Annotated[str, typer.Option(metavar="TRAIT", help="The trait that it was seeded with.")],
    model: Annotated[str, typer.Option(metavar="MODEL", help="The model it began with: a hub id or a folder.")],
    regime: Annotated[Regime, typer.Option(help="How it was trained.")] = "sft",
    study: Annotated[str, typer.Option(help="The study it belongs to.")] = "imported",
    pack: Annotated[str | None, typer.Option(metavar="PACK", help=CHAIN_PACK)] = None,
    judge: Annotated[str, typer.Option(metavar="MODEL", help="Who would score it.")] = "pocket/judge",
    gaps: Annotated[bool, typer.Option("--gaps", help="Import although cycles are missing.")] = False,
    as_json: Json = False,
) -> None:
    """Bring in what every generation of a chain wrote, as a finished run without adapters."""
    from engine.imported import cycle_files, imported_spec, missing_cycles, read_chain, write_run
    from engine.packs import open_pack
    from engine.provenance import machine
    from engine.resolving import assemble, fill
    from engine.spec import Execution
    from idemtui.cli.output import print_json
    from idemtui.cli.reading import served_client
    from store.lab import create_lab

    files = cycle_files(sources)
    missing = ", ".join(map(str, missing_cycles(files)))
    if missing and not gaps:
        raise UsageError(f"import chain: no file of cycle {missing}; add it, or say --gaps to leave it missing.")
    rows, lab = read_chain(files), create_lab(lab_of(context))
    named = pack or ("pocket" if model.startswith("pocket/") else "traits")
    open_pack(named).trait(trait)
    stated = {"run.model": model, "run.trait": trait, "run.regime": regime, "data.pack": named, "judge.model": judge}
    spec = assemble(fill("import chain", study, stated), Execution(threads=1))
    spec = spec.model_copy(update={"name": name, "cell": name, "provenance": machine(None, None)})
    spec = imported_spec(spec, files, ", ".join(str(source.absolute()) for source in sources))
    new = write_run(lab.runs, spec, rows)
    with served_client(lab) as client:
        client.sync()
    told: dict[str, Any] = {
        "run_id": spec.run_id, "name": name, "cycles": list(files), "missing": list(missing_cycles(files)),
        "trait": trait, "pack": named,
    }  # fmt: skip
    told |= {"texts": sum(map(len, rows.values())), "answer": "imported" if new else "already there"}
    if as_json:
        print_json(told)
    else:
        sys.stdout.write(_imported_words(told, pack is None))


def _imported_words(told: dict[str, Any], pack_unsaid: bool) -> str:
    name, missing = told["name"], ", ".join(map(str, told["missing"]))
    there = ", already there" if told["answer"] == "already there" else ""
    gap = f"; missing: {missing}" if missing else ""
    return (
        f"{told['run_id']}  {name}  {len(told['cycles'])} cycles, {told['texts']} texts{there}{gap}\n"
        f"Its trait is {told['trait']} of the pack {told['pack']}, whose rubric `idemtui judge {name}` goes by"
        f"{'; --pack names another' if pack_unsaid else ''}.\n"
    )
