"""The lab's data over a Unix socket: Arrow Flight, SQL in and Arrow out, commands as JSON.

What commands there are is the server main's business; `changes`, `sync` and `cancel_query` are ours. Never fork a
process that holds one of these: gRPC does not survive it.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pyarrow as pa
from pyarrow import flight

from engine.errors import IdemtuiError, LabError, ServerError, UsageError
from store.asking import BATCH_ROWS, FIRST_ROWS, QUERY_SECONDS, Overseer, Question
from store.lab import Lab
from store.tailing import Tail
from store.wire import pack, to_flight, unpack

log = logging.getLogger(__name__)
SWITCH_SECONDS = 0.0005
"""How long the ingest thread may keep Python to itself while questions wait for it; they need it several times each."""
Command = Callable[[dict[str, Any]], dict[str, Any]]


class LabService:
    """Socket, ingest thread and running questions of one lab; the caller holds `lab.lock`.

    `commands` take and return JSON objects and may raise IdemtuiError, which the client raises again. They run on
    threads of the socket's pool.
    """

    def __init__(
        self,
        lab: Lab,
        commands: Mapping[str, Command] | None = None,
        *,
        poll_seconds: float = 0.3,
        on_news: Callable[[set[str]], None] | None = None,
        query_seconds: float = QUERY_SECONDS,
        stall_seconds: float = 60.0,
    ) -> None:
        """`query_seconds` bounds a question that names no bound of its own; a client that reads nothing for
        `stall_seconds` loses its answer.
        """
        self.lab = lab
        self.query_seconds = query_seconds
        self.questions = Overseer(stall_seconds)
        self.tail = Tail(lab, poll_seconds, on_news, before_closing=self.questions.close_all)
        self.commands: dict[str, Command] = {
            "changes": lambda arguments: self.tail.changes(
                int(arguments.get("since", -1)), float(arguments.get("wait", 0.0))
            ),
            "sync": lambda arguments: {"done": self.tail.sync(float(arguments.get("timeout", 5.0)))},
            "cancel_query": self._cancel_query,
            **(commands or {}),
        }
        self._flight: _Flight | None = None

    def start(self) -> None:
        """Open the database, begin to ingest, and listen; LabError where the lab cannot be used."""
        sys.setswitchinterval(SWITCH_SECONDS)
        self.tail.start()
        path = self.lab.socket
        _private_folder(self.lab)
        path.unlink(missing_ok=True)
        self._flight = _Flight(f"grpc+unix://{path}", self)
        path.chmod(0o600)

    def wake(self) -> None:
        """Look at the journals now."""
        self.tail.wake()

    def close(self, timeout: float = 5.0) -> bool:
        """Interrupt what is asked, stop listening, release the database; False where a client held that up too long.

        A reader that stopped reading can hold the socket's threads: end such a process with `os._exit`.
        """
        self.questions.close_all()
        self.questions.close()
        done = self.tail.close(timeout)
        if self._flight is not None:
            ending = threading.Thread(target=self._flight.shutdown, name="shutdown", daemon=True)
            ending.start()
            ending.join(timeout)
            done = done and not ending.is_alive()
        self.lab.socket.unlink(missing_ok=True)
        return done

    def ask(self, ticket: dict[str, Any]) -> flight.GeneratorStream:
        """The stream that answers one ticket."""
        query, params, limit = ticket.get("sql"), ticket.get("params"), ticket.get("limit")
        if not isinstance(query, str):
            raise UsageError("a ticket needs `sql`, a text.")
        query_id = str(ticket.get("query_id") or uuid.uuid4().hex)
        seconds = ticket.get("seconds")
        question = Question(
            self.tail.cursor(), query, params, limit, self.query_seconds if seconds is None else float(seconds),
            FIRST_ROWS if ticket.get("stream") else BATCH_ROWS,
        )  # fmt: skip
        self.questions.add(query_id, question)
        try:
            question.ask()
        except BaseException:
            self._forget(query_id)
            raise
        return flight.GeneratorStream(question.schema, self._stream(query_id, question))

    def act(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """The answer to one action."""
        command = self.commands.get(name)
        if command is None:
            raise UsageError(f"the lab server knows no command {name!r}; it knows {', '.join(sorted(self.commands))}.")
        return command(arguments)

    def _stream(self, query_id: str, question: Question) -> Iterator[pa.RecordBatch]:
        try:
            yield from question.batches()
        except IdemtuiError as error:
            raise to_flight(error) from None
        finally:
            self._forget(query_id)

    def _cancel_query(self, arguments: dict[str, Any]) -> dict[str, Any]:
        question = self.questions.find(str(arguments.get("query_id")))
        if question is not None:
            question.stop("the query was cancelled.")
        return {"found": question is not None}

    def _forget(self, query_id: str) -> None:
        question = self.questions.remove(query_id)
        if question is not None:
            question.close()
            self.tail.check_soon(question.fatal)


class _Flight(flight.FlightServerBase):  # type: ignore[misc]
    """The Flight face of a LabService."""

    def __init__(self, location: str, service: LabService) -> None:
        super().__init__(location)
        self.service = service

    def do_get(self, context: flight.ServerCallContext, ticket: flight.Ticket) -> flight.GeneratorStream:  # noqa: ARG002
        """Answer a question."""
        return _guarded(lambda: self.service.ask(unpack(ticket.ticket)))

    def do_action(self, context: flight.ServerCallContext, action: flight.Action) -> list[flight.Result]:  # noqa: ARG002
        """Carry out a command."""
        body = unpack(action.body.to_pybytes())
        return [flight.Result(pack(_guarded(lambda: self.service.act(action.type, body))))]

    def list_actions(self, context: flight.ServerCallContext) -> list[tuple[str, str]]:  # noqa: ARG002
        """Names of the commands."""
        return [(name, "") for name in sorted(self.service.commands)]


def _guarded(work: Callable[[], Any]) -> Any:
    try:
        return work()
    except IdemtuiError as error:
        raise to_flight(error) from None
    except Exception as error:
        log.exception("a request failed")
        raise to_flight(
            ServerError(f"the lab server failed ({type(error).__name__}: {error}); see server.log.")
        ) from None


def _private_folder(lab: Lab) -> None:
    """The socket's folder, where it is not the lab itself: nobody else's, open to nobody else."""
    folder = lab.socket.parent
    if folder == lab.root:
        return
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    if status.st_uid != os.getuid() or folder.is_symlink():
        raise LabError(f"{folder} belongs to somebody else; remove it, or use a lab with a shorter path.")
    folder.chmod(0o700)
