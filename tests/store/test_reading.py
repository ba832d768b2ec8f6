from __future__ import annotations

from typing import get_args

import msgspec
import pytest

from engine.events import Event
from engine.record import Record
from store.reading import event_structs

KINDS: list[type[Record]] = list(get_args(get_args(Event)[0]))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_what_an_older_journal_left_out_is_read_as_the_engine_reads_it(kind: type[Record]) -> None:
    struct = event_structs()[kind.model_fields["type"].default]
    for field in msgspec.structs.fields(struct):
        engine = kind.model_fields[field.name]
        assert field.required == engine.is_required(), field.name
        if not field.required:
            made = field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()
            assert made == engine.get_default(call_default_factory=True, validated_data={}), field.name
