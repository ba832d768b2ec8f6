import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.errors import UsageError
from engine.study import resolve_study
from idemtui.cli.forking import parse_changes
from store.client import Client
from store.lab import Lab
from tests.idemtui.cli.conftest import Idemtui
from tests.idemtui.conftest import until

Serve = Callable[..., Client]
STUDY = """
[study]
name = "forked"
controls = []
[run]
model = "pocket/instruct"
trait = "bliss"
regime = "sft"
cycles = 6
n_seed = 24
n_sampled = 50
seed = 1
"""


@pytest.mark.parametrize(
    ("stated", "changes"),
    [
        (["run.cycles=8", "train.learning_rate=1e-4"], {"run.cycles": 8, "train.learning_rate": 1e-4}),
        (["run.regime=dpo", "run.init = previous"], {"run.regime": "dpo", "run.init": "previous"}),
        (['run.init="previous"', "data.reuse_prompts=true"], {"run.init": "previous", "data.reuse_prompts": True}),
        (["judge.model=a=b"], {"judge.model": "a=b"}),
        (["judge.model=[1, 2]", "data.pack=2026-01-01"], {"judge.model": "[1, 2]", "data.pack": "2026-01-01"}),
        (["judge.model=1\nother = 2"], {"judge.model": "1\nother = 2"}),
        ([], {}),
    ],
)
def test_changes_are_read_as_toml_or_as_text(stated: list[str], changes: dict[str, Any]) -> None:
    read = parse_changes(stated)
    assert read == changes
    assert list(map(type, read.values())) == list(map(type, changes.values()))


@pytest.mark.parametrize(
    "stated", [["cycles=3"], ["run.cycles"], ["run.=3"], ["a.b.c=1"], ["run.seed=1", "run.seed=2"]]
)
def test_changes_that_say_nothing_are_refused(stated: list[str]) -> None:
    with pytest.raises(UsageError, match="--set"):
        parse_changes(stated)


@pytest.fixture
def parent(idemtui: Idemtui, served: Serve, lab_to_write: Lab, tmp_path: Path) -> Callable[..., Any]:
    """A lab with one finished run of a real study (adapters stand in as empty folders); command lines on it."""
    client = served("finish")
    (tmp_path / "study.toml").write_text(STUDY)
    spec = resolve_study(tmp_path / "study.toml")[0]
    client.command("submit", specs=[spec.model_dump(mode="json")])
    until(lambda: client.sql("SELECT status FROM runs").tuples() == [("finished",)])
    for cycle in range(7):
        adapter = lab_to_write.run(spec.run_id) / "cycles" / f"{cycle:02d}" / "adapter"
        adapter.mkdir(parents=True, exist_ok=True)
        (adapter / "adapter_model.safetensors").touch()
    return lambda *words: idemtui("--lab", lab_to_write.root, *words)


def test_a_fork_is_queued_and_shows_where_it_comes_from(parent: Idemtui, lab_to_write: Lab) -> None:
    name = parent("ls", "--json").json[0]["name"]
    said = parent("fork", name, "--at", "3", "--set", "run.n_sampled=40", "--priority", "2", "--name", "mine", "--json")
    assert (said.code, said.err) == (0, "")
    queued = said.json[0]
    spec = json.loads((lab_to_write.run(queued["run_id"]) / "spec.json").read_text())
    assert (spec["name"], spec["run"]["n_sampled"], spec["forked_at_cycle"]) == ("mine", 40, 3)
    assert f"fork of {name}" in parent("show", "mine").out
    assert "forked into mine" in parent("show", name).out
    shown = parent("show", "mine", "--json").json
    inherited = {point["cycle"] for point in shown["curve"] if point["inherited_from"] is not None}
    assert inherited == {-1, 0, 1, 2, 3}
    taken = parent("fork", name, "--at", "2", "--name", "mine", "--detach")
    assert taken.code == 2
    assert "has it already" in taken.err
    refused = parent("rm", name, "--yes")
    assert refused.code == 1
    assert "stays" in refused.err


def test_what_a_fork_may_not_change_is_one_line(parent: Idemtui) -> None:
    run_id = parent("ls", "--json").json[0]["run_id"]
    for words in (("run.nonsense=1",), ("run.model=pocket/base",), ("run.regime=evil",)):
        said = parent("fork", run_id, "--at", "3", "--set", *words, "--detach")
        assert (said.code, said.out) == (2, "")
        assert words[0].split("=")[0] in said.err
        assert said.err.count("\n") == 1
    assert parent("fork", run_id, "--at", "9", "--detach").code == 2
    assert len(parent("ls", "--json").json) == 1
