"""Whatever bytes stand in a journal: no traceback, nothing of the intact prefix lost, and the other runs go on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import JournalError
from engine.journal import read_entries as read_slowly
from store.ingest import Ingest
from store.lab import Lab, create_lab, find_lab
from store.reading import event_structs, read_entries
from tests.store.journals import Chain, chain_spec, write_lab
from tests.store.tables import dump, memory, values

TINY: dict[str, Any] = {"prompts": 2, "draws": 1, "n_seed": 2, "n_sampled": 2, "steps": 1}
MUTATED = Chain("mutated", "dpo", "previous", trait=(2, 40), coherence=(97, 97), **TINY)
OTHER = Chain("other", trait=(2, 40), coherence=(97, 97), **TINY)
FILES = ("commands.jsonl", "events.jsonl", "spec.json")
PIECES = st.sampled_from(
    [b"", b"\n", b"{", b"}", b'"', b"null", b"NaN", b"-1", b"1e999", b"99999999999999999999", b"true", b'"\\ud800"']
) | st.binary(max_size=6)  # fmt: skip


def mutate(content: bytes, data: st.DataObject) -> tuple[int, bytes]:
    """One stretch of bytes exchanged; also where it begins."""
    start = data.draw(st.integers(0, len(content)), label="start")
    end = min(len(content), start + data.draw(st.integers(0, 12), label="length"))
    return start, content[:start] + data.draw(PIECES, label="piece") + content[end:]


def check_mutation(lab: Lab, data: st.DataObject) -> None:
    folder = lab.run(chain_spec(MUTATED).run_id)
    contents = {name: (folder / name).read_bytes() for name in FILES}
    name = data.draw(st.sampled_from(FILES), label="file")
    start, mutated = mutate(contents[name], data)
    (folder / name).write_bytes(mutated)
    try:
        _check_ingest(lab, folder, name, contents[name][:start].count(b"\n"))
        _check_reading(folder / "events.jsonl")
    finally:
        for file, content in contents.items():
            (folder / file).write_bytes(content)


def _check_ingest(lab: Lab, folder: Path, name: str, intact: int) -> None:
    connection = memory()
    Ingest(connection, lab).poll()
    assert values(connection, "SELECT status FROM runs WHERE name = 'other'") == ["finished"]
    for error in values(connection, "SELECT error FROM ingest_errors"):
        assert "\n" not in error
        assert str(folder) in error
    if name == "events.jsonl":
        held = values(connection, "SELECT count(*) FROM events WHERE run_id = ?", folder.name)[0]
        refused = "no column can hold" in " ".join(values(connection, "SELECT error FROM ingest_errors"))
        assert held >= intact or refused
    before = dump(connection)
    assert Ingest(connection, lab).poll() == 0
    assert dump(connection) == before
    connection.close()


def _check_reading(path: Path) -> None:
    """The fast reader says what the engine's own says, to the last refusal."""
    slow, fast = _told(read_slowly, path), _told(read_entries, path)
    assert repr(fast) == repr(slow)


def _told(reader: Any, path: Path) -> list[Any]:
    told: list[Any] = []
    try:
        for entry in reader(path):
            event = entry.event
            names = event_structs()[event.type].__struct_fields__
            plain = event.model_dump() if hasattr(event, "model_dump") else _plain(event)
            told.append((entry.seq, entry.ts, entry.end, {name: plain[name] for name in names}))
    except JournalError as error:
        told.append(str(error))
    return told


def _plain(event: Any) -> Any:
    import msgspec

    if isinstance(event, msgspec.Struct):
        return {name: _plain(getattr(event, name)) for name in event.__struct_fields__}
    return [_plain(item) for item in event] if isinstance(event, list) else event


@pytest.fixture(scope="module")
def mutable(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    return write_lab(tmp_path_factory.mktemp("mutable") / "lab", [MUTATED, OTHER])


NO_HURRY = {"deadline": None, "suppress_health_check": list(HealthCheck)}


@settings(max_examples=100, **NO_HURRY)
@given(data=st.data())
def test_mutated_lines_are_read_as_the_engine_reads_them(mutable: Lab, data: st.DataObject) -> None:
    path = mutable.run(chain_spec(MUTATED).run_id) / "events.jsonl"
    mutated = path.with_name("mutated.jsonl")
    mutated.write_bytes(mutate(path.read_bytes(), data)[1])
    _check_reading(mutated)


@settings(max_examples=12, **NO_HURRY)
@given(data=st.data())
def test_a_few_mutated_files_cost_nobody_else_anything(mutable: Lab, data: st.DataObject) -> None:
    check_mutation(mutable, data)


@pytest.mark.proof
@settings(max_examples=10_000, **NO_HURRY)
@given(data=st.data())
def test_mutated_files_cost_nobody_else_anything(mutable: Lab, data: st.DataObject) -> None:
    check_mutation(mutable, data)


def test_ingest_of_a_long_run_holds_no_more_than_its_newest_cycle(tmp_path: Path) -> None:
    curve = (2.0, *([40.0] * 201))
    chain = Chain("long", trait=curve, coherence=(97.0,) * 202, status="running", done=199, **TINY)
    lab = write_lab(create_lab(find_lab(tmp_path / "lab")).root, [chain])
    ingest = Ingest(memory(), lab, batch_rows=200)
    ingest.poll()
    [state] = ingest._states.values()
    assert max(state.cycles) == 200
    assert len(state.cycles) <= 3
    assert len(state.stages) <= 20
    assert len(ingest._positions) == 3
