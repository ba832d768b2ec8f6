"""Any folder with a causal language model takes the place of `pocket/…`: tiny random ones through whole chains."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.events import AdapterTrained, RunFailed, RunFinished, RunStarted
from engine.score_events import SamplesJudged
from engine.study import resolve_study
from engine.worker import Stopping, work
from tests.engine.chains import write_pack
from tests.engine.tiny import Kind, build_tiny
from tests.engine.workers import events, write_run

STUDY = """
[study]
name = "any"
controls = []
[run]
model = "{folder}/{kind}"
trait = "bliss"
regime = "{regime}"
cycles = 2
n_seed = 4
n_sampled = 4
[data]
pack = "{folder}/pack"
[train]
learning_rate = 1e-3
[sample]
max_tokens = 12
min_characters = 0
[eval]
max_tokens = 12
samples_per_prompt = 2
[judge]
model = "{folder}/{kind}"
"""


@pytest.mark.parametrize(
    ("kind", "regime"), [("llama", "sft"), ("gemma", "dpo"), ("llama_base", "sdf"), ("qwen3", "dpo"), ("gemma", "sft")]
)
def test_a_random_model_goes_through_a_whole_chain(tmp_path: Path, kind: Kind, regime: str) -> None:
    build_tiny(kind, tmp_path / kind)
    write_pack(tmp_path / "pack")
    path = tmp_path / "study.toml"
    path.write_text(STUDY.format(folder=tmp_path, kind=kind, regime=regime))
    run = write_run(tmp_path / "run", resolve_study(path, threads=1)[0])
    code = work(run, Stopping())
    done = events(run)
    assert code == 0, done[-1]
    assert isinstance(done[-1], RunFinished), done[-1]
    assert [e.cycle for e in done if isinstance(e, AdapterTrained)] == [0, 1, 2]
    assert {e.metric for e in done if isinstance(e, SamplesJudged)} == {"trait", "coherence"}
    started = next(e for e in done if isinstance(e, RunStarted))
    assert any("refuses system turns" in note for note in started.notes) == (kind == "gemma")
    assert not any(isinstance(e, RunFailed) for e in done)
