"""The command palette's entries: the same actions as the keys'."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from functools import partial

from textual.actions import parse
from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.dom import DOMNode

from idemtui.console.action import Action, title_of
from idemtui.console.actions import actions
from idemtui.console.screens.dialog import Dialog
from idemtui.console.screens.room import Room


class ConsoleCommands(Provider):
    """Everything that can be done in the room, or on the page over it, where the palette was opened."""

    def _actions(self) -> Iterable[Action]:
        screen = self.screen
        if isinstance(screen, Dialog):
            return actions(screen.PAGE)
        if not isinstance(screen, Room):
            return ()
        return (action for action in actions("everywhere", screen.ROOM) if self._offered(action))

    def _offered(self, action: Action) -> bool:
        _, name, parameters = parse(action.name)
        return bool(self._namespace(action).check_action(name, parameters))

    def _namespace(self, action: Action) -> DOMNode:
        return self.app if action.room == "everywhere" else self.screen

    def _title(self, action: Action) -> str:
        return action.label if action.room == "everywhere" else f"{title_of(action.room)}: {action.label}"

    def _call(self, action: Action) -> Callable[[], Awaitable[bool]]:
        return partial(self.app.run_action, action.name, self._namespace(action))

    async def discover(self) -> Hits:
        """All of them, before anything is typed."""
        for action in self._actions():
            yield DiscoveryHit(self._title(action), self._call(action), help=action.sentence)

    async def search(self, query: str) -> Hits:
        """Those whose word or sentence matches."""
        matcher = self.matcher(query)
        for action in self._actions():
            title = f"{self._title(action)}: {action.sentence}"
            score = matcher.match(title)
            if score > 0:
                yield Hit(score, matcher.highlight(title), self._call(action))
