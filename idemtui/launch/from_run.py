"""A study that begins with the settings of a run: what its own study stated, as one would have written it."""

from __future__ import annotations

from typing import Any

from engine.spec import RunSpec
from engine.study_file import SECTIONS
from idemtui.launch.study_text import write
from idemtui.text import one_line


def text_of(spec: RunSpec) -> str:
    """A study file of this one run without its controls; what its recipe and the paper gave is left to them."""
    tables: dict[str, Any] = {"study": {"name": f"{spec.study}-next", "controls": []}}
    for section in SECTIONS:
        values = getattr(spec, section).model_dump(mode="json")
        own = {name: value for name, value in values.items() if spec.origins.get(f"{section}.{name}") == "study"}
        if own := {name: value for name, value in own.items() if value is not None}:
            tables[section] = own
    words = f"# From the run {one_line(spec.name)} ({spec.run_id})"
    if spec.parent_run_id is not None:
        words += ", which is a fork: this study trains all of its cycles anew"
    return f"{words}.\n{write(tables)}"
