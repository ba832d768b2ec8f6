from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.errors import SpecError
from engine.run_folder import read_spec
from tests.engine.chains import make_spec, write_pack


def test_a_line_break_in_an_offending_key_does_not_break_the_message(tmp_path: Path) -> None:
    spec = json.loads(make_spec(write_pack(tmp_path / "pack").folder).model_dump_json())
    spec["train"]["broken\nkey\r\n\u2028"] = 1
    (tmp_path / "spec.json").write_text(json.dumps(spec))
    with pytest.raises(SpecError) as caught:
        read_spec(tmp_path)
    assert str(caught.value) == f"{tmp_path / 'spec.json'}: train.broken key  : Extra inputs are not permitted"
