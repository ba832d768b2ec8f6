"""Every key of the console, once: bindings, footer, command palette and help are made from this list."""

from __future__ import annotations

from textual.binding import BindingType

from idemtui.console.action import Action, Page, Room
from idemtui.console.keys.compare import COMPARE
from idemtui.console.keys.everywhere import EVERYWHERE
from idemtui.console.keys.ladder import LADDER
from idemtui.console.keys.launch import LAUNCH
from idemtui.console.keys.pages import PAGE_ACTIONS
from idemtui.console.keys.run import RUN
from idemtui.console.keys.runs import RUNS
from idemtui.console.keys.samples import SAMPLES
from idemtui.console.keys.sql import SQL

ACTIONS: tuple[Action, ...] = (*EVERYWHERE, *RUNS, *RUN, *SAMPLES, *LADDER, *COMPARE, *SQL, *LAUNCH, *PAGE_ACTIONS)


def actions(*rooms: Room | Page) -> tuple[Action, ...]:
    """The actions of some rooms or pages, in the order of the list."""
    return tuple(action for action in ACTIONS if action.room in rooms)


def bindings(room: Room | Page) -> list[BindingType]:
    """The bindings of one room or page."""
    return [action.binding() for action in actions(room)]
