"""What all settings are: immutable, and exact about which of them make a run what it is."""

from __future__ import annotations

from typing import ClassVar

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """Base of all settings: immutable, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    later: ClassVar[frozenset[str]] = frozenset()
    """Settings that came after runs were made without them: at their default they are no part of a run's identity."""
    beside: ClassVar[frozenset[str]] = frozenset()
    """Settings that decide nothing of a chain, only how long it takes or what it costs: never part of its identity."""

    def identity(self) -> dict[str, object]:
        """What decides a chain, as JSON's own types."""
        fields = type(self).model_fields
        unset = {name for name in self.later if getattr(self, name) == fields[name].default}
        return self.model_dump(mode="json", exclude=unset | self.beside)
