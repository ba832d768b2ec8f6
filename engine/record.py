"""What every event, and everything that an event carries, is made of."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """Base of events and what they carry: immutable plain data."""

    model_config = ConfigDict(frozen=True, extra="forbid")
