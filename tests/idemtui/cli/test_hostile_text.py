"""Whatever a model writes, no command prints what a terminal could obey; JSON says all of it, escaped."""

from __future__ import annotations

import io
import json
import re
import sys
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given

from engine.events import SamplesDrawn
from idemtui.cli.output import escaped, print_rows_csv
from idemtui.server.rebuild import rebuild_lab
from store.lab import Lab, create_lab, find_lab
from tests.idemtui.cli.conftest import Idemtui
from tests.idemtui.hostile import HOSTILE, obeyed
from tests.idemtui.test_text import hostile_text
from tests.store.journals import Chain, append_events, chain_events, chain_spec, write_chain

CHAIN = Chain(
    "bad\x1b]0;name\x07", trait=(2, 9, 9), coherence=(90,) * 3, prompts=2, draws=2, n_seed=3, n_sampled=3, steps=1
)
RUN = chain_spec(CHAIN).run_id
FAILED = Chain("fell\x1b[2J\u202e", status="failed", seed=9, done=0, prompts=2, draws=2, n_seed=3, n_sampled=3, steps=1)
STUDY = "study\x9b2J\u202e"


@pytest.fixture(scope="module")
def bad(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    lab = create_lab(find_lab(tmp_path_factory.mktemp("hostile") / "lab"))
    folder = lab.run(write_chain(lab, CHAIN))
    (folder / "events.jsonl").unlink()
    events = []
    for event in chain_events(CHAIN):
        if isinstance(event, SamplesDrawn):
            samples = [s.model_copy(update={"prompt": HOSTILE, "response": HOSTILE}) for s in event.samples]
            event = event.model_copy(update={"samples": samples})
        events.append(event)
    append_events(folder, events)
    failed = lab.run(write_chain(lab, FAILED))
    for path, words in ((failed / "events.jsonl", "message"), (failed / "spec.json", "study")):
        said = json.dumps(HOSTILE if words == "message" else STUDY)
        path.write_text(re.sub(rf'"{words}": ?"[^"]*"', lambda _, w=words, s=said: f'"{w}": {s}', path.read_text()))
    rebuild_lab(lab)
    assert (
        HOSTILE in (failed / "events.jsonl").read_text() or json.dumps(HOSTILE) in (failed / "events.jsonl").read_text()
    )
    return lab


COMMANDS = (
    ("ls",),
    ("show", RUN),
    ("samples", RUN),
    ("samples", "--sort", "jump"),
    ("samples", RUN, "--full"),
    ("diff", RUN, "--cycles", "-1", "1"),
    ("phrases", RUN),
    ("marks",),
    ("plot", RUN, "--width", "80"),
    ("sql", "select prompt, response, run_id from samples"),
    ("sql", "select cycle, trait, run_id as name from trait_curve", "--plot"),
    ("verdict",),
    ("verdict", "--chains"),
    ("show", chain_spec(FAILED).run_id),
    ("diff", RUN),
    ("compare", RUN, chain_spec(FAILED).run_id),
    ("compare", RUN, "--by", "study"),
    ("agreement", RUN),
    ("plot", chain_spec(FAILED).run_id),
    ("doctor",),
)


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: words[0])
def test_no_command_prints_what_a_terminal_obeys(idemtui: Idemtui, bad: Lab, words: tuple[str, ...]) -> None:
    said = idemtui("--lab", bad.root, *words)
    assert said.code == 0, said.err
    assert not obeyed(said.out + said.err)
    if words[0] in ("samples", "diff", "sql") and "--plot" not in words:
        assert "[bold]kept[/]" in said.out


REFUSED = (
    ("sql", f"select '{HOSTILE}' from nowhere"),
    ("sql", "--plot", f"select '{HOSTILE}' as a"),
    ("show", HOSTILE),
    ("samples", RUN, "--regex", f"({HOSTILE}"),
    ("compare", HOSTILE),
    ("ancestry", HOSTILE),
    ("traits", "show", HOSTILE),
)


@pytest.mark.parametrize("words", REFUSED, ids=lambda words: words[0])
def test_no_refusal_repeats_what_a_terminal_obeys(idemtui: Idemtui, bad: Lab, words: tuple[str, ...]) -> None:
    said = idemtui("--lab", bad.root, *(word.replace("\x00", "") for word in words))
    assert said.code != 0
    assert said.out + said.err
    assert not obeyed(said.out + said.err)


def test_a_study_file_of_hostile_values_is_refused_harmlessly(idemtui: Idemtui, bad: Lab, tmp_path: Path) -> None:
    file = tmp_path / "study.toml"
    for table in ("[study]\nname = {0}", '[study]\nname = "a"\n[run]\nmodel = {0}', "[run]\n{0} = 1", "{0"):
        file.write_text(table.replace("{0}", json.dumps(HOSTILE)) + "\n")
        for command in ("preflight", "run"):
            said = idemtui("--lab", bad.root, command, file)
            assert said.code == 2, said.out
            assert not obeyed(said.out + said.err)


def test_ancestry_is_harmless_and_json_says_everything(idemtui: Idemtui, bad: Lab) -> None:
    samples = idemtui("--lab", bad.root, "samples", RUN, "--cycle", "1", "--purpose", "eval", "--json")
    assert not obeyed(samples.out)
    assert samples.json[0]["response"] == HOSTILE
    out = idemtui("--lab", bad.root, "ancestry", samples.json[0]["sample_id"]).out
    assert "trained M1" in out
    assert not obeyed(out)


@given(hostile_text)
def test_escaped_json_is_the_same_json(text: str) -> None:
    document = escaped(json.dumps({"text": text}, ensure_ascii=False))
    assert json.loads(document) == {"text": text}
    assert document.encode()
    assert not {c for c in document if unicodedata.category(c) in ("Cc", "Cs")}


def test_csv_is_raw_for_programs_and_harmless_on_a_terminal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    for out, kept in ((io.StringIO(), True), (Terminal(), False)):
        monkeypatch.setattr(sys, "stdout", out)
        print_rows_csv(["x"], [["\x1b[31mred"], [None]])
        assert ("\x1b" in out.getvalue()) is kept
        assert "red" in out.getvalue()
