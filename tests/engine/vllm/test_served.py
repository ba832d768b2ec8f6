"""A served model through starts, sleeps and ends: what vLLM is told, and when."""

import shutil
from pathlib import Path

import msgspec
import pytest

from engine.errors import ModelError, ServingError
from engine.kept_models import KeptModels
from engine.vllm.messages import EngineSettings, Prompt
from engine.vllm.served import ServedModel
from tests.engine.vllm.fake import FakeServing, FakeStart

SETTINGS = EngineSettings(model="lab/m", dtype="float32", device="cpu", length=128, rank=8, rows=4)


def served(residency="resident", **more):
    start = FakeStart(**more)
    return ServedModel("m", SETTINGS, residency, start), start.log


def adapter(folder, content):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "adapter_model.safetensors").write_text(content)
    return folder


def write(model, folder=None):
    return model.write([Prompt([1])], folder, max_tokens=4, temperature=0.0, stop_ids=[0])[0].ids[0]


def test_every_checkpoint_has_a_number_of_its_own_and_the_cache_goes_when_weights_change(tmp_path):
    model, log = served()
    one, two = adapter(tmp_path / "one", "a"), adapter(tmp_path / "two", "a")
    assert [write(model, folder) for folder in (None, one, one, two, one)] == [0, 1, 1, 2, 1]
    adapter(one, "trained anew")
    assert write(model, one) == 3
    writes = ["Write", "Write 1", "Write 1", "Write 2", "Write 1", "Write 3"]
    assert [said for said in log if said.startswith("Write")] == writes
    assert log == [
        "start 128", "Forget", "Write", "Forget", "Write 1", "Write 1", "Forget", "Write 2", "Forget", "Write 1",
        "Forget", "Write 3",
    ]  # fmt: skip


def test_beside_a_training_it_stays(tmp_path):
    model, log = served("resident")
    write(model)
    model.prove(None)
    model.give_way()
    assert not model.unproved(None)
    write(model)
    assert log == ["start 128", "Forget", "Write", "Write"]


def test_it_sleeps_through_a_training_and_has_to_prove_itself_again():
    model, log = served("sleep")
    write(model)
    model.prove(None)
    model.give_way()
    model.give_way()
    assert model.unproved(None)
    write(model)
    assert model.unproved(None)
    assert log == ["start 128", "Forget", "Write", "Sleep", "Wake", "Forget", "Write"]


def test_it_ends_before_a_training_and_is_started_by_the_next_question():
    model, log = served("exit")
    model.give_way()
    assert log == []
    write(model)
    model.give_way()
    assert not model.lives
    write(model)
    assert log == ["start 128", "Forget", "Write", "close", "start 128", "Forget", "Write"]


def test_a_run_that_needs_more_has_it_started_anew_and_one_that_needs_less_does_not():
    model, log = served()
    write(model)
    model.suit(msgspec.structs.replace(SETTINGS, length=64, rows=2), "resident")
    assert model.lives
    model.suit(msgspec.structs.replace(SETTINGS, rank=16), "resident")
    assert not model.lives
    model.make_room(100)
    write(model)
    model.make_room(200)
    write(model)
    assert [said for said in log if said.startswith(("start", "close"))] == [
        "start 128", "close", "start 128", "close", "start 200",
    ]  # fmt: skip


@pytest.mark.parametrize("request_name", ["Forget", "Write", "Sleep", "Wake"])
@pytest.mark.parametrize("kind", ["Ended", "ValueError"])
def test_a_vllm_that_died_or_failed_is_let_go_and_the_next_question_starts_another(request_name, kind):
    model, log = served("sleep", fails={request_name: ServingError("gone", kind)})

    def once_through():
        write(model)
        model.give_way()
        write(model)

    with pytest.raises(ServingError, match="gone"):
        once_through()
    assert not model.lives
    assert log[-1] == "close"
    write(model)
    assert model.lives


def test_a_whole_model_in_the_place_of_an_adapter_is_refused(tmp_path):
    model, _ = served()
    (tmp_path / "model.safetensors").write_text("")
    with pytest.raises(ServingError, match="holds all weights"):
        write(model, tmp_path)


@pytest.fixture
def folder(tiny_folder, tmp_path):
    """A model's folder that a test may change."""
    return Path(shutil.copytree(tiny_folder("qwen3"), tmp_path / "model"))


def change(file):
    """As much as one bit of one weight."""
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)


def test_in_the_middle_of_a_run_it_is_not_started_anew_from_other_files(folder):
    start = FakeStart()
    model = ServedModel("m", msgspec.structs.replace(SETTINGS, model=str(folder)), "exit", start)
    write(model)
    model.give_way()
    change(folder / "model.safetensors")
    with pytest.raises(ModelError, match=r"model\.safetensors changed since it was first read; restore it and resume"):
        write(model)
    assert start.log.count("start 128") == 1
    change(folder / "model.safetensors")
    assert write(model) == 0


def test_files_that_change_while_it_starts_end_it(folder):
    log = []

    def start(settings):
        change(folder / "model.safetensors")
        return FakeServing(log)

    model = ServedModel("m", msgspec.structs.replace(SETTINGS, model=str(folder)), "exit", start)
    with pytest.raises(ModelError, match=r"model\.safetensors changed"):
        write(model)
    assert log == ["close"]
    assert not model.lives


def test_a_worker_s_next_run_has_it_started_anew_where_the_files_are_others_by_then(folder):
    settings, start = msgspec.structs.replace(SETTINGS, model=str(folder)), FakeStart()
    models = KeptModels()
    model = models.serve("m", settings, "resident")
    model.start = start
    write(model)
    model.prove(None)
    change(folder / "model.safetensors")
    assert models.serve("m", settings, "resident").unproved(None)
    write(model)
    assert [said for said in start.log if said.startswith(("start", "close"))] == ["start 128", "close", "start 128"]


def test_a_worker_keeps_it_between_runs_and_lets_go_at_its_end():
    start = FakeStart()
    with KeptModels() as models:
        model = models.serve("m", SETTINGS, "resident")
        model.start = start
        write(model)
        models.keep_only({"m", "judge"}, "cpu")
        assert models.serve("m", SETTINGS, "resident") is model
        assert start.log.count("close") == 0
    assert start.log[-1] == "close"
    assert models.served("m") is None


def test_a_worker_s_next_run_of_another_model_ends_it():
    models, start = KeptModels(), FakeStart()
    models.serve("m", SETTINGS, "resident").start = start
    write(models.serve("m", SETTINGS, "resident"))
    models.keep_only({"other"}, "cpu")
    assert start.log[-1] == "close"
