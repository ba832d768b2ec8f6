"""10,000 harmed inputs: nothing but the program's own errors ever comes out, and the intact part is never lost."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from engine.commands import stop_requested
from engine.errors import IdemtuiError, JournalError, UsageError
from engine.journal import Journal, read_entries
from engine.run_folder import read_spec
from engine.study import resolve_study
from idemtui.server.history import read_history
from idemtui.server.model_keys import read_key
from idemtui.server.submission import freeze_spec, parse_specs
from store.ingest import Ingest
from store.lab import Lab, create_lab, find_lab
from store.specs import spec_row
from tests.proofs.labs import study
from tests.proofs.mutations import dumped, line, replaced, spliced
from tests.store.chains import START
from tests.store.journals import Chain, chain_events, chain_spec, journal_line, write_lab
from tests.store.tables import memory

pytestmark = pytest.mark.proof
CHAIN = Chain(
    "mutated", "dpo", "previous", trait=(2, 40), coherence=(97,) * 2, prompts=2, draws=1, n_seed=2, n_sampled=2, steps=1
)
LINES = tuple(journal_line(seq, START, event) for seq, event in enumerate(chain_events(CHAIN)))
SPEC = chain_spec(CHAIN)
COMMANDS = tuple(
    json.dumps({"ts": "2026-11-21T20:00:00.000+00:00", **command}).encode() + b"\n"
    for command in (
        {"type": "queued", "priority": 2},
        {"type": "started", "pid": 4242, "boot_id": "x", "device": "cpu"},
        {"type": "pause_requested"},
        {"type": "worker_silent", "message": "no event for 30 min"},
        {"type": "worker_exited", "exit_code": -9, "message": "killed", "log_tail": ["a", "b"]},
        {"type": "cancel_requested"},
        {"type": "adapters_removed", "cycles": [1, 2]},
    )
)
RUNS_A_POLL = 20
TRIED: dict[str, int] = {}


def many(count: int) -> Callable[[Any], Any]:
    """Always the same `count` examples; the first that fails is shown as it is, since shrinking takes minutes."""
    health = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]
    return settings(
        max_examples=count,
        phases=[Phase.generate],
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=health,
    )


def tried(what: str, count: int = 1) -> None:
    TRIED[what] = TRIED.get(what, 0) + count


@contextmanager
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="mutated") as name:
        yield Path(name)


def one_line(error: IdemtuiError) -> None:
    assert str(error).strip()
    assert "\n" not in str(error), str(error)


@dataclass(frozen=True)
class Harmed:
    """A file of lines with one of them harmed, and that one's number."""

    number: int
    harm: bytes
    lines: tuple[bytes, ...] = field(repr=False)

    @property
    def content(self) -> bytes:
        return b"".join([*self.lines[: self.number], self.harm, *self.lines[self.number + 1 :]])


@st.composite
def harmed(draw: st.DrawFn, lines: tuple[bytes, ...]) -> Harmed:
    """A file with one line harmed."""
    number = draw(st.integers(0, len(lines) - 1))
    return Harmed(number, draw(line(lines[number])), lines)


@many(3000)
@given(harmed(LINES))
def test_journals(case: Harmed) -> None:
    number, content = case.number, case.content
    tried("journal lines")
    with folder() as home:
        path = home / "events.jsonl"
        path.write_bytes(content)
        read = []
        try:
            for entry in read_entries(path):
                read.append(entry)
        except JournalError as error:
            one_line(error)
        assert [entry.seq for entry in read] == list(range(len(read)))
        assert len(read) >= number, "an intact line before the harmed one was lost"
        assert content.startswith(b"".join(LINES[:number]))
        try:
            with Journal(path) as journal:
                assert len(journal.entries) == len(read)
        except JournalError:
            assert path.read_bytes() == content, "a journal that is refused is left as it is"
        else:
            kept = path.read_bytes()
            assert content.startswith(kept)
            assert b"\n" not in content[len(kept) :], "more than a torn last line was cut off"


@many(100)
@given(st.lists(harmed(LINES), min_size=RUNS_A_POLL, max_size=RUNS_A_POLL))
def test_ingest(cases: list[Harmed]) -> None:
    tried("journal lines into the database", len(cases))
    with folder() as home:
        lab = write_lab(home / "lab", [Chain("intact", seed=999, prompts=2, draws=1, n_seed=2, n_sampled=2, steps=1)])
        for place, case in enumerate(cases):
            write_harmed(lab, place, case.content)
        connection = memory()
        ingest = Ingest(connection, lab)
        ingest.poll()
        ingest.poll()
        assert connection.execute("SELECT status FROM runs WHERE name LIKE 'intact%'").fetchall() == [("finished",)]
        read = dict(connection.execute("SELECT run_id, count(*) FROM events GROUP BY run_id").fetchall())
        errors = dict(connection.execute("SELECT run_id, error FROM ingest_errors").fetchall())
        for place, case in enumerate(cases):
            number, content = case.number, case.content
            found = read.get(run_id(place), 0)
            assert found >= number or "no column can hold" in errors[run_id(place)], errors
            assert found == content.count(b"\n") or run_id(place) in errors or b"\n" not in content
            assert "\n" not in errors.get(run_id(place), "")


def run_id(place: int) -> str:
    return f"{place:010x}"


def write_harmed(lab: Lab, place: int, content: bytes) -> None:
    home = lab.run(run_id(place))
    home.mkdir()
    (home / "spec.json").write_text(SPEC.model_copy(update={"run_id": run_id(place)}).model_dump_json())
    (home / "events.jsonl").write_bytes(content)


@many(2000)
@given(harmed(COMMANDS))
def test_commands(case: Harmed) -> None:
    tried("commands")
    with folder() as home:
        (home / "commands.jsonl").write_bytes(case.content)
        for ask in (read_history, stop_requested):
            try:
                ask(home)
            except IdemtuiError as error:
                one_line(error)
        assert (home / "commands.jsonl").read_bytes() == case.content


@many(1000)
@given(st.one_of(replaced(json.loads(SPEC.model_dump_json())).map(dumped), spliced(SPEC.model_dump_json().encode())))
def test_specs(content: bytes) -> None:
    tried("specs")
    with folder() as home:
        run = home / SPEC.run_id
        run.mkdir()
        (run / "spec.json").write_bytes(content)
        faces: tuple[Callable[[], object], ...] = (
            lambda: read_spec(run),
            lambda: spec_row(run / "spec.json"),
            lambda: read_key(run),
        )
        for ask in faces:
            try:
                ask()
            except IdemtuiError as error:
                one_line(error)


STUDIES = tuple(study(regime).encode() for regime in ("sft", "sdf", "dpo"))


@many(1500)
@given(st.sampled_from(STUDIES).flatmap(spliced))
def test_study_files(content: bytes) -> None:
    tried("study files")
    with folder() as home:
        path = home / "study.toml"
        path.write_bytes(content)
        try:
            assert resolve_study(path)
        except UsageError as error:
            one_line(error)
            assert str(path) in str(error)  # noqa: PT017


@many(500)
@given(st.lists(replaced(json.loads(SPEC.model_dump_json())), min_size=1, max_size=2))
def test_submitted_documents(documents: list[Any]) -> None:
    tried("submitted documents")
    with folder() as home:
        lab = create_lab(find_lab(home / "lab"))
        try:
            specs = parse_specs(documents)
            for spec in specs:
                freeze_spec(spec, lab)
        except IdemtuiError as error:
            one_line(error)
            assert list(lab.runs.iterdir()) == []
            return
        assert sorted(run.name for run in lab.runs.iterdir()) == sorted({spec.run_id for spec in specs})
        assert all((run / "spec.json").is_file() for run in lab.runs.iterdir())


def test_ten_thousand_inputs_were_tried() -> None:
    if len(TRIED) < 6:
        pytest.skip(f"only {sorted(TRIED)} ran here; the count is of all")
    assert sum(TRIED.values()) >= 10_000, TRIED
