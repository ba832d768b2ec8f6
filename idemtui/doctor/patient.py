"""What the doctor works from: the lab, who holds its lock, and what its server answered within two seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from engine.locks import held_by
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
    return Patient(lab, held_by(lab.lock), answer, status, problem)


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
