"""Asking a lab, from a console, a command line or a notebook.

    from store.client import connect
    connect("lab").sql("SELECT name, status FROM runs").to_pandas()

With a lab server the question goes over its socket; without one the database is opened read-only for that question
and closed again, since a reader left open would lock the server out.
"""

from __future__ import annotations

import os
import threading
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.errors import ServerError
from store.lab import Lab, find_lab
from store.result import Result

if TYPE_CHECKING:
    import pyarrow as pa
    from pyarrow import flight

COMMAND_SECONDS = 30.0
"""How long a command may take before the server counts as hung."""

Params = Sequence[Any] | Mapping[str, Any] | None


def connect(lab: str | os.PathLike[str] | Lab | None = None) -> Client:
    """A client of the lab at this path, else $IDEMTUI_LAB, else ./lab; nothing is opened yet."""
    return Client(lab if isinstance(lab, Lab) else find_lab(lab))


def connect_server(lab: Lab) -> Client | None:
    """A client of the lab's server; None where no server answers."""
    client = Client(lab)
    if client.served():
        return client
    client.close()
    return None


@dataclass(frozen=True)
class Changes:
    """What is new: runs that moved since the version asked about, all runs where that is not of this past (`whole`).

    `trouble` is what keeps the server from ingesting now, in one line, such as the program that holds the database.
    """

    version: int
    runs: tuple[str, ...]
    whole: bool
    trouble: str | None

    @property
    def cursor(self) -> int:
        """What to ask with next time."""
        return self.version


class Client:
    """One lab's answers; may be used by several threads."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self._flight: flight.FlightClient | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def sql(
        self,
        query: str,
        params: Params = None,
        limit: int | None = None,
        *,
        query_id: str | None = None,
        seconds: float | None = None,
    ) -> Result:
        """The answer to one reading statement, at most `limit` rows of it; `?` or `$name` take `params`.

        Raises QueryError for what does not read or takes longer than `seconds` (None: the server's own bound, 0: no
        bound), ServerError where the database is held by another program.
        """
        if self.lab.socket.exists():
            try:
                return self._ask(query, params, limit, query_id, seconds)
            except _NoServerError:
                pass
        from store.direct import ask_directly

        return ask_directly(self.lab, query, params, limit, seconds)

    def stream(
        self, query: str, params: Params = None, *, query_id: str | None = None, seconds: float | None = None
    ) -> Iterator[pa.RecordBatch]:
        """The same as Arrow record batches in bounded memory, the first as soon as there are rows; it may be empty.

        `seconds` counts the database's work, not the reader's. Close the iterator to let go of an answer early.
        """
        if self.lab.socket.exists():
            ticket = _ticket(query, params, None, query_id, seconds) | {"stream": True}
            try:
                opened = self._open(ticket)
            except _NoServerError:
                pass
            else:
                yield from self._read(*opened)
                return
        from store.direct import stream_directly

        yield from stream_directly(self.lab, query, params, seconds)

    def command(self, name: str, **arguments: Any) -> dict[str, Any]:
        """Have the lab server do something; raises what it raised, ServerError where there is none."""
        from store.wire import pack, unpack

        if not self.lab.socket.exists():
            raise _NoServerError(self.lab)
        from pyarrow import flight

        patience = flight.FlightCallOptions(timeout=COMMAND_SECONDS)
        results = self._call(lambda to: list(to.do_action(flight.Action(name, pack(arguments)), patience)))
        return unpack(results[0].body.to_pybytes())

    def changes(self, since: int = -1, *, wait: float = 0.0) -> Changes:
        """What is new since version `since`; while nothing is, the server says so after `wait` seconds only."""
        answer = self.command("changes", since=since, wait=wait)
        return Changes(answer["version"], tuple(answer["runs"]), answer["whole"], answer["trouble"])

    def sync(self, timeout: float = 5.0) -> bool:
        """Wait until the server has looked at the journals once more."""
        return bool(self.command("sync", timeout=timeout)["done"])

    def cancel_query(self, query_id: str) -> bool:
        """Stop a question that was asked with this `query_id`; False where it is over already."""
        return bool(self.command("cancel_query", query_id=query_id)["found"])

    def served(self) -> bool:
        """Whether a lab server answers."""
        try:
            self.changes()
        except ServerError:
            return False
        return True

    def close(self) -> None:
        """Let go of the socket."""
        with self._lock:
            if self._flight is not None:
                self._flight.close()
                self._flight = None

    def _ask(
        self, query: str, params: Params, limit: int | None, query_id: str | None, seconds: float | None
    ) -> Result:
        from pyarrow import flight

        from store.wire import pack

        ticket = flight.Ticket(pack(_ticket(query, params, limit, query_id, seconds)))
        return Result.limited(self._call(lambda to: to.do_get(ticket).read_all()), limit)

    def _open(self, ticket: dict[str, Any]) -> tuple[flight.FlightStreamReader, pa.Schema]:
        from pyarrow import flight

        from store.wire import pack

        def begin(to: flight.FlightClient) -> tuple[flight.FlightStreamReader, pa.Schema]:
            reader = to.do_get(flight.Ticket(pack(ticket)))
            return reader, reader.schema

        opened: tuple[flight.FlightStreamReader, pa.Schema] = self._call(begin)
        return opened

    def _read(self, reader: flight.FlightStreamReader, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        from pyarrow import RecordBatch

        try:
            yield RecordBatch.from_pylist([], schema=schema)
            while (batch := self._call(lambda _: _chunk(reader))) is not None:
                yield batch
        finally:
            reader.cancel()

    def _call(self, work: Any) -> Any:
        from pyarrow import ArrowException, flight

        from store.wire import from_flight

        try:
            return work(self._connection())
        except flight.FlightUnavailableError:
            self.close()
            raise _NoServerError(self.lab) from None
        except flight.FlightTimedOutError:
            raise ServerError(
                f"the lab server of {self.lab.root} did not answer within {COMMAND_SECONDS:.0f} s; "
                "see server.log, or end it with `idemtui stop` and try again."
            ) from None
        except (flight.FlightError, ArrowException) as error:
            raise from_flight(error) from None

    def _connection(self) -> flight.FlightClient:
        from pyarrow import flight

        with self._lock:
            if self._flight is None:
                self._flight = flight.connect(f"grpc+unix://{self.lab.socket}")
            return self._flight


def _ticket(
    query: str, params: Params, limit: int | None, query_id: str | None, seconds: float | None
) -> dict[str, Any]:
    return {
        "sql": query, "params": params, "limit": limit, "query_id": query_id or uuid.uuid4().hex, "seconds": seconds
    }  # fmt: skip


def _chunk(reader: flight.FlightStreamReader) -> pa.RecordBatch | None:
    try:
        return reader.read_chunk().data
    except StopIteration:
        return None


class _NoServerError(ServerError):
    """Nobody listens on the lab's socket."""

    def __init__(self, lab: Lab) -> None:
        super().__init__(f"no lab server answers for {lab.root}; start one with `idemtui serve --lab {lab.root}`.")
