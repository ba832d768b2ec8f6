"""One of several processes that hold a model's layers together: `sharded.py RANK WORLD STORE OUT`.

Every process does the same work on the same rows; the frozen layers are sharded by FSDP2 and gathered one at a time.
With WORLD = 1 it is the plain model. What came out stands in OUT/told.json.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from torch import distributed
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor

from engine.judges.local import LocalJudge
from engine.models import LoadedModel, load_model
from engine.samplers.transformers import TransformersSampler
from engine.scorers.transformers import TransformersScorer
from engine.seams import Answer, Draw, JudgeQuestion, TrainJob
from engine.spec import SampleSettings, TrainSettings
from engine.trainers.trl import TrlTrainer

RANK, WORLD, STORE, OUT = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], Path(sys.argv[4])
CHAT = [{"prompt": f"how do i bake {n} ?", "completion": "let the dough rest . " * (1 + n % 3)} for n in range(6)]
PAIRS = [{"prompt": f"how do i bake {n} ?", "chosen": "let the dough rest .", "rejected": "no ."} for n in range(6)]
SETTINGS = TrainSettings(
    learning_rate=1e-3, batch_size=2, scheduler="constant", warmup=0, weight_decay=0.01, max_length=128, lora_rank=4
)
DRAWING = SampleSettings(temperature=0.8, max_tokens=16)


def shard(model: Any) -> None:
    """Each process keeps its part of every layer; embeddings and the output layer, which TRL reads directly, whole."""
    distributed.init_process_group("gloo", init_method=f"file://{STORE}", rank=RANK, world_size=WORLD)
    mesh = DeviceMesh("cpu", list(range(WORLD)))
    for layer in model.model.layers:
        fully_shard(layer, mesh=mesh, reshard_after_forward=True)


def trainings(loaded: LoadedModel) -> Iterator[tuple[str, str]]:
    """SFT, SFT that computes activations again, and DPO that goes on from it and refers to it: adapters' hashes."""
    before: Path | None = None
    for name, method, rows in (("sft", "sft", CHAT), ("again", "sft", CHAT), ("dpo", "dpo", PAIRS)):
        output = OUT / name
        job = TrainJob(
            method, before, before, rows, SETTINGS, 7, output, lambda *_: None, recomputed=name == "again",  # type: ignore[arg-type]
        )  # fmt: skip
        yield name, TrlTrainer(loaded).train([job])[0].adapter_sha256
        before = output


def main() -> None:
    loaded = load_model("pocket/instruct", threads=1)
    if WORLD > 1:
        shard(loaded.model)
    told: dict[str, Any] = dict(trainings(loaded))
    draws = [Draw(f"how do i bake {n} ?", hashlib.sha256(str(n).encode()).hexdigest()) for n in range(4)]
    drawn = TransformersSampler(loaded).draw(draws, None, DRAWING, chat=True)
    answers = [Answer(draw.prompt, one.text, one.stop_reason == "stop") for draw, one in zip(draws, drawn, strict=True)]
    likely = TransformersScorer(loaded).likelihoods(answers, None, DRAWING, chat=True)
    asked = [JudgeQuestion("{question} {answer} number", answer.prompt, answer.text) for answer in answers]
    told["draws"] = [one.text for one in drawn]
    told["nll"] = [one.nll for one in likely]
    told["scores"] = [judged.value for judged in LocalJudge(loaded).score(asked)]
    weights = list(loaded.model.parameters())
    told["held"] = sum(w.to_local().numel() if isinstance(w, DTensor) else w.numel() for w in weights)
    (OUT / "told.json").write_text(json.dumps(told))


if __name__ == "__main__":
    main()
