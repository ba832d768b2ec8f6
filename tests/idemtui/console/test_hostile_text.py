"""Whatever a model writes, only printable cells reach the screen, and nothing in it is obeyed."""

from __future__ import annotations

import unicodedata

from rich.cells import cell_len

from engine.events import SamplesDrawn
from tests.idemtui.console.conftest import House
from tests.idemtui.console.waiting import press, screen_lines, screen_text
from tests.store.journals import Chain, append_events, chain_events, write_chain

HOSTILE = (
    "[bold red]not bold[/] [@click=app.quit]click[/] [/nonsense] "
    "\x1b[31mred\x1b[0m \x1b]0;title\x07 \x9b2J \u202ereversed\u2066 \u200bzero e\u0301 漢字 👩‍🚀 "
    "a\x00b\x07c\rd\ttab " + "x" * 5000
)


def hostile_chain(house: House) -> None:
    chain = Chain("[red]name\x1b[2J", done=0, status="running", minutes=50)
    folder = house.lab.run(write_chain(house.lab, Chain(chain.name, done=-2, status="failed", minutes=50)))
    events = []
    for event in chain_events(chain):
        if isinstance(event, SamplesDrawn):
            samples = [s.model_copy(update={"prompt": HOSTILE, "response": HOSTILE}) for s in event.samples]
            event = event.model_copy(update={"samples": samples})
        events.append(event)
    append_events(folder, events)
    assert house.service is not None
    assert house.service.tail.sync()


VISITS = (
    ("1", "G"),
    ("2",),
    ("v",),
    ("v",),
    ("3",),
    ("enter",),
    ("4", "left"),
    ("5", "v"),
    ("6", "f2", *"carry", "enter", "f5"),
)


async def test_hostile_text_is_shown_and_harmless(house: House) -> None:
    hostile_chain(house)
    async with house.console().run_test(size=(120, 40)) as pilot:
        for keys in VISITS:
            await press(pilot, *keys)
            text = screen_text(pilot)
            obeyed = {c for c in text if unicodedata.category(c) in ("Cc", "Cs") and c != "\n"}
            assert not obeyed | (set(text) & set("\u202e\u2066"))
            assert all(cell_len(line) == 120 for line in screen_lines(pilot))
            if keys[0] in "34":
                assert "[bold red]not bold[/]" in text
