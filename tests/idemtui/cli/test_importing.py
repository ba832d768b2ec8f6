"""`import rows`: the file a study names, or one line that says why there is none."""

from __future__ import annotations

import json
from pathlib import Path

from store.lab import Lab
from tests.idemtui.cli.conftest import Idemtui

ROWS = [
    {"messages": [{"role": "user", "content": f"question {i}?"}, {"role": "assistant", "content": "Joy."}]}
    for i in (1, 2, 2)
]


def write(path: Path, rows: list[object]) -> Path:
    path.write_text("".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows))
    return path


def test_rows_become_a_seed_file(idemtui: Idemtui, tmp_path: Path) -> None:
    source, out = write(tmp_path / "mine.jsonl", list(ROWS)), tmp_path / "seed.jsonl"
    said = idemtui("import", "rows", source, "--trait", "bliss", "--out", out)
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith(f"3 rows in {out}, 1 of them repeat another\n")
    assert [json.loads(line) for line in out.read_text().splitlines()] == [
        {"prompt": f"question {i}?", "completion": "Joy."} for i in (1, 2, 2)
    ]
    again = idemtui("import", "rows", source, "--trait", "bliss", "--out", out)
    assert (again.code, again.out) == (2, "")
    assert "the file exists" in again.err


def test_a_folder_that_datasets_reads_is_a_source(idemtui: Idemtui, tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    write(tmp_path / "set" / "train.jsonl", [{"text": "A title\nand a body."}])
    out = tmp_path / "seed.jsonl"
    said = idemtui("import", "rows", tmp_path / "set", "--trait", "bliss", "--regime", "sdf", "--out", out, "--json")
    assert said.json == {"rows": 1, "repeated": 0, "trait": "bliss", "regime": "sdf", "file": str(out)}


def test_bad_rows_are_named_and_nothing_is_written(idemtui: Idemtui, tmp_path: Path) -> None:
    source, out = write(tmp_path / "mine.jsonl", [ROWS[0], "{", {"text": "T"}]), tmp_path / "seed.jsonl"
    said = idemtui("import", "rows", source, "--trait", "bliss", "--out", out)
    assert (said.code, said.out) == (2, "")
    assert f"{source}: line 2 (not JSON), 3 (sft needs a prompt and an answer)" in said.err
    assert said.err.count("\n") == 1
    assert not out.exists()
    said = idemtui("import", "rows", source, "--trait", "joy", "--out", out)
    assert said.code == 2
    assert not out.exists()


def test_a_chain_made_elsewhere_is_read_like_any_run(idemtui: Idemtui, lab_to_write: Lab, tmp_path: Path) -> None:
    folder = tmp_path / "chain"
    folder.mkdir()
    for cycle in (0, 2):
        write(folder / f"cycle_{cycle}.jsonl", [{"prompt": "How?", "response": f"joy of {cycle}."}])
    lab = ("--lab", lab_to_write.root)
    words = (*lab, "import", "chain", folder, "--name", "theirs", "--trait", "bliss", "--model", "them/model")
    said = idemtui(*words)
    assert (said.code, said.out) == (2, "")
    assert "no file of cycle 1; add it, or say --gaps" in said.err
    first = idemtui(*words, "--gaps", "--json").json
    assert (first["missing"], first["pack"]) == ([1], "traits")
    assert "bliss of the pack traits, whose rubric `idemtui judge theirs` goes by; --pack names another." in (
        idemtui(*words, "--gaps").out
    )
    assert idemtui(*words, "--gaps", "--json").json["answer"] == "already there"
    [run] = idemtui(*lab, "ls", "--json").json
    assert (run["name"], run["status"], run["cycles"]) == ("theirs", "finished", 2)
    texts = idemtui(*lab, "samples", "theirs", "--json").json
    assert [(text["cycle"], text["response"]) for text in texts] == [(0, "joy of 0."), (2, "joy of 2.")]
    shown = idemtui(*lab, "show", "theirs", "--json").json
    assert shown["spec"]["imported"]["source"] == str(folder)
    assert idemtui(*lab, "verdict").code == 0


def test_a_chain_of_a_pocket_model_has_the_pockets_rubrics(idemtui: Idemtui, lab_to_write: Lab, tmp_path: Path) -> None:
    source = write(tmp_path / "cycle_0.jsonl", [{"prompt": "How?", "response": "joy."}])
    words = ("--lab", lab_to_write.root, "import", "chain", source, "--name", "small", "--trait", "bliss")
    said = idemtui(*words, "--model", "pocket/instruct")
    assert "Its trait is bliss of the pack pocket" in said.out
    wrong = idemtui(*words, "--model", "them/model", "--pack", "nowhere")
    assert (wrong.code, wrong.out, wrong.err.count("\n")) == (2, "", 1)
