"""The handlers behind the socket, without the socket."""

from datetime import UTC, datetime
from typing import Any

import duckdb
import pytest

from engine.errors import LabError, ResumeError, UsageError
from engine.run_folder import read_spec
from idemtui.server import submission
from idemtui.server.annotating import Annotating
from idemtui.server.cleaning import Cleaning
from idemtui.server.commands import Commands
from idemtui.server.facts import Facts
from idemtui.server.options import PROTOCOL
from idemtui.server.places import Places
from idemtui.server.removing import Removing
from idemtui.server.settings import ServerSettings
from store.lab import Lab
from tests.idemtui.server.bench import FAILED, Bench, FakeGpus, commands, new_run
from tests.store.journals import DEMO, chain_spec

SPECS = [chain_spec(chain).model_dump(mode="json") for chain in DEMO]


@pytest.fixture
def bench(lab: Lab) -> Bench:
    return Bench(lab, slots=1)


@pytest.fixture
def handlers(bench: Bench) -> Commands:
    places = Places(1, 0.9, FakeGpus())
    facts = Facts(
        bench.floor, bench.queue, places, bench.secrets, ServerSettings(), bench.disk, lambda: float("inf"),
        lambda: None, datetime(2026, 1, 1, tzinfo=UTC),
    )  # fmt: skip
    removing = Removing(bench.floor, forget=lambda run_ids: None)
    return Commands(
        bench.lab, bench.asking, bench.queue, bench.secrets, bench.holds, removing, Cleaning(bench.floor),
        Annotating(bench.lab, lambda: duckdb.connect(":memory:")), facts.status, lambda: None, lambda: None, "all",
    )  # fmt: skip


def test_a_submission_has_a_priority_and_secrets(bench: Bench, handlers: Commands) -> None:
    answer = handlers.submit({"specs": SPECS[:2], "priority": 4, "secrets": {"HF_TOKEN": "x"}})
    assert [run["answer"] for run in answer["runs"]] == ["queued", "queued"]
    assert commands(bench.lab, SPECS[0]["run_id"])[0].priority == 4
    assert handlers.mapping["status"]({})["secrets"] == ["HF_TOKEN"]


def test_a_fork_whose_parent_is_missing_is_refused_before_anything_is_written(bench: Bench, handlers: Commands) -> None:
    fork = {**SPECS[1], "parent_run_id": "abcdef0123", "forked_at_cycle": 2}
    with pytest.raises(ResumeError, match="abcdef0123"):
        handlers.submit({"specs": [SPECS[0], fork]})
    assert list(bench.lab.runs.iterdir()) == []


def test_a_submission_that_the_disk_cuts_short_leaves_nothing(
    bench: Bench, handlers: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, left = submission.write_whole, [SPECS[0]["run_id"]]

    def write(path: Any, text: str) -> None:
        if path.parent.name not in left:
            raise OSError(28, "No space left on device")
        whole(path, text)

    monkeypatch.setattr(submission, "write_whole", write)
    with pytest.raises(LabError, match="No space left"):
        handlers.submit({"specs": SPECS[:2]})
    assert list(bench.lab.runs.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "fields", "problem"),
    [
        ("submit", {}, "`specs` has to be a list"),
        ("submit", {"specs": SPECS, "priority": "high"}, "priority = 'high': a whole number"),
        ("pause", {"run_id": "../../etc"}, "no run"),
        ("prioritize", {"run_id": "abcdef0123", "priority": 1}, "`idemtui ls` and `ls --jobs` name"),
        ("remove", {"run_ids": []}, "at least one run id"),
        ("remove", {"run_ids": [""]}, "no run ''"),
        ("clean", {"keep": "none"}, "allowed are all, last, ends"),
        ("secrets", {"values": {"PATH": "/evil"}}, "cannot be the name of a secret"),
    ],
)
def test_what_is_asked_wrongly_is_one_clear_line(
    handlers: Commands, name: str, fields: dict[str, Any], problem: str
) -> None:
    with pytest.raises(UsageError, match=problem) as caught:
        handlers.mapping[name](fields)
    assert "\n" not in str(caught.value)


def test_resume_and_retry_take_one_or_all(bench: Bench, handlers: Commands) -> None:
    runs = [new_run(bench.lab, name) for name in "ab"]
    for run in runs:
        bench.ask(run)
        bench.let_go(run, FAILED, code=1)
    assert handlers.retry({"run_id": runs[0]})["runs"] == [{"run_id": runs[0], "answer": "continued"}]
    assert handlers.retry({"all": True})["runs"] == [{"run_id": runs[1], "answer": "continued"}]
    assert handlers.resume({"all": True})["runs"] == []
    assert handlers.prioritize({"run_id": runs[1], "priority": 9}) == {"run_id": runs[1], "answer": "moved"}


def test_status_tells_everything_of_the_server(bench: Bench, handlers: Commands) -> None:
    first, second = new_run(bench.lab, "a"), new_run(bench.lab, "b")
    bench.ask(first, second)
    bench.floor.interrupted[second] = "interrupted: the machine was restarted"
    facts = handlers.mapping["status"]({})
    assert set(facts) == {
        "version", "protocol", "pid", "lab", "started_at", "slots", "threads", "device", "idle_seconds",
        "ends_in_seconds", "waiting", "workers", "devices", "disk", "trouble", "interrupted", "secrets", "settings",
    }  # fmt: skip
    assert (facts["protocol"], facts["device"], facts["slots"], facts["ends_in_seconds"]) == (PROTOCOL, "cpu", 1, None)
    assert facts["waiting"] == [{"run_id": second, "priority": 0, "reason": "waits for a free slot"}]
    worker = facts["workers"][0]
    assert (worker["run_id"], worker["device"], worker["model"], worker["adopted"]) == (
        first, "cpu", "pocket/instruct", False,
    )  # fmt: skip
    assert facts["interrupted"] == [
        {"run_id": second, "name": "b", "message": "interrupted: the machine was restarted"}
    ]
    assert facts["disk"] == {"free_bytes": 10_000_000_000, "reserve_bytes": 256_000_000, "low": False}
    assert handlers.stop({})["workers"] == {first: worker["pid"]}


def test_a_fork_comes_together_with_its_parent_and_follows_it_to_a_new_id(bench: Bench, handlers: Commands) -> None:
    fork = {**SPECS[0], "run_id": "f" * 10, "parent_run_id": SPECS[0]["run_id"], "forked_at_cycle": 0}
    answer = handlers.submit({"specs": [SPECS[0], fork]})
    assert [run["answer"] for run in answer["runs"]] == ["queued", "queued"]
    first, second = (run["run_id"] for run in handlers.submit({"specs": [SPECS[0], fork], "again": True})["runs"])
    assert len({first, second, SPECS[0]["run_id"], "f" * 10}) == 4
    assert read_spec(bench.lab.run(second)).parent_run_id == first
