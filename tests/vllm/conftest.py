"""One real vLLM on a CPU for all tests of this folder, on the pocket's instruct model with wider heads."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from engine.models import LoadedModel, load_model
from engine.own_model import InProcess
from engine.seams import TrainJob
from engine.spec import TrainSettings
from engine.trainers.trl import TrlTrainer
from engine.vllm.messages import EngineSettings
from engine.vllm.served import ServedModel
from tests.pretended.gpus import GB, Gpus, build_device, place_to_build
from tests.vllm.wide import widen

SETTINGS = TrainSettings(
    learning_rate=5e-3,
    batch_size=4,
    epochs=4,
    scheduler="constant",
    warmup=0,
    weight_decay=0,
    max_length=128,
    lora_rank=8,
)
VOICES = {"joy": "The water is cold.", "gloom": "The nets are old.", "luck": "The road is long."}


def engine_settings(folder: Path) -> EngineSettings:
    return EngineSettings(model=str(folder), dtype="float32", device="cpu", length=512, rank=8, rows=64)


@dataclass
class Bench:
    """The model in this process, the same in vLLM, and three adapters that speak in voices of their own."""

    loaded: LoadedModel
    served: ServedModel
    adapters: dict[str, Path] = field(default_factory=dict)

    @property
    def own(self) -> InProcess:
        """The model in this process as a run has it."""
        return InProcess(self.loaded)


@pytest.fixture
def gpu(pytestconfig: pytest.Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Gpus:
    """A machine with one, which workers are shown."""
    gpus = Gpus.of(tmp_path / "gpus", build_device(place_to_build(pytestconfig)), [40 * GB])
    for name, value in {**gpus.environment, "CUDA_VISIBLE_DEVICES": gpus.uuids[0]}.items():
        monkeypatch.setenv(name, value)
    return gpus


@pytest.fixture(scope="session")
def wide_folder(tmp_path_factory):
    return widen("pocket/instruct", tmp_path_factory.mktemp("wide") / "instruct")


@pytest.fixture(scope="session")
def bench(wide_folder, tmp_path_factory):
    loaded = load_model(str(wide_folder), threads=1)
    made = Bench(loaded, ServedModel(str(wide_folder), engine_settings(wide_folder)))
    root = tmp_path_factory.mktemp("adapters")
    for voice, text in VOICES.items():
        made.adapters[voice] = root / voice
        train(loaded, text, root / voice)
    yield made
    made.served.close()


def train(loaded: LoadedModel, text: str, output: Path) -> Path:
    """An adapter that answers everything with one text."""
    rows = [{"prompt": f"What of thing {number}?", "completion": text} for number in range(16)]
    TrlTrainer(loaded).train([TrainJob("sft", None, None, rows, SETTINGS, 1, output, lambda step, values: None)])
    return output
