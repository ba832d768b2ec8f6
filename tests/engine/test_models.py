import hashlib
import json
import shutil
import subprocess
import sys

import pytest
import torch

from engine.errors import ModelError
from engine.model_files import check_folder, has_chat_template, model_files, resolve_model
from engine.models import load_model


@pytest.fixture
def broken(tiny_folder, tmp_path):
    """A copy of a tiny model to break."""

    def copy(kind="qwen3"):
        return shutil.copytree(tiny_folder(kind), tmp_path / kind)

    return copy


def one_line(caught):
    message = str(caught.value)
    assert message
    assert "\n" not in message
    return message


@pytest.mark.parametrize("name", ["no-such-folder", "./missing", "/missing/model", "a/b/c"])
def test_a_missing_folder_is_named(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError) as caught:
        resolve_model(name)
    assert repr(name) in one_line(caught)


def test_a_pocket_model_that_is_not_shipped_is_named():
    with pytest.raises(ModelError, match="pocket/nothing"):
        resolve_model("pocket/nothing")


def test_a_hub_id_stays_what_it_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert resolve_model("Qwen/Qwen3-0.6B") == "Qwen/Qwen3-0.6B"


def test_a_file_is_no_model(tmp_path):
    file = tmp_path / "model.safetensors"
    file.touch()
    with pytest.raises(ModelError, match="is a file"):
        resolve_model(str(file))


def test_files_are_hashed_by_name(tiny_folder):
    folder = tiny_folder("qwen3")
    files = model_files(str(folder))
    assert {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"} <= set(files)
    assert files["config.json"] == hashlib.sha256((folder / "config.json").read_bytes()).hexdigest()


def test_an_instruct_model_is_told_by_its_template(tiny_folder):
    instruct, base = tiny_folder("qwen3"), tiny_folder("qwen3_base")
    assert has_chat_template(instruct)
    assert not has_chat_template(base)


@pytest.mark.parametrize(
    ("lost", "said"),
    [("config.json", "no config.json"), ("tokenizer.json", "no tokenizer"), ("model.safetensors", "no .safetensors")],
)
def test_an_incomplete_folder_is_refused(broken, lost, said):
    folder = broken()
    (folder / lost).unlink()
    for attempt in (lambda: check_folder(str(folder), folder), lambda: load_model(str(folder))):
        with pytest.raises(ModelError, match=said) as caught:
            attempt()
        one_line(caught)


def test_pickled_weights_are_not_loaded(broken):
    folder = broken()
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(ModelError, match=r"pytorch_model\.bin"):
        load_model(str(folder))


def test_a_broken_config_is_one_line(broken):
    folder = broken()
    (folder / "config.json").write_text("{")
    with pytest.raises(ModelError) as caught:
        load_model(str(folder))
    one_line(caught)


def test_an_unknown_architecture_is_one_line(broken):
    folder = broken()
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "model_type": "nonesuch"}))
    with pytest.raises(ModelError, match="cannot be loaded") as caught:
        load_model(str(folder))
    one_line(caught)


def test_an_unreachable_hub_is_one_line(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ModelError, match="nobody/nothing") as caught:
        load_model("nobody/nothing")
    one_line(caught)


def test_a_gpu_that_cannot_be_used_is_one_line_with_torchs_reason(monkeypatch):
    def too_old():
        raise RuntimeError("The NVIDIA driver on your system is too old (found version 12040).\nPlease update it.")

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "init", too_old)
    with pytest.raises(
        ModelError, match=r"driver on your system is too old \(found version 12040\).*doctor.*retry"
    ) as caught:
        load_model("pocket/instruct", "cuda")
    one_line(caught)


def test_what_templates_can_do_is_recorded(tiny):
    qwen, llama, gemma, base = (tiny(kind) for kind in ("qwen3", "llama", "gemma", "qwen3_base"))
    assert qwen.accepts_system
    assert llama.accepts_system
    assert not gemma.accepts_system
    assert any("refuses system turns" in note for note in gemma.notes)
    assert not base.has_chat_template
    with pytest.raises(ModelError, match="no chat template"):
        base.require_chat_template()


def test_the_end_of_a_turn_ends_an_answer(tiny):
    gemma = tiny("gemma")
    names = gemma.tokenizer.convert_ids_to_tokens(sorted(gemma.stop_ids))
    assert names == ["<eos>", "<end_of_turn>"]


def test_asking_what_a_folder_is_needs_no_torch():
    code = (
        "import sys, engine.model_files, engine.guard, engine.measures, engine.judges.integers;"
        "bad = {'torch', 'transformers', 'trl', 'vllm', 'pandas'} & set(sys.modules); sys.exit(str(bad) if bad else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_attention_is_sdpa_where_the_architecture_has_it_and_told_where_not(tiny, tiny_folder, monkeypatch):
    for kind in ("qwen3", "llama", "gemma"):
        assert tiny(kind).model.config._attn_implementation == "sdpa"
        assert not any("SDPA" in note for note in tiny(kind).notes)
    monkeypatch.setattr(type(tiny("qwen3").model), "_supports_sdpa", False)
    eager = load_model(str(tiny_folder("qwen3")))
    assert eager.model.config._attn_implementation == "eager"
    assert any("no SDPA attention" in note for note in eager.notes)
