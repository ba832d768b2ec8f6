"""What a run was built on has to be what it was: each thing that changed is named in one line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from engine.adapter_files import check_adapter, room_for_next
from engine.errors import ResumeError
from engine.events import AdapterTrained, SamplesDrawn
from engine.model_files import file_sha256
from engine.packs import open_pack
from engine.resume import check_resume, check_spec
from engine.spec import Provenance, RunSpec
from engine.state import State
from tests.engine.chains import change, make_spec, write_pack

FILES = {"model/config.json": "a", "judge/model.safetensors": "b"}


@pytest.fixture
def spec(tmp_path: Path) -> RunSpec:
    pack = write_pack(tmp_path / "pack")
    proved = Provenance(model_files=FILES, pack_files=pack.files("bliss"))
    return make_spec(pack.folder, run__regime="dpo").model_copy(update={"provenance": proved})


def adapter(folder: Path, cycle: int = 1) -> AdapterTrained:
    """A whole adapter in `folder`/adapter, and what the journal says of it."""
    path = folder / "adapter"
    path.mkdir(parents=True)
    save_file({"lora_A": torch.ones(8, 8)}, path / "adapter_model.safetensors")
    (path / "adapter_config.json").write_text('{"lora_alpha": 32}')
    return AdapterTrained(
        cycle=cycle,
        path=str(path),
        adapter_sha256=file_sha256(path / "adapter_model.safetensors"),
        config_sha256=file_sha256(path / "adapter_config.json"),
        init="M_0",
        reference="M_0",
        trainable_parameters=1,
        optimizer_steps=1,
        gradient_norm_max=1,
        delta_norm=1,
        logp_before=0,
        logp_after=0,
        rows_moved=1,
        dropped_rows=0,
        truncated_rows=0,
    )


def check(spec: RunSpec, state: State | None = None, files: dict[str, str] = FILES) -> None:
    check_resume(spec, Path("/nowhere"), state or State(), open_pack(spec.data.pack), files)


@pytest.mark.parametrize("name", FILES)
def test_model_and_judge_files(spec: RunSpec, name: str) -> None:
    check(spec)
    with pytest.raises(ResumeError, match=f"model file {name} changed since the run was made"):
        check(spec, files={**FILES, name: "c"})
    with pytest.raises(ResumeError, match=f"model file {name} is gone"):
        check(spec, files={other: digest for other, digest in FILES.items() if other != name})


@pytest.mark.parametrize("name", ["prompts.jsonl", "traits/bliss.toml", "traits/bliss.chat.jsonl"])
def test_pack_files(spec: RunSpec, name: str) -> None:
    path = Path(spec.data.pack) / name
    path.write_text(path.read_text() + "\n")
    with pytest.raises(ResumeError, match=f"pack file {name} changed since the run was made"):
        check(spec)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-7])


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:20])


def flip(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))


@pytest.mark.parametrize(
    ("name", "damage", "told"),
    [
        ("adapter_model.safetensors", cut, r"was cut to \d+ of \d+ bytes since cycle 1 was trained"),
        ("adapter_model.safetensors", cut_short, r"was cut to 20 of \d+ bytes since cycle 1"),
        ("adapter_model.safetensors", flip, r"changed since cycle 1 was trained; restore it"),
        ("adapter_model.safetensors", Path.unlink, r"is gone: the adapter of cycle 1 is needed"),
        ("adapter_config.json", flip, r"adapter_config\.json changed since cycle 1 was trained"),
        ("adapter_config.json", Path.unlink, r"adapter_config\.json is gone"),
    ],
)
def test_adapters(tmp_path: Path, spec: RunSpec, name: str, damage: Callable[[Path], None], told: str) -> None:
    trained = adapter(tmp_path)
    state = State(adapters={1: trained})
    check(spec, state)
    damage(Path(trained.path) / name)
    with pytest.raises(ResumeError, match=told) as caught:
        check(spec, state)
    assert "\n" not in str(caught.value)


def test_an_adapter_of_an_older_journal_has_no_config_to_compare(tmp_path: Path) -> None:
    trained = adapter(tmp_path).model_copy(update={"config_sha256": ""})
    flip(Path(trained.path) / "adapter_config.json")
    check_adapter(Path(trained.path), trained)


def test_init_reference_and_rejected(tmp_path: Path, spec: RunSpec) -> None:
    state = State(adapters={1: adapter(tmp_path)})
    with pytest.raises(ResumeError, match="cycle 1 was trained with init = M_0, but the spec now means M_init"):
        check(change(spec, run__init="initial"), state)
    with pytest.raises(ResumeError, match="cycle 1 was trained with reference = M_0, but the spec now means M_init"):
        check(change(spec, run__reference="initial"), state)
    drawn = State()
    drawn.apply(SamplesDrawn(cycle=2, purpose="rejected", drawn_by=-1, batch=0, samples=[]))
    check(spec, drawn)
    with pytest.raises(ResumeError, match="cycle 2: the rejected answers were drawn by cycle -1; the spec says"):
        check(change(spec, run__rejected="previous"), drawn)


def test_the_spec_itself() -> None:
    check_spec(State(), "a" * 64)
    check_spec(State(spec_sha256="a" * 64), "a" * 64)
    with pytest.raises(ResumeError, match=r"spec\.json changed since the run was begun"):
        check_spec(State(spec_sha256="a" * 64), "b" * 64)


def test_room_for_the_next_adapter(tmp_path: Path) -> None:
    trained = Path(adapter(tmp_path).path)
    size = (trained / "adapter_model.safetensors").stat().st_size
    assert room_for_next([]) == room_for_next([tmp_path / "none"]) == 0
    assert room_for_next([trained, tmp_path / "none"]) == 3 * size
