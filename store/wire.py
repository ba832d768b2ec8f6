"""What client and server say to each other over Arrow Flight: JSON tickets and actions, errors that keep their class.

do_get     {"sql", "params", "limit",                  record batches, one row more than `limit` if there are more;
            "query_id", "seconds", "stream"}           small ones at once where `stream`
do_action  NAME, {arguments}                           one JSON object
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from engine import errors
from engine.errors import IdemtuiError, ServerError

if TYPE_CHECKING:
    from pyarrow import flight


def pack(value: object) -> bytes:
    """JSON as bytes; times and the like as text."""
    return json.dumps(value, default=str, separators=(",", ":")).encode()


def unpack(data: bytes) -> dict[str, Any]:
    """The JSON object in `data`; an empty body is an empty object."""
    value = json.loads(data or b"{}")
    if not isinstance(value, dict):
        raise ServerError(f"expected a JSON object, got {type(value).__name__}.")
    return value


def to_flight(error: IdemtuiError) -> flight.FlightServerError:
    """An error for the wire: its class's name and its line."""
    from pyarrow import flight

    kind = next(c.__name__ for c in type(error).__mro__ if getattr(errors, c.__name__, None) is c)
    return flight.FlightServerError(str(error), extra_info=pack({"kind": kind, "message": str(error)}))


def from_flight(error: Exception) -> IdemtuiError:
    """The error the server meant; ServerError where it meant none of ours."""
    info = getattr(error, "extra_info", None)
    if info:
        known = unpack(info)
        class_: type[IdemtuiError] = getattr(errors, str(known.get("kind")), ServerError)
        return class_(known.get("message", ""))
    return ServerError(" ".join(str(error).split()))
