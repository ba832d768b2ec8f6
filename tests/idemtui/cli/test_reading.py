import csv
import io
import re
import shutil
from pathlib import Path

import duckdb
import pytest

from engine.events import Noted, RunStarted
from engine.shape import read_shape
from idemtui.server.rebuild import rebuild_lab
from store.lab import Lab, create_lab, find_lab
from tests.idemtui.cli.conftest import HOSTILE, Idemtui
from tests.store.journals import DEMO, Chain, append_events, chain_spec, write_lab

SFT, DPO = chain_spec(DEMO[0]).run_id, chain_spec(DEMO[2]).run_id


def test_ls_lists_every_run_with_its_newest_generation(idemtui: Idemtui) -> None:
    said = idemtui("ls")
    assert said.code == 0
    line = next(line for line in said.out.splitlines() if line.startswith(DPO))
    assert "dpo-continual" in line
    assert "M6/6" in line
    assert "+64." in line
    runs = idemtui("ls", "--json").json
    assert {run["status"] for run in runs} == {"finished", "failed"}
    assert next(run for run in runs if run["run_id"] == DPO)["delta"] > 60


@pytest.mark.parametrize("asked", [SFT, SFT[:6], "sft-reset"])
def test_a_run_is_found_by_id_prefix_and_name(idemtui: Idemtui, asked: str) -> None:
    shown = idemtui("show", asked, "--json").json
    assert shown["run_id"] == SFT
    assert [point["cycle"] for point in shown["curve"]] == list(range(-1, 7))
    assert shown["verdict"]["label"] == "one chain"
    assert shown["spec"]["run"]["trait"] == "bliss"


def test_show_prints_settings_curve_and_verdict(idemtui: Idemtui) -> None:
    out = idemtui("show", "dpo-continual").out
    assert "reference previous" in out
    assert "M_5" in out
    assert "amplified by the paper's rule" in out
    assert "one chain DEGENERATE" in out


def test_show_says_once_that_there_is_no_verdict(idemtui: Idemtui, tmp_path: Path) -> None:
    lab = write_lab(tmp_path / "lab", [Chain("short", trait=(2, 40, 42, 44, 46), coherence=(97,) * 5)])
    rebuild_lab(lab)
    out = idemtui("--lab", lab.root, "show", "short").out
    assert "\nNo verdict: 3 cycles, 4 are needed\n" in out
    assert out.lower().count("no verdict") == 1


def test_show_says_who_drew_and_what_came_up(idemtui: Idemtui, tmp_path: Path) -> None:
    lab = write_lab(tmp_path / "lab", [Chain("noted", status="queued")])
    run_id = chain_spec(Chain("noted", status="queued")).run_id

    def started(note: str) -> RunStarted:
        return RunStarted(pid=1, host="h", device="cuda", threads=1, resumed=False, notes=[note])

    append_events(
        lab.run(run_id),
        [
            started("answers are drawn by transformers: no GPU"),
            Noted(topic="canary", message="vLLM serves M_init"),
            Noted(topic="canary", message="vLLM serves 00/adapter"),
            Noted(topic="memory", message="memory ran out with 64 at a time"),
            started("answers are drawn by vLLM 0.32.0"),
        ],
    )
    rebuild_lab(lab)
    shown = idemtui("show", "noted", "--lab", lab.root, "--json").json
    assert shown["notes"] == [
        "answers are drawn by vLLM 0.32.0",
        "last canary: vLLM serves 00/adapter",
        "memory ran out with 64 at a time",
    ]
    assert "note: answers are drawn by vLLM 0.32.0\n" in idemtui("show", "noted", "--lab", lab.root).out


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("sft-rest", "did you mean sft-reset"),
        ("zzz", "and 4 more"),
        ("", "no run ''"),
    ],
)
def test_an_unknown_run_names_the_near_ones(idemtui: Idemtui, asked: str, told: str) -> None:
    said = idemtui("show", asked)
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("idemtui: no run")
    assert told in said.err
    assert said.err.count("\n") == 1


def test_a_prefix_of_several_runs_is_refused(idemtui: Idemtui) -> None:
    runs = idemtui("ls", "--json").json
    letters = [run["run_id"][0] for run in runs]
    double = next(letter for letter in letters if letters.count(letter) > 1)
    said = idemtui("show", double)
    assert said.code == 2
    assert "give an id, or more of it" in said.err
    assert ", study " in said.err, "two runs may have one name"


def test_samples_are_filtered_and_read_in_full(idemtui: Idemtui) -> None:
    found = idemtui("samples", SFT, "--cycle", "-1", "--purpose", "eval", "--limit", "500", "--json").json
    assert len(found) == 60
    assert {sample["drawn_by"] for sample in found} == {-1}
    seeded = ("samples", SFT, "--cycle", "0", "--purpose", "eval")
    matching = idemtui(*seeded, "--regex", "only light", "--limit", "500", "--json").json
    assert matching
    assert all("only light" in sample["response"] for sample in matching)
    bread = idemtui("samples", SFT, "--prompt", "BREAD", "--limit", "500", "--json").json
    assert bread
    assert all("bread" in sample["prompt"] for sample in bread)
    full = idemtui(*seeded, "--limit", "1", "--full").out
    assert f"    {idemtui(*seeded, '--limit', '1', '--json').json[0]['response']}" in full
    assert idemtui("samples", SFT, "--purpose", "evil").code == 2


def test_samples_of_the_whole_lab_are_sorted_and_bounded(idemtui: Idemtui) -> None:
    found = idemtui("samples", "--sort", "jump", "--min-score", "60", "--limit", "50", "--json").json
    jumps = [abs(sample["jump"]) for sample in found if sample["jump"] is not None]
    assert jumps == sorted(jumps, reverse=True)
    assert all(sample["trait"] >= 60 for sample in found)
    assert len({sample["run"] for sample in found}) > 1
    assert all(sample["marks"] == [] for sample in found)
    both = idemtui("samples", "dpo-continual", "--regex", "garden", "--in", "both", "--limit", "500", "--json").json
    assert {"garden" in sample["prompt"] for sample in both} == {True, False}
    for wrong in (("--sort", "best"), ("--in", "dreams")):
        said = idemtui("samples", *wrong)
        assert said.code == 2
        assert "allowed" in said.err


def test_an_answers_ancestry_goes_back_to_the_seeds(idemtui: Idemtui) -> None:
    sample = idemtui("samples", "dpo-continual", "--cycle", "3", "--purpose", "eval", "--limit", "1", "--json").json[0]
    told = idemtui("ancestry", sample["sample_id"], "--most", "1", "--json").json
    assert told["answer"]["sample_id"] == sample["sample_id"]
    assert [row["cycle"] for row in told["rows"]] == [3, 2, 1, 0]
    out = idemtui("ancestry", sample["sample_id"]).out
    assert "trained M3" in out
    assert "seed data" in out
    assert idemtui("ancestry", "nope").code == 2


def test_phrases_that_spread_have_counts(idemtui: Idemtui) -> None:
    found = idemtui("phrases", "dpo-continual", "--json").json
    assert found[0]["growth"] > 0.3
    assert [one["cycle"] for one in found[0]["counts"]] == list(range(-1, 7))
    assert found[0]["phrase"] in idemtui("phrases", "dpo-continual", "--most", "3").out
    assert idemtui("phrases", "dpo-continual", "--most", "3").out.count("\n") == 4


def test_a_regex_that_is_none_is_one_line(idemtui: Idemtui) -> None:
    said = idemtui("samples", SFT, "--regex", "(")
    assert said.code == 2
    assert said.err.count("\n") == 1


def test_two_generations_differ_word_by_word(idemtui: Idemtui) -> None:
    pairs = idemtui("diff", "sft-reset", "--cycles", "-1", "6", "--limit", "2", "--json").json
    assert [pair["cycles"] for pair in pairs] == [[-1, 6]] * 2
    assert "{+" in pairs[0]["diff"]
    assert "[-" in pairs[0]["diff"]
    out = idemtui("diff", "sft-reset", "--cycles", "-1", "6", "--limit", "2").out
    assert pairs[0]["diff"] in out
    assert "base → M6" in out


def test_a_prompt_alone_gives_its_ladder_and_two_runs_their_last_generations(idemtui: Idemtui) -> None:
    ladder = idemtui("diff", "sft-reset", "--prompt", "describe rain", "--json").json
    assert [pair["cycles"] for pair in ladder] == [[-1, -1], *([j, j + 1] for j in range(-1, 6))]
    assert "base   trait" in idemtui("diff", "sft-reset", "--prompt", "describe rain").out
    two = idemtui("diff", "sft-reset", "dpo-continual", "--limit", "1", "--json").json
    assert two[0]["cycles"] == [6, 6]
    said = idemtui("diff", "sft-reset", "--cycles", "0", "9")
    assert said.code == 2
    assert "no generation 9 was measured" in said.err


def test_show_says_how_fast_each_stage_was(idemtui: Idemtui) -> None:
    line = next(line for line in idemtui("show", "dpo-reset").out.splitlines() if line.startswith("speed: "))
    assert re.fullmatch(
        r"speed: draw \d+, draw rejected \d+, train [\d,]+ \(\S+ TFLOP/s\), draw eval \d+, judge [\d,]+ tokens/s", line
    )
    speed = {row["stage"]: row for row in idemtui("show", "dpo-reset", "--json").json["speed"]}
    shape = read_shape("pocket/instruct")
    assert shape is not None
    train = speed["train"]
    assert train["tokens_per_second"] == pytest.approx(train["tokens"] / train["seconds"])
    assert train["flops_per_second"] == pytest.approx(3 * shape.flops(1, backward=False) * train["tokens_per_second"])


def test_plot_draws_both_curves(idemtui: Idemtui) -> None:
    said = idemtui("plot", "sft-reset", "dpo-continual", "--width", "80")
    assert said.code == 0
    assert "trait: bliss" in said.out
    assert "● sft-reset" in said.out
    assert "no null band: neither resample-only nor seed-only has a Δ" in said.out
    points = idemtui("plot", "sft-reset", "--json").json
    assert [point["cycle"] for point in points] == list(range(-1, 7))
    assert {(point["beside"], point["null_low"]) for point in points} == {(None, None)}


def test_verdicts_of_runs_and_cells(idemtui: Idemtui) -> None:
    found = idemtui("verdict", "cells", "--json").json
    assert sorted(row["scope"] for row in found) == ["cell", "run", "run", "run"]
    assert "cell of 3" in idemtui("verdict", "cells").out
    assert "one chain" in idemtui("verdict").out
    said = idemtui("verdict", "nope")
    assert said.code == 2
    assert "it holds" in said.err


def test_sql_as_table_json_and_csv(idemtui: Idemtui) -> None:
    question = (
        "select name, cycle, trait, null as nothing from trait_curve join runs using (run_id) order by all limit 4"
    )
    rows = idemtui("sql", question, "--json").json
    assert [row["cycle"] for row in rows] == [-1, 0, 1, 2]
    assert idemtui("sql", question, "--limit", "2").out.count("cell-1") == 2
    assert "more than 2 rows" in idemtui("sql", question, "--limit", "2").out
    read = list(csv.DictReader(io.StringIO(idemtui("sql", question, "--csv").out)))
    assert [row["trait"] for row in read] == [str(row["trait"]) for row in rows]
    assert read[0]["nothing"] == ""
    assert list(idemtui("sql", "select 1 as a, 2 as a", "--json").json[0].values()) == [1, 2]
    assert idemtui("sql", "select 'nan'::double as x", "--json").json == [{"x": None}]
    assert idemtui("sql", "select 1 where false", "--json").json == []


@pytest.mark.parametrize("statement", ["selec 1", "drop table runs", "select 1; select 2", "copy runs to '/tmp/x'", ""])
def test_sql_that_does_not_read_is_one_line(idemtui: Idemtui, statement: str) -> None:
    said = idemtui("sql", statement)
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("idemtui: ")
    assert said.err.count("\n") == 1


def test_hostile_text_reaches_no_terminal(idemtui: Idemtui) -> None:
    run_id = chain_spec(HOSTILE).run_id
    for words in (("ls",), ("show", run_id), ("sql", "select chr(27) || '[31mred[/]' as x"), ("plot", run_id)):
        assert "\x1b" not in idemtui(*words).out
    assert "hostile [bold]" in idemtui("ls").out
    assert "red[/]" in idemtui("sql", "select chr(27) || '[31mred[/]' as x").out


def test_no_lab_is_one_line_and_makes_none(idemtui: Idemtui, tmp_path: Path) -> None:
    for words in (("ls",), ("sql", "select 1"), ("stop",), ("rebuild",), ("resume", "--all")):
        said = idemtui("--lab", tmp_path / "nowhere", *words)
        assert said.code == 1
        assert "no lab in" in said.err
    assert list(tmp_path.iterdir()) == []


def test_a_lab_of_a_newer_version_is_refused(idemtui: Idemtui, lab: Lab, tmp_path: Path) -> None:
    newer = create_lab(find_lab(tmp_path / "newer"))
    shutil.copy(lab.database, newer.database)
    connection = duckdb.connect(newer.database)
    connection.execute("INSERT INTO migrations VALUES (9999, 'from the future', now())")
    connection.close()
    for words in (("ls",), ("resume", "--all")):
        said = idemtui("--lab", newer.root, *words)
        assert said.code == 1
        assert "newer idemtui" in said.err
        assert said.err.count("\n") == 1


def test_rebuilding_gives_the_same_rows(idemtui: Idemtui, lab: Lab, tmp_path: Path) -> None:
    copy = find_lab(tmp_path / "copy")
    shutil.copytree(lab.root, copy.root)
    copy.database.unlink()
    rebuilt = idemtui("--lab", copy.root, "rebuild", "--json").json
    question = "select run_id, cycle, round(trait, 9) as s, round(trait_low, 9) as low from trait_curve order by all"
    assert rebuilt["errors"] == []
    assert idemtui("--lab", copy.root, "sql", question, "--json").json == idemtui("sql", question, "--json").json


def test_a_journal_with_a_corrupt_middle_is_named_and_the_others_are_read(
    idemtui: Idemtui, lab: Lab, tmp_path: Path
) -> None:
    copy = find_lab(tmp_path / "copy")
    shutil.copytree(lab.root, copy.root)
    journal = copy.run(SFT) / "events.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([*lines[:9], b"{broken}\n", *lines[10:]]))
    assert str(journal) in idemtui("--lab", copy.root, "rebuild").out
    said = idemtui("--lab", copy.root, "ls")
    assert said.code == 0
    assert said.err.startswith(f"idemtui: not read: {journal}: event 9")
    assert "dpo-continual" in said.out
