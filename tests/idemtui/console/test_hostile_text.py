"""Whatever a model writes, only printable cells reach the screen, and nothing in it is obeyed."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from engine.events import SamplesDrawn
from idemtui.console.text_facts import Judgement, Line, Reading, Said
from idemtui.console.widgets.columns import pad
from idemtui.console.widgets.sample_text import sample_text
from idemtui.launch.study_text import BLANK, literal
from idemtui.text import one_line
from tests.idemtui.console.conftest import House
from tests.idemtui.console.waiting import screen_lines, screen_text, send, settled
from tests.idemtui.test_text import hostile_text
from tests.store.journals import START, Chain, append_events, chain_events, write_chain

HOSTILE = (
    "[bold red]not bold[/] [@click=app.quit]click[/] [/nonsense] "
    "\x1b[31mred\x1b[0m \x1b]0;title\x07 \x9b2J \u202ereversed\u2066 \u200bzero e\u0301 漢字 👩‍🚀 "
    "a\x00b\x07c\rd\ttab \x1bPq#0\x1b\\ \x1b_apc\x1b\\ \x1b]52;c;aGk=\x07 \x9d0;t\x9c \u2067iso\u2069 \U000e0041tag "
    "🇩🇪 👨‍👩‍👧‍👦 👍🏽 ❤\ufe0f z" + "\u0301" * 200 + " \u0e01" + "\u0e49" * 50 + " \ue000\u0378 \u2028 " + "x" * 5000
)
LONG = "x" * 1_000_000
"""Behind the first text of a batch: one line of a megabyte."""
NEVER = {"Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp"}


def hostile_chain(house: House) -> None:
    chain = Chain("[red]name\x1b[2J", done=0, status="running", minutes=50)
    folder = house.lab.run(write_chain(house.lab, Chain(chain.name, done=-2, status="failed", minutes=50)))
    events = []
    for event in chain_events(chain):
        if isinstance(event, SamplesDrawn):
            update = {"prompt": HOSTILE, "response": HOSTILE}
            samples = [s.model_copy(update=update) for s in event.samples]
            samples[0] = samples[0].model_copy(update={"prompt": HOSTILE, "response": HOSTILE + LONG})
            event = event.model_copy(update={"samples": samples})
        events.append(event)
    append_events(folder, events)
    assert house.service is not None
    assert house.service.tail.sync(60)


VISITS: tuple[tuple[str, ...], ...] = (
    ("1", "G"),
    ("2",),
    ("v",),
    ("v",),
    ("3", "G"),
    ("enter",),
    ("A",),
    ("escape", "W"),
    ("escape", "B"),
    ("escape", "enter", "slash", "[red]", "enter"),
    ("escape", "m", "[red]x", "enter"),
    ("4", "left"),
    ("5", "v"),
    ("6", "f2", "carry", "enter", "f5"),
    ("escape", "enter"),
    ("escape", "7"),
    ("v",),
    ("t",),
    ("escape", "N", "j", "u"),
    ("t",),
    ("escape", "question_mark"),
)


async def test_hostile_text_is_shown_and_harmless(house: House) -> None:
    hostile_chain(house)
    console = house.console()
    console.remembered.draft = BLANK.replace('"my-study"', literal(HOSTILE)).replace('"bliss"', literal(HOSTILE))
    async with console.run_test(size=(120, 40)) as pilot:
        for keys in VISITS:
            for word in keys:
                send(pilot, word)
                await settled(pilot)
            text = screen_text(pilot)
            assert not {c for c in text if unicodedata.category(c) in NEVER and c != "\n"}, keys
            assert all(cell_len(line) == 120 for line in screen_lines(pilot))
            if keys[0] in "34" or keys == ("escape", "B"):
                assert "[bold red]not bold[/]" in text


@given(text=hostile_text, width=st.integers(1, 60))
def test_a_cell_of_a_list_is_as_wide_as_its_column(text: str, width: int) -> None:
    for name in (False, True):
        shown = pad(one_line(text), width, right=False, name=name)
        assert cell_len(shown) == width
        assert not {c for c in shown if unicodedata.category(c) in NEVER}


@given(text=hostile_text)
def test_a_text_in_full_is_printable_whatever_it_is(text: str) -> None:
    line = Line(
        0, "0" * 16, text, 1, text, text, 0, 0, text, text, 3, text, False, text, 1.0, 0.0, 0.0, 5.0, text, 5.0, text,
        None, (text,),
    )  # fmt: skip
    judgement = Judgement(text, text, None, 0.5, None, text, ((50, 0.5),))
    said = Said("0" * 16, START, text, "note", text, None, text, text, text, 1, text, text, text)
    shown = sample_text(Reading(line, (judgement,), (said,)), text).plain
    assert not {c for c in shown if unicodedata.category(c) in NEVER and c != "\n"}


SHAPES = (
    "plain",
    "漢字かな",
    "👩\u200d🚀🇩🇪👍🏽",
    "e\u0301z" + "\u0301" * 90,
    "ก\u0e49\u0e49\u0e49\u0e49",
    "\u202eabc\u2066\x1b[5C",
    "❤\ufe0f☺ ½",
)


@pytest.mark.skipif(shutil.which("tmux") is None, reason="needs tmux, a real terminal's measure of a text")
def test_a_real_terminal_measures_a_text_as_it_was_laid_out(tmp_path: Path) -> None:
    tmux = ["tmux", "-L", f"idemtui-{os.getpid()}", "-f", "/dev/null"]
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}

    def ask(*words: str) -> str:
        done = subprocess.run([*tmux, *words], capture_output=True, text=True, env=environment, check=True)
        return done.stdout.strip()

    widths = {}
    try:
        ask("-u", "new-session", "-d", "-s", "t", "-x", "100", "-y", "10", "sleep 300")
        for number, shape in enumerate(SHAPES):
            (tmp_path / str(number)).write_text(one_line(shape))
            ask("new-window", "-t", f"t:{number + 1}", f"cat {tmp_path / str(number)}; sleep 300")
        deadline = time.monotonic() + 30
        expected = {shape: cell_len(one_line(shape)) for shape in SHAPES}
        while widths != expected and time.monotonic() < deadline:
            widths = {
                shape: int(ask("display-message", "-p", "-t", f"t:{number + 1}", "#{cursor_x}"))
                for number, shape in enumerate(SHAPES)
            }
        assert widths == expected
    finally:
        subprocess.run([*tmux, "kill-server"], capture_output=True, env=environment, check=False)
