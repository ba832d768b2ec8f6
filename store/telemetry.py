"""What devices did: `telemetry.jsonl` of the lab, one JSON object a look and device, written by the lab server."""

from __future__ import annotations

from pathlib import Path

import duckdb
import msgspec
import pyarrow as pa

from store.fold import utc
from store.moving import Position, write_positions
from store.transaction import transaction

TELEMETRY = "telemetry.jsonl"
NAMES = ("utilization", "memory", "power", "temperature")
SCHEMA = pa.schema(
    [("ts", pa.timestamp("us")), ("device", pa.string()), ("name", pa.string()), ("value", pa.float64())]
)
MOST = 20_000
"""Lines per transaction."""


class Look(msgspec.Struct, frozen=True, omit_defaults=True):
    """One device at one moment; what its driver does not tell is left out."""

    ts: str
    device: str
    """Its UUID."""
    utilization: float | None = None
    """Percent of the time since the driver's last sample in which a kernel ran."""
    memory: float | None = None
    """Bytes in use, by whomever."""
    power: float | None = None
    """Watts."""
    temperature: float | None = None
    """Degrees Celsius."""


def take_telemetry(connection: duckdb.DuckDBPyConnection, path: Path, start: Position) -> Position:
    """Take in what is new, in one transaction: how far the file is read now. Lines that say nothing are passed over."""
    offset, lines = start.offset, start.lines
    rows: list[tuple[object, ...]] = []
    with path.open("rb") as file:
        file.seek(offset)
        for line in file:
            if not line.endswith(b"\n") or lines - start.lines >= MOST:
                break
            offset, lines = offset + len(line), lines + 1
            rows += _rows(line)
    now = Position(start.run_id, start.file, offset, lines)
    with transaction(connection):
        if rows:
            columns = [
                pa.array(column, field.type) for column, field in zip(zip(*rows, strict=True), SCHEMA, strict=True)
            ]
            connection.register("looks", pa.Table.from_arrays(columns, schema=SCHEMA))
            connection.execute("INSERT INTO telemetry BY NAME SELECT * FROM looks")
            connection.unregister("looks")
        write_positions(connection, [now])
    return now


def _rows(line: bytes) -> list[tuple[object, ...]]:
    try:
        look = msgspec.json.decode(line, type=Look)
        at = utc(look.ts)
    except Exception:
        return []
    values = ((name, getattr(look, name)) for name in NAMES)
    return [(at, look.device, name, value) for name, value in values if value is not None]
