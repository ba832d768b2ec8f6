"""`remove` and `clean`: nothing that is needed goes, and a crash leaves nothing half."""

import shutil
from pathlib import Path

import pytest

from engine.commands import append_command
from engine.errors import ServerError, UsageError
from engine.locks import FileLock
from idemtui.server.cleaning import Cleaning
from idemtui.server.removing import MARK, Removing
from store.lab import Lab
from tests.idemtui.server.bench import FINISHED, Bench, commands, new_run, types
from tests.store.journals import append_events


def finished(lab: Lab, name: str, first: int = 0, **fields: object) -> str:
    """A finished run with an adapter of 100 bytes for every cycle that it made itself."""
    run = new_run(lab, name, **fields)  # type: ignore[arg-type]
    append_events(lab.run(run), FINISHED)
    for cycle in range(first, 7):
        adapter = lab.run(run) / f"cycles/{cycle:02d}/adapter"
        adapter.mkdir(parents=True)
        (adapter / "adapter_model.safetensors").write_bytes(b"x" * 100)
    return run


def adapters(lab: Lab, run: str) -> list[int]:
    return sorted(int(path.parent.name) for path in lab.run(run).glob("cycles/*/adapter"))


def removing(bench: Bench, forgotten: list[str]) -> Removing:
    return Removing(bench.floor, forget=forgotten.extend)


def test_a_run_goes_with_its_rows_and_its_place_in_the_queue(lab: Lab) -> None:
    bench, forgotten = Bench(lab, slots=1), list[str]()
    running, waiting, done = new_run(lab, "a"), new_run(lab, "b"), finished(lab, "c")
    bench.ask(running, waiting)
    size = removing(bench, forgotten).remove([done], dry_run=True)["bytes"]
    assert size > 700
    answer = removing(bench, forgotten).remove([waiting, done, running, done])
    assert (answer["removed"], forgotten) == ([waiting, done], sorted([waiting, done]))
    assert answer["refused"] == [{"run_id": running, "reason": "it is under way; cancel it first"}]
    assert [folder.name for folder in lab.runs.iterdir()] == [running]
    assert bench.waiting == []


def test_a_run_that_somebody_works_on_by_hand_stays(lab: Lab) -> None:
    run = new_run(lab, "a")
    bench, forgotten = Bench(lab), list[str]()
    with FileLock(lab.run(run) / "worker.lock", "run"):
        assert removing(bench, forgotten).remove([run])["removed"] == []
    assert lab.run(run).exists()


def test_a_parent_goes_only_with_its_forks(lab: Lab) -> None:
    bench, forgotten = Bench(lab), list[str]()
    parent = finished(lab, "a")
    child = finished(lab, "b", first=4, fork_of=parent, at=3)
    grandchild = new_run(lab, "c", fork_of=child, at=5)
    remove = removing(bench, forgotten).remove
    refused = {row["run_id"]: row["reason"] for row in remove([parent, child])["refused"]}
    assert refused[child] == f"c ({grandchild}) goes on from its cycle 5; remove that first"
    assert refused[parent] == f"b ({child}) goes on from its cycle 3; remove that first"
    assert remove([parent, child, grandchild])["removed"] == [parent, child, grandchild]
    assert list(lab.runs.iterdir()) == []


def test_a_removal_that_a_crash_cut_short_is_finished_by_the_next_server(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, forgotten = finished(lab, "a"), list[str]()
    bench = Bench(lab)

    def crash(folder: Path) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", crash)
        removing(bench, forgotten).remove([run])
    assert [folder.name for folder in lab.runs.iterdir()] == [f"{MARK}{run}"]
    assert bench.floor.unswept
    after = Bench(lab)
    assert after.floor.histories() == []
    removing(after, forgotten).sweep()
    assert forgotten == [run, run]
    assert list(lab.runs.iterdir()) == []


@pytest.mark.parametrize(("keep", "left"), [("all", [0, 1, 2, 3, 4, 5, 6]), ("last", [6]), ("ends", [0, 6])])
def test_a_policy_keeps_what_it_says(lab: Lab, keep: str, left: list[int]) -> None:
    run, other = finished(lab, "a"), finished(lab, "b")
    (lab.run(other) / "events.jsonl").unlink()
    cleaning = Cleaning(Bench(lab).floor)
    gone = sorted(set(range(7)) - set(left))
    promised = cleaning.clean(keep, dry_run=True)
    assert adapters(lab, run) == list(range(7))
    assert cleaning.clean(keep) == promised
    rows = [{"run_id": run, "name": "a", "cycles": gone, "bytes": 100 * len(gone)}] if gone else []
    assert promised == {"runs": rows, "bytes": 100 * len(gone)}
    assert (adapters(lab, run), adapters(lab, other)) == (left, list(range(7)))
    assert types(lab, run) == (["adapters_removed"] if gone else [])
    assert cleaning.clean(keep)["runs"] == []


def test_adapters_that_forks_take_stay(lab: Lab) -> None:
    parent = finished(lab, "a")
    child = finished(lab, "b", first=4, fork_of=parent, at=3)
    new_run(lab, "c", fork_of=child, at=2)
    cleaning = Cleaning(Bench(lab).floor)
    cleaned = {row["run_id"]: row["cycles"] for row in cleaning.clean("last")["runs"]}
    assert cleaned == {parent: [0, 1, 4, 5], child: [4, 5]}
    assert adapters(lab, parent) == [2, 3, 6]


def test_what_is_written_down_as_gone_goes_the_next_time(lab: Lab) -> None:
    run = finished(lab, "a")
    append_command(lab.run(run), "adapters_removed", cycles=(0, 1))
    Cleaning(Bench(lab).floor).clean("last")
    assert commands(lab, run)[-1].cycles == (0, 1, 2, 3, 4, 5)
    assert adapters(lab, run) == [6]


def test_rows_that_cannot_be_deleted_now_are_deleted_later(lab: Lab) -> None:
    run, bench, forgotten = finished(lab, "a"), Bench(lab), list[str]()

    def held(run_ids: list[str]) -> None:
        raise ServerError("another program holds the database")

    assert Removing(bench.floor, forget=held).remove([run])["removed"] == [run]
    assert (bench.floor.unswept, bench.floor.histories()) == (True, [])
    removing(bench, forgotten).sweep()
    assert (bench.floor.unswept, forgotten, list(lab.runs.iterdir())) == (False, [run], [])


def test_an_unknown_policy_is_refused(lab: Lab) -> None:
    with pytest.raises(UsageError, match="allowed are all, last, ends"):
        Cleaning(Bench(lab).floor).clean("some")
