"""A new user's walk through a real terminal, ssh and all: start, pocket study, watch, read, compare generations, ask,
launch a study, leave, come back. The screens that were waited for are written where $IDEMTUI_WALK names a file.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.proofs.labs import ProofLab
from tests.proofs.walking import Terminal, console, missing, sshd

pytestmark = [pytest.mark.proof, pytest.mark.skipif(bool(missing()), reason=missing() or "all is there")]
ROOMS = ("[1 Runs]", "[2 Run]", "[3 Samples]", "[4 Ladder]", "[5 Compare]", "[6 SQL]", "[7 Launch]")
HUE = re.compile(r"\x1b\[(?:[0-9;]*;)?(?:[349][1-6]m|[34]8;5;(?!0m|7m|8m|15m|16m|23[1-9]m|24\dm|25[0-5]m)\d+m)")
"""A colour that is no grey: without colour Textual still draws in greys."""


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    terminal = Terminal(tmp_path / "tmux")
    yield terminal
    terminal.close()
    if record := os.environ.get("IDEMTUI_WALK"):
        Path(record).write_text("\n".join(f"=== {words}\n{screen}" for words, screen in terminal.seen))


def test_a_new_user_finds_the_way(terminal: Terminal, proof_lab: ProofLab, tmp_path: Path) -> None:
    with sshd(tmp_path / "ssh") as ssh:
        there = [*ssh, *console(proof_lab.root, tmp_path)]
        terminal.open(there, TERM="xterm-256color")
        terminal.sees("This lab holds no runs yet")
        terminal.press("d")
        terminal.sees("bliss-sft-reset-s1", " running")
        terminal.sees("M0")
        terminal.press("3")
        terminal.sees(ROOMS[2], "bliss")
        terminal.press("4")
        terminal.sees(ROOMS[3], "base", "M0")
        terminal.press("6")
        terminal.sees(ROOMS[5], "Every curve")
        terminal.press("C-r")
        terminal.sees("coherence", " ms")
        terminal.escape()
        terminal.press("7")
        terminal.sees(ROOMS[6], "study.name", "judging")
        terminal.sees("my-study", "4 runs, 3 of them controls")
        terminal.press("Enter", *"a-study-of-my-own-typed-at-once", "Tab", "2", "Tab", "[", "]", "Enter")
        terminal.sees("a-study-of-my-own-typed-at-once", "2 runs ")
        terminal.press("k", "Enter", "1", "Enter", "g", "Enter")
        terminal.press("-l", "my-study")
        terminal.press("F5")
        terminal.sees("Queue my-study?", "1 run")
        terminal.press("y")
        terminal.sees(ROOMS[0], "my-study")
        terminal.press("5")
        terminal.sees(ROOMS[4])
        assert HUE.search(terminal.screen("-e"))
        terminal.press("q")
        terminal.gone()
        for term, colour in (("screen", ""), ("linux", ""), ("xterm-256color", "1")):
            environment = {"TERM": term} | ({"NO_COLOR": colour} if colour else {})
            terminal.open(there, **environment)
            terminal.sees(ROOMS[4] if term == "screen" else ROOMS[0], "running")
            for key, title in enumerate(ROOMS, 1):
                terminal.press(str(key))
                terminal.sees(title)
                if title == "[6 SQL]":
                    terminal.escape()
            assert not (colour and HUE.search(terminal.screen("-e")))
            terminal.press("1")
            terminal.sees(ROOMS[0], "my-study")
            terminal.press("q")
            terminal.gone()
