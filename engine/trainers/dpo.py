"""DPO through TRL's DPOTrainer, with the reference that the job names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from datasets import Dataset
from trl.trainer.dpo_config import DPOConfig
from trl.trainer.dpo_trainer import DPOTrainer

from engine.models import LoadedModel
from engine.prompts import chat_messages, template_options
from engine.seams import TrainJob
from engine.trainers.full import copied
from engine.trainers.prepared import Prepared
from engine.trainers.probe import Target
from engine.trainers.session import shared_arguments
from engine.trainers.sft import check_prompt

REFERENCE = "ref"
"""The adapter name under which TRL looks for its reference; without one it switches the adapter off."""


def prepare_dpo(loaded: LoadedModel, model: Any, job: TrainJob, folder: str) -> Prepared:
    """A DPOTrainer whose reference is `job.reference`, whatever it starts from, its rows checked.

    Pairs with a side longer than max_length are dropped: TRL would cut them. Raises ModelError where a training
    prompt's tokens are not those the sampler would use.
    """
    full = job.settings.method == "full"
    trainer: Any = DPOTrainer(
        model=model,
        ref_model=copied(loaded, job.reference) if full else None,
        args=DPOConfig(**shared_arguments(loaded, job, folder), beta=job.settings.beta, loss_type=["sigmoid"]),
        train_dataset=Dataset.from_list([_pair(loaded, row, place) for place, row in enumerate(job.rows)]),
        processing_class=loaded.tokenizer,
    )
    if not full:
        set_reference(model, job.reference)
    rows = list(trainer.train_dataset)
    kept = [place for place, row in enumerate(rows) if _longest(row) <= job.settings.max_length]
    trainer.train_dataset = trainer.train_dataset.select(kept)
    rows = [rows[place] for place in kept]
    for row in rows:
        check_prompt(loaded, job.rows[row["position"]]["prompt"], row["prompt_ids"])
    return Prepared(
        trainer=trainer,
        targets=[Target([*row["prompt_ids"], *row["chosen_ids"]], len(row["prompt_ids"])) for row in rows],
        tokens=sum(2 * len(row["prompt_ids"]) + len(row["chosen_ids"]) + len(row["rejected_ids"]) for row in rows),
        dropped_rows=len(job.rows) - len(rows),
        truncated_rows=0,
    )


def set_reference(model: Any, reference: Path | None) -> None:
    """Make TRL's reference the adapter folder's weights, frozen, or M_init for None.

    TRL has just copied the *starting* weights to an adapter named `ref`, which is right only where the reference is
    the start; that copy goes in every case.
    """
    if REFERENCE in model.peft_config:
        model.delete_adapter(REFERENCE)
    if reference is not None:
        model.load_adapter(str(reference), REFERENCE, is_trainable=False)


def _pair(loaded: LoadedModel, row: Any, position: int) -> dict[str, Any]:
    pair: dict[str, Any] = {
        "prompt": chat_messages(row["prompt"], loaded.accepts_system),
        "chosen": [{"role": "assistant", "content": row["chosen"]}],
        "rejected": [{"role": "assistant", "content": row["rejected"]}],
        "position": position,
    }
    options = template_options(loaded.tokenizer)
    return {**pair, "chat_template_kwargs": options} if options else pair


def _longest(row: dict[str, Any]) -> int:
    return len(row["prompt_ids"]) + max(len(row["chosen_ids"]), len(row["rejected_ids"]))
