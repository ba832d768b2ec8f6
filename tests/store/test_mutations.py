"""Whatever bytes stand in a journal: no traceback, nothing of the intact prefix lost, and the other runs go on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from engine.errors import JournalError
from engine.journal import read_entries as read_slowly
from store.ingest import Ingest
from store.lab import Lab, create_lab, find_lab
from store.reading import event_structs, read_entries
from tests.store.journals import Chain, chain_spec, write_lab
from tests.store.tables import dump, memory, values

TINY: dict[str, Any] = {"prompts": 2, "draws": 1, "n_seed": 2, "n_sampled": 2, "steps": 1}
HARMED = tuple(
    Chain(f"harmed-{i}", "dpo", "previous", seed=100 + i, trait=(2, 40), coherence=(97, 97), **TINY) for i in range(20)
)
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


def check_mutations(lab: Lab, data: st.DataObject, runs: int) -> None:
    """One file of each of `runs` runs is harmed, and everything is as it was afterwards."""
    whole, intact = {}, {}
    try:  # drawing, too, may end this: what it ends with would be the next example's files
        for chain in HARMED[:runs]:
            folder = lab.run(chain_spec(chain).run_id)
            name = data.draw(st.sampled_from(FILES), label="file")
            content = whole[folder / name] = (folder / name).read_bytes()
            start, mutated = mutate(content, data)
            (folder / name).write_bytes(mutated)
            intact[folder.name] = content[:start].count(b"\n") if name == "events.jsonl" else 0
        _check_ingest(lab, intact)
        for run_id in intact:
            _check_reading(lab.run(run_id) / "events.jsonl")
    finally:
        for file, content in whole.items():
            file.write_bytes(content)


def _check_ingest(lab: Lab, intact: dict[str, int]) -> None:
    """`intact` holds the lines before the harm, by run id."""
    connection = memory()
    Ingest(connection, lab).poll()
    assert values(connection, "SELECT status FROM runs WHERE name = 'other'") == ["finished"]
    errors = dict(connection.execute("SELECT run_id, error FROM ingest_errors").fetchall())
    for run_id, error in errors.items():
        assert "\n" not in error
        assert str(lab.run(run_id)) in error
    held = dict(connection.execute("SELECT run_id, count(*) FROM events GROUP BY run_id").fetchall())
    for run_id, lines in intact.items():
        assert held.get(run_id, 0) >= lines or "no column can hold" in errors[run_id]
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
    return write_lab(tmp_path_factory.mktemp("mutable") / "lab", [*HARMED, OTHER])


NO_HURRY = {"deadline": None, "suppress_health_check": list(HealthCheck)}


@settings(max_examples=100, **NO_HURRY)
@given(data=st.data())
def test_mutated_lines_are_read_as_the_engine_reads_them(mutable: Lab, data: st.DataObject) -> None:
    path = mutable.run(chain_spec(HARMED[0]).run_id) / "events.jsonl"
    mutated = path.with_name("mutated.jsonl")
    mutated.write_bytes(mutate(path.read_bytes(), data)[1])
    _check_reading(mutated)


@settings(max_examples=3, **NO_HURRY)
@given(data=st.data())
def test_a_few_mutated_files_cost_nobody_else_anything(mutable: Lab, data: st.DataObject) -> None:
    check_mutations(mutable, data, 4)


@pytest.mark.proof
@settings(max_examples=50, phases=[Phase.generate], derandomize=True, database=None, **NO_HURRY)
@given(data=st.data())
def test_mutated_files_cost_nobody_else_anything(mutable: Lab, data: st.DataObject) -> None:
    """A thousand harmed files, twenty a lab; tests/proofs/test_mutations.py holds the ten thousand inputs."""
    check_mutations(mutable, data, 20)


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
