"""What a study would cost, held against what real runs did."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from engine.events import CycleStarted, Event, StageFinished, StageStarted
from engine.spec import RunSpec
from engine.study import resolve_study
from idemtui.cli.studies import DEMO
from idemtui.preflight.check import Past, machine_of, preflight
from idemtui.preflight.facts import Machine
from idemtui.preflight.models import ModelMemory, model_words
from idemtui.preflight.past import Peak, Rate, peaks
from idemtui.preflight.shape import shape_of
from idemtui.preflight.words import facts, stage_words
from idemtui.preflight.work import work_of
from store.lab import find_lab
from tests.store.journals import Chain, append_events, chain_spec, write_lab
from tests.store.tables import Asking, ingested

MACHINE = Machine(10**11, 10**8, 10**10, "memory", "cpu", 2, 1)
STUDIES = Path("idemtui/studies")


def demo() -> list[RunSpec]:
    return resolve_study(DEMO)


def test_work_is_counted_by_the_lineage() -> None:
    sft, _sdf, continual, _reset = demo()
    work = work_of(sft)
    assert work.drawn == 6 * 50
    assert work.rejected == 0
    assert work.judgements == 2 * work.answers == 2 * 8 * 12 * 10
    assert work.measured == 8 * 12 * 4
    assert [training.rows for training in work.trainings] == [50] * 7
    assert work.trainings[0].steps == 25
    paired = work_of(continual)
    assert paired.rejected == continual.run.n_seed + 6 * 50


def test_controls_and_forks_do_less() -> None:
    specs = resolve_study(STUDIES / "dpo-factors.toml")
    by_control = {spec.run.control: spec for spec in specs}
    assert work_of(by_control["resample-only"]).steps == work_of(by_control["resample-only"]).trainings[0].steps
    assert work_of(by_control["seed-only"]).drawn == 0
    whole = work_of(specs[0])
    fork = work_of(specs[0].model_copy(update={"parent_run_id": "x", "forked_at_cycle": 0}))
    assert fork.answers == whole.answers * 6 // 8
    assert len(fork.trainings) == 6


def test_a_models_shape_is_read_from_its_files() -> None:
    shape = shape_of("pocket/instruct")
    assert shape is not None
    held = Path("engine/pocket/instruct/model.safetensors").stat().st_size
    assert 2 * shape.parameters < held < 2.1 * shape.parameters
    assert (shape.hidden, shape.layers, shape.vocabulary, shape.key_values) == (160, 4, 2048, 160)
    named = shape_of("Qwen/Qwen3-4B-Instruct-2507")
    assert named is not None
    assert (named.parameters, named.by_name) == (4_000_000_000, True)
    assert shape_of("somebody/some-model") is None


def test_the_labs_own_past_wins_over_the_shape() -> None:
    specs = demo()[:1]
    guessed = preflight(specs, Past(), MACHINE)
    assert guessed.source == "shape"
    rates = {(stage.stage, "pocket/instruct", "sft"): Rate(0.5, 3) for stage in guessed.stages}
    rates[("judge", "pocket/judge", "sft")] = Rate(0.25, 3)
    measured = preflight(specs, Past(rates), MACHINE)
    assert measured.source == "measured"
    work = work_of(specs[0])
    items = work.drawn + work.rows + work.answers + work.measured
    assert measured.seconds == 0.5 * items + 0.25 * work.judgements
    half = preflight(specs, Past({("train", "pocket/instruct", "sft"): Rate(1, 1)}), MACHINE)
    assert half.source == "mixed"


def test_likelihoods_are_a_stage_of_their_own_and_as_many_as_there_are_answers() -> None:
    spec = demo()[0]
    stage = {stage.stage: stage for stage in preflight([spec], Past(), MACHINE).stages}["likelihood"]
    assert stage.items == 8 * 12 * 4
    assert stage.seconds is not None
    assert stage.seconds > 0
    assert stage_words(stage).startswith("likelihoods")
    few = spec.eval.model_copy(update={"likelihoods": 4, "samples_per_prompt": 3})
    assert work_of(spec.model_copy(update={"eval": few})).measured == 8 * 12 * 3
    none = preflight([spec.model_copy(update={"eval": few.model_copy(update={"likelihoods": 0})})], Past(), MACHINE)
    assert {s.stage: (s.items, s.seconds) for s in none.stages}["likelihood"] == (0, 0.0)


def test_the_newest_run_of_a_kind_says_what_it_took(tmp_path: Path) -> None:
    chains = [Chain("old", status="queued"), Chain("new", status="queued", seed=2, minutes=5)]
    lab = write_lab(tmp_path / "lab", chains)
    for chain, memory in zip(chains, (9_000, 5_000), strict=True):
        stage = StageFinished(cycle=0, stage="train", seconds=1, tokens=8, memory=memory)
        begun: list[Event] = [CycleStarted(cycle=0), StageStarted(cycle=0, stage="train", total=1)]
        append_events(lab.run(chain_spec(chain).run_id), [*begun, stage])
    [(key, peak)] = peaks(Asking(ingested(lab))).items()
    assert (key, peak.memory) == (("pocket/instruct", "sft"), 5_000)
    assert RunSpec.model_validate_json(peak.spec).name == "new"


def test_memory_is_scaled_by_what_such_a_run_took() -> None:
    spec = demo()[0]
    guessed = preflight([spec], Past(), MACHINE)
    peak = Peak(2 * (guessed.memory or 0), spec.model_dump_json())
    past = Past(peaks={("pocket/instruct", "sft"): peak})
    found = preflight([spec], past, MACHINE)
    assert (found.memory, found.memory_source, guessed.memory_source) == (peak.memory, "measured", "shape")
    assert "measured in this lab" in dict(facts(found))["memory"]
    larger = spec.model_copy(update={"train": spec.train.model_copy(update={"batch_size": 64})})
    alone = preflight([larger], Past(), MACHINE).memory or 0
    assert preflight([larger], past, MACHINE).memory == pytest.approx(2 * alone, rel=1e-6)
    assert preflight([spec, demo()[1]], past, MACHINE).memory_source == "mixed"
    elsewhere = spec.model_copy(update={"execution": spec.execution.model_copy(update={"device": "cuda:0"})})
    moved = Past(peaks={("pocket/instruct", "sft"): Peak(peak.memory, elsewhere.model_dump_json())})
    assert preflight([spec], moved, MACHINE).memory == guessed.memory


def test_what_is_finished_costs_nothing_and_slots_share_the_rest() -> None:
    specs = demo()
    one = preflight(specs, Past(), MACHINE)
    done = preflight(specs, Past(held={specs[0].run_id: "finished", specs[1].run_id: "failed"}), MACHINE)
    assert (done.finished, done.unfinished, done.waiting) == (1, 1, 3)
    assert (one.seconds or 0) > (done.seconds or 0) > 0
    two = preflight(specs, Past(), Machine(10**11, 10**8, 10**10, "memory", "cpu", 2, 2))
    assert two.seconds == pytest.approx((one.seconds or 0) / 2)


def test_a_judge_behind_a_server_costs_tokens_and_money_and_no_memory() -> None:
    spec = demo()[0]
    judge = {"model": "some-judge", "server": "http://localhost:1/v1", "price_input": 2.0, "price_output": 8.0}
    served = spec.model_copy(update={"judge": spec.judge.model_copy(update=judge)})
    found = preflight([served], Past(), MACHINE)
    assert found.seconds is None
    tokens, questions = found.judge_tokens, found.judgements
    assert found.judge_price == pytest.approx((2.0 * tokens + 8.0 * 4 * questions) / 1e6)
    assert found.judge_requests == questions
    assert f"{questions:,} questions to some-judge in {questions:,} requests or more" in dict(facts(found))["judging"]
    assert "by the stated prices" in dict(facts(found))["judging"]
    drawn = served.model_copy(update={"judge": served.judge.model_copy(update={"method": "sampled", "draws": 7})})
    assert preflight([drawn], Past(), MACHINE).judge_requests == 7 * questions
    assert preflight([spec], Past(), MACHINE).judge_requests == 0
    assert (found.memory or 0) < (preflight([spec], Past(), MACHINE).memory or 0)
    assert preflight([spec], Past(), MACHINE).judge_price is None


def test_too_little_room_is_said() -> None:
    found = preflight(demo(), Past(), Machine(10**8, 10**8, 10**6, "memory", "cpu", 2, 1))
    assert len(found.warnings) == 2
    assert "the disk has room for 0.0 GB" in found.warnings[0]


def test_a_model_that_is_not_here_is_said_to_be_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("idemtui.preflight.models.hub_trouble", lambda name: f"model {name!r} is gated")
    specs = [spec.model_copy(update={"run": spec.run.model_copy(update={"model": "a/b"})}) for spec in demo()]
    found = preflight(specs, Past(), MACHINE)
    assert (found.seconds, found.memory, found.disk, found.source) == (None, None, None, "unknown")
    assert any("a/b is not on this machine" in line for line in found.assumed)
    assert dict(facts(found))["time"].startswith("unknown")
    assert (found.unfit, found.warnings[-1]) == (("model 'a/b' is gated",), "model 'a/b' is gated")
    assert [line.split(":")[0] for line in found.models] == ["pocket/judge"]


def test_what_a_models_tokenizer_does_is_said_and_a_hub_that_never_answers_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = "pocket/instruct: chat template, takes system turns; each number is one token"
    assert told in preflight(demo(), Past(), MACHINE).models
    held = threading.Event()
    monkeypatch.setattr("idemtui.preflight.models.hub_trouble", lambda name: held.wait())
    monkeypatch.setattr("idemtui.preflight.models.HUB_SECONDS", 0.01)
    assert model_words("a/b") == ("model 'a/b' is not on this machine and the hub did not answer within 0.01 s", False)
    held.set()
    monkeypatch.setattr("idemtui.preflight.models.hub_trouble", lambda name: None)
    assert model_words("a/b")[1]


def test_the_hub_is_asked_once_in_a_session_also_by_those_who_ask_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, go = [], threading.Event()

    def trouble(name: str) -> str | None:
        asked.append(name)
        assert go.wait(60)
        return f"model {name!r} is gated" if name == "a/gated" else None

    monkeypatch.setattr("idemtui.preflight.models.hub_trouble", trouble)
    memory, said = ModelMemory(), []
    people = [threading.Thread(target=lambda: said.append(memory.words("a/gated"))) for _ in range(3)]
    for person in people:
        person.start()
    go.set()
    for person in people:
        person.join(60)
    assert said == [("model 'a/gated' is gated", False)] * 3
    assert asked == ["a/gated"]
    assert memory.words("a/free")[1]
    assert (memory.words("a/free"), asked) == (memory.words("a/free"), ["a/gated", "a/free"])
    memory.forget()
    assert (memory.words("a/gated")[1], asked[2:]) == (False, ["a/gated"])


def test_a_machine_without_a_server_is_seen_from_here(tmp_path: Path) -> None:
    machine = machine_of(find_lab(tmp_path / "not" / "there"), None)
    assert machine.disk_free > 0
    assert machine.memory_free > 0


def test_on_a_gpu_it_says_who_draws_and_where_vllm_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.backends.find_spec", lambda name: object())
    large = Machine(10**11, 10**8, 80 * 10**9, "H100 0", "cuda", 8, 1)
    found = preflight(demo(), Past(), large)
    lines = [line for line in found.assumed if line.startswith("pocket/instruct: vLLM draws, resident")]
    assert lines
    assert all(line.endswith("gradient checkpointing off: activations of the longest rows fit") for line in lines)
    assert found.memory is not None
    assert 10**9 < found.memory < 2 * 10**9
    small = replace(large, memory_free=10**9)
    assert any("does not fit" in line for line in preflight(demo(), Past(), small).assumed)
    several = [spec.model_copy(update={"execution": spec.execution.model_copy(update={"gpus": 2})}) for spec in demo()]
    assert any("vLLM has 1 GPU of its own" in line for line in preflight(several, Past(), large).assumed)
    monkeypatch.setattr("engine.backends.find_spec", lambda name: None)
    assert any(
        "execution.gpus = 2: beyond execution.shards = 1, GPUs are vLLM's" in line
        for line in preflight(several, Past(), large).assumed
    )
    assert any("transformers draws (vLLM is not installed" in line for line in preflight(demo(), Past(), large).assumed)


def test_runs_too_short_for_a_verdict_are_told_before_they_are_queued() -> None:
    long = chain_spec(Chain("long"))
    short = long.model_copy(update={"run_id": "short", "run": long.run.model_copy(update={"cycles": 3})})
    assert preflight([long], Past(), MACHINE, models=None).warnings == ()
    found = preflight([long, short], Past(), MACHINE, models=None)
    assert found.warnings == ("1 run ends before cycle 4 and will have no verdict; run.cycles says how long",)
    assert preflight([short], Past(held={"short": "finished"}), MACHINE, models=None).warnings == ()
