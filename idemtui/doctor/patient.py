"""What the doctor works from: the lab, who holds its lock, and what its server answered within two seconds."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from store.lab import Lab

ANSWER_SECONDS = 2.0
Answer = Literal["answered", "hung", "dead", "refused"]


@dataclass(frozen=True)
class Patient:
    """One lab as it was found."""

    lab: Lab
    holder: int | None
    """Process id in the held lock; 0 where the lock is held and names nobody."""
    answer: Answer
    status: Mapping[str, Any] = field(default_factory=dict)
    problem: str = ""
    """What the server said instead of its status."""

    @property
    def served(self) -> bool:
        """Whether the server told its status."""
        return self.answer == "answered"


def examine_server(lab: Lab, seconds: float = ANSWER_SECONDS) -> Patient:
    """Look at the lock and ask the server for its status; starts and changes nothing."""
    answer, status, problem = ask_status(lab, seconds)
    return Patient(lab, holder(lab.lock), answer, status, problem)


def holder(path: Path) -> int | None:
    """As `engine.locks.holder_pid`, also where the file may only be read; OSError where not even that."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        text = os.read(fd, 32).decode(errors="replace").strip()
        return int(text) if text.isdigit() else 0
    finally:
        os.close(fd)
    return None


def ask_status(lab: Lab, seconds: float) -> tuple[Answer, dict[str, Any], str]:
    """How the server takes a question, its status, and what it said where it refused."""
    if not lab.socket.exists():
        return "dead", {}, ""
    from pyarrow import ArrowException, flight

    from store.wire import from_flight, pack, unpack

    client = flight.connect(f"grpc+unix://{lab.socket}")
    try:
        patience = flight.FlightCallOptions(timeout=seconds)
        results = list(client.do_action(flight.Action("status", pack({})), patience))
        return "answered", unpack(results[0].body.to_pybytes()), ""
    except flight.FlightTimedOutError:
        return "hung", {}, ""
    except flight.FlightUnavailableError:
        return "dead", {}, ""
    except (flight.FlightError, ArrowException) as error:
        return "refused", {}, str(from_flight(error))
    finally:
        client.close()
