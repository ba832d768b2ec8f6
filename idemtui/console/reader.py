"""Questions of the screens, put to the lab and answered in facts; every method blocks and is called from a thread.

The client is made by the first question, since connecting may start a server, and importing Arrow is slow.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from idemtui.console import facts, queries
from idemtui.console.comparing import Compared
from idemtui.console.judging import Judging
from idemtui.console.lab_facts import Server, server_of
from idemtui.console.text_facts import LadderPrompt, Rungs
from idemtui.live import stages_of
from idemtui.version import VERSION
from store import compare as comparing
from store import queries as stored
from store.lab import Lab
from store.ladders import prompts_by_jump
from store.texts import rungs

if TYPE_CHECKING:
    from store.client import Client

Notice = Callable[[str], object]
Connect = Callable[[Lab, Notice], "Client"]


def connect_through_server(lab: Lab, notice: Notice) -> Client:
    """The lab's server, started where it is not up; `notice` is told of every repair."""
    from idemtui.server.start import ensure_server

    return ensure_server(lab, notify=notice)


class Reader:
    """One lab, asked by many threads."""

    def __init__(self, lab: Lab, connect: Connect = connect_through_server, notice: Notice = str) -> None:
        """`notice` is called, from a thread, with every line that connecting has to say."""
        self._lab = lab
        self._connect = connect
        self._notice = notice
        self._client: Client | None = None
        self._lock = threading.Lock()
        self.judging = Judging()

    def client(self) -> Client:
        """The living client, connected now if need be."""
        with self._lock:
            if self._client is None:
                self._client = self._connect(self._lab, self._notice)
            return self._client

    def disconnect(self) -> None:
        """Forget the client; the next question connects anew."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def close(self) -> None:
        """The console ends."""
        self.disconnect()

    def _rows(self, query: str, params: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        return self.client().sql(query, list(params)).tuples()

    def pulse(self, since: int, wait: float) -> facts.Pulse:
        """Which change is the newest, and what troubles the server; without news the answer takes `wait` seconds."""
        changes = self.client().changes(since, wait=wait)
        return facts.Pulse(changes.version, changes.trouble or "")

    def command(self, name: str, **fields: object) -> dict[str, Any]:
        """Ask the server to do something."""
        return dict(self.client().command(name, **fields))

    def server(self) -> Server:
        """What the server says of itself, its devices, its workers and its queue."""
        return server_of(self.command("status"), VERSION)

    def glance(self) -> facts.Glance:
        """Every run of the lab with its curve, its verdict and what it is doing."""
        client = self.client()
        held = stored.read(facts.Run, client, queries.RUNS)
        curves = stored.curves(client, [run.run_id for run in held])
        verdicts = stored.verdicts(client)
        of_runs = {verdict.run_id: verdict for verdict in verdicts if verdict.scope == "run"}
        stages = stages_of(client, {run.run_id: run.cycles for run in held if run.live})
        runs = (
            replace(
                run,
                points=tuple(facts.shown_point(point) for point in curves[run.run_id]),
                stage=stages.get(run.run_id),
                verdict=of_runs.get(run.run_id),
                log_tail=run.log_tail or (),
            )
            for run in held
        )
        cells = tuple(verdict for verdict in verdicts if verdict.scope == "cell")
        return self.judging.seen(client, facts.Glance(tuple(runs), cells))

    def spec(self, run_id: str) -> str:
        """A run's frozen spec as JSON; an empty object where the store has not read it."""
        rows = self._rows(queries.SPEC, [run_id])
        return rows[0][0] or "{}" if rows else "{}"

    def prompts(self, run_id: str) -> tuple[LadderPrompt, ...]:
        """The prompts that a run is measured with, the one whose answers jumped furthest first."""
        return tuple(prompts_by_jump(self.client(), run_id, self.judging.judge))

    def rungs(self, run_id: str, prompt: LadderPrompt) -> Rungs:
        """All answers to one prompt, every generation and draw."""
        answers = rungs(self.client(), run_id, prompt.prompt_id, judge=self.judging.judge)
        return Rungs(run_id, prompt, tuple(answers))

    def compare(self, run_ids: Sequence[str], by: str) -> Compared:
        """Runs grouped by a setting, with the traits that their answers were scored on."""
        judge = self.judging.judge
        comparison = comparing.compare(
            self.client(), run_ids, by, judge, self.judging.verdicts(judge) if judge else None
        )
        matrix = comparing.matrix(self.client(), comparison.groups, judge)
        return Compared(comparison, tuple(matrix), judge or "")
