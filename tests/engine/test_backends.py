"""Who draws: what a study may ask for, what is chosen, and what a run says of it."""

import pytest

from engine import backends
from engine.backends import choose_backend, load_of, run_load, served_length, served_rank
from engine.errors import ModelError, SpecError
from engine.spec import Execution
from engine.study import resolve_study
from tests.engine.chains import make_spec, write_pack

STUDY = '[study]\nname = "s"\ncontrols = []\n[run]\nmodel = "pocket/instruct"\ntrait = "bliss"\nregime = "sft"\n'


@pytest.fixture
def spec(tmp_path):
    write_pack(tmp_path / "pack")
    return make_spec(tmp_path / "pack")


def on(spec, device="cpu", **execution):
    return spec.model_copy(update={"execution": Execution(threads=1, device=device, **execution)})


def installed(monkeypatch, there):
    monkeypatch.setattr(backends, "find_spec", lambda name: object() if there else None)


def test_left_open_it_is_vllm_where_that_is_installed_and_a_gpu_is_there(spec, monkeypatch):
    installed(monkeypatch, True)
    assert choose_backend(on(spec, "cuda")).sampler == "vllm"
    assert choose_backend(on(spec)).reason == "no GPU"
    assert choose_backend(on(spec, "cuda", sampler="transformers")).reason == "as the study says"
    installed(monkeypatch, False)
    choice = choose_backend(on(spec, "cuda"))
    assert (choice.sampler, "not installed" in choice.reason) == ("transformers", True)


def test_asked_for_and_not_installed_it_is_one_clear_line(spec, monkeypatch):
    installed(monkeypatch, False)
    with pytest.raises(ModelError, match="vLLM is not installed"):
        choose_backend(on(spec, sampler="vllm"))


def test_what_vllm_cannot_serve_is_drawn_by_transformers_or_refused(spec, monkeypatch):
    installed(monkeypatch, True)
    full = on(spec, "cuda").model_copy(update={"train": spec.train.model_copy(update={"method": "full"})})
    high = on(spec, "cuda").model_copy(update={"train": spec.train.model_copy(update={"lora_rank": 1024})})
    assert "whole models" in choose_backend(full).reason
    assert "up to rank 512" in choose_backend(high).reason
    assert load_of(high, run_load(spec).shape).rank == 1024
    assert served_rank(spec) == 16


def test_a_study_says_who_draws_and_its_run_id_stays(tmp_path):
    (tmp_path / "a.toml").write_text(STUDY)
    (tmp_path / "b.toml").write_text(STUDY + '[execution]\nsampler = "transformers"\nresidency = "sleep"\n')
    (tmp_path / "c.toml").write_text(STUDY + '[execution]\ngpus = 3\ncheckpointing = "on"\n')
    plain, chosen = (resolve_study(tmp_path / name)[0] for name in ("a.toml", "b.toml"))
    assert plain.run_id == chosen.run_id
    assert (plain.execution.sampler, plain.execution.residency) == ("auto", "auto")
    assert (chosen.execution.sampler, chosen.execution.residency) == ("transformers", "sleep")
    assert chosen.origins["execution.sampler"] == "study"


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ('sampler = "llama.cpp"', "execution.sampler = 'llama.cpp'"),
        ("threads = 4", "unknown key execution.threads"),
        (
            'sampler = "vllm"\n[train]\nlora_rank = 1024',
            'execution.sampler = "vllm": it serves adapters up to rank 512',
        ),
        ('sampler = "vllm"\n[train]\nmethod = "full"', "makes whole models"),
        ('sampler = "transformers"\ngpus = 2', "execution.gpus = 2: beyond execution.shards = 1, GPUs are vLLM's"),
        (
            'gpus = 2\nresidency = "sleep"',
            'vLLM has GPUs of its own and stays there, but execution.residency = "sleep"',
        ),
        ("gpus = 0", "execution.gpus"),
        ("shards = 2", "execution.shards = 2: each shard of the model has a GPU, and execution.gpus = 1; set gpus = 2"),
        ('gpus = 2\nshards = 2\n[train]\nmethod = "full"', "execution.shards = 2: only adapters are trained"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_queued(tmp_path, lines, said):
    (tmp_path / "s.toml").write_text(f"{STUDY}[execution]\n{lines}\n")
    with pytest.raises(SpecError) as raised:
        resolve_study(tmp_path / "s.toml")
    assert said in str(raised.value)


def test_vllm_is_started_for_the_longest_answer_and_no_more_than_the_context(spec):
    assert served_length(spec, 512) == 512
    assert served_length(spec, 262_144) == 2048 + 16
