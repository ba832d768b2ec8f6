"""What the Launch room asks: a study text resolved, what it would cost, its runs queued; everything here blocks."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual.message import Message

from engine.errors import IdemtuiError, UsageError
from idemtui.console.reader import Reader

if TYPE_CHECKING:
    from engine.spec import RunSpec
    from idemtui.launch.resolution import Resolution
    from idemtui.preflight.facts import Preflight
    from idemtui.preflight.models import ModelMemory
    from store.lab import Lab


class StudyResolved(Message):
    """A study text became runs, or what is wrong in it is known; with what its runs would cost."""

    def __init__(self, text: str, resolution: Resolution, costs: Preflight | None) -> None:
        super().__init__()
        self.text, self.resolution, self.costs = text, resolution, costs


class StudyFormed(Message):
    """What a text states, setting by setting, before it is resolved."""

    def __init__(self, form: Resolution) -> None:
        super().__init__()
        self.form = form


class StudyBegun(Message):
    """A text to go on from, made of a run's settings."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


@cache
def _models() -> ModelMemory:
    from idemtui.preflight.models import ModelMemory

    return ModelMemory()


def forget_models() -> None:
    """The hub is asked anew of every model; otherwise once in a session."""
    _models().forget()


def form(text: str, _: Reader) -> StudyFormed:
    """The form of a text; blocks for what has to be imported first."""
    from idemtui.launch.resolution import form_of

    return StudyFormed(form_of(text))


def with_text(found: Resolution, text: str) -> Resolution:
    """A form that is shown already, with what another text states: at once."""
    from idemtui.launch.resolution import restated

    return restated(found, text)


def read_typed(key: str, typed: str) -> list[Any] | None:
    """The values that somebody typed for a setting, None for none."""
    from idemtui.launch.settings import meanings
    from idemtui.launch.study_text import read_values

    return read_values(typed, listed=meanings()[key].listed)


def resolve(lab: Lab, text: str, reader: Reader) -> StudyResolved:
    """Runs and costs of a text; both without torch, costs without a server too."""
    from idemtui.launch.resolution import resolve_text
    from idemtui.preflight.check import machine_of, past_of, preflight

    resolution = resolve_text(text)
    if not resolution.specs:
        return StudyResolved(text, resolution, None)
    status = None
    try:
        client = reader.client()
        status = client.command("status")
    except IdemtuiError:
        from store.client import connect

        client = connect(lab)
    costs = preflight(resolution.specs, past_of(client), machine_of(lab, status), models=_models().words)
    return StudyResolved(text, resolution, costs)


def begin_from(run_id: str, reader: Reader) -> StudyBegun:
    """The text of a study with a run's own settings."""
    from engine.spec import RunSpec
    from idemtui.launch.from_run import text_of

    return StudyBegun(text_of(RunSpec.model_validate_json(reader.spec(run_id))))


def save_study(text: str, path: Path) -> str:
    """Write the study to a new file; UsageError where one is there already."""
    path = path.expanduser()
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise UsageError(f"{path} is there already; choose another name or remove it.") from None
    except OSError as error:
        raise UsageError(f"{path}: cannot be written ({error.strerror}).") from None
    return f"{path}: `idemtui run {path}` queues it too."


def queue(specs: Sequence[RunSpec], reader: Reader) -> str:
    """Queue the runs as `idemtui run --detach` does, and say what became of them."""
    from collections import Counter

    from idemtui.cli.studies import queue_specs

    answers = queue_specs(reader.client(), list(specs), again=False, priority=0)
    counted = Counter(str(answer["answer"]) for answer in answers)
    said = ", ".join(f"{count} {answer}" for answer, count in counted.items())
    return f"{specs[0].study}: {said}"
