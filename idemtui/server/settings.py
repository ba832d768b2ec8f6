"""How a lab's server is set: `lab/server.toml` where there is one, flags of `serve` before it."""

from __future__ import annotations

import tomllib
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from engine.errors import UsageError
from store.lab import Lab

Keep = Literal["all", "last", "ends"]


class ServerSettings(BaseModel):
    """One lab's server."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    slots: int | None = Field(default=None, ge=1)
    """Workers side by side; None: $IDEMTUI_SLOTS, else one per GPU, else two where there are two cores."""
    idle_seconds: float = Field(default=900.0, ge=0)
    """How long the server stays with nothing to do and nobody asking."""
    linger_seconds: float = Field(default=20.0, ge=0)
    """How long a worker keeps its models loaded with nothing to do."""
    silent_seconds: float = Field(default=1800.0, gt=0)
    """How long a living worker may say nothing before it is called silent."""
    disk_reserve_mb: int = Field(default=256, ge=0)
    """Free space, in MB, below which runs pause and no worker is started."""
    gpu_free_share: float = Field(default=0.9, gt=0, le=1)
    """Share of a GPU's memory that other people's processes must leave free for it to be used."""
    query_seconds: float = Field(default=60.0, ge=0)
    """Time limit of a person's SQL; 0: none."""
    keep: Keep = "all"
    """Whose adapters `gc` leaves in finished runs: every cycle's, the last one's, or M_0's and the last one's."""


def read_settings(lab: Lab) -> ServerSettings:
    """Raise UsageError, naming file, key, value and what is allowed, for a file that is none."""
    path = lab.root / "server.toml"
    try:
        document: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return ServerSettings()
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: cannot be read ({error}).") from None
    try:
        return ServerSettings.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            problem = f"unknown key {key!r}; allowed are {', '.join(ServerSettings.model_fields)}"
        else:
            problem = f"{key} = {first['input']!r}: {first['msg']}"
        raise UsageError(f"{path}: {problem}.") from None
