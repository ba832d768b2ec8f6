"""SFT on chat rows and SDF on raw documents, through TRL's SFTTrainer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from datasets import Dataset
from trl.trainer.sft_config import SFTConfig
from trl.trainer.sft_trainer import SFTTrainer

from engine.errors import ModelError
from engine.models import LoadedModel
from engine.prompts import chat_messages, prompt_token_ids, template_options
from engine.seams import TrainJob
from engine.trainers.prepared import Prepared
from engine.trainers.probe import Target
from engine.trainers.session import shared_arguments


def prepare_sft(loaded: LoadedModel, model: Any, job: TrainJob, folder: str) -> Prepared:
    """An SFTTrainer whose loss falls on the answers (sft) or on all tokens (sdf), its rows checked.

    Raises ModelError where a training prompt's tokens are not those the sampler would use.
    """
    chat = job.method == "sft"
    rows = [_chat_row(loaded, row) for row in job.rows] if chat else [{"text": row["text"]} for row in job.rows]
    for position, row in enumerate(rows):
        row["position"] = position
    trainer: Any = SFTTrainer(
        model=model,
        args=SFTConfig(**shared_arguments(loaded, job, folder), packing=False),
        train_dataset=Dataset.from_list(rows),
        processing_class=loaded.tokenizer,
    )
    kept = list(trainer.train_dataset)
    if chat:
        _check_prompts(loaded, job, kept)
    return Prepared(
        trainer=trainer,
        targets=[Target(row["input_ids"], _begin(row["labels"])) for row in kept],
        tokens=sum(len(row["input_ids"]) for row in kept),
        dropped_rows=len(job.rows) - len(kept),
        truncated_rows=sum(_is_cut(loaded, job, row) for row in kept),
    )


def _chat_row(loaded: LoadedModel, row: Any) -> dict[str, Any]:
    prepared: dict[str, Any] = {
        "prompt": chat_messages(row["prompt"], loaded.accepts_system),
        "completion": [{"role": "assistant", "content": row["completion"]}],
    }
    options = template_options(loaded.tokenizer)
    return {**prepared, "chat_template_kwargs": options} if options else prepared


def _begin(labels: Sequence[int]) -> int:
    return next((place for place, label in enumerate(labels) if label != -100), len(labels))


def _check_prompts(loaded: LoadedModel, job: TrainJob, kept: list[dict[str, Any]]) -> None:
    for row in kept:
        check_prompt(loaded, job.rows[row["position"]]["prompt"], row["input_ids"][: _begin(row["labels"])])


def check_prompt(loaded: LoadedModel, prompt: str, trained: Sequence[int]) -> None:
    """Raise ModelError unless `trained` are the very tokens that the sampler gives for `prompt`."""
    sampled = prompt_token_ids(loaded.tokenizer, prompt, True, loaded.accepts_system)
    if list(trained) == sampled:
        return
    place = next((i for i, (a, b) in enumerate(zip(trained, sampled, strict=False)) if a != b), None)
    place = min(len(trained), len(sampled)) if place is None else place
    decode = loaded.tokenizer.decode
    raise ModelError(
        f"model {loaded.name!r}: its chat template renders a training prompt unlike a sampling prompt from token "
        f"{place} on: {decode(list(trained[place : place + 8]))!r} against {decode(sampled[place : place + 8])!r}; "
        "use a model whose template renders the prompt alone as the beginning of the whole conversation"
    )


def _is_cut(loaded: LoadedModel, job: TrainJob, row: dict[str, Any]) -> bool:
    """Whether TRL cut the row: only one that just fills max_length can have been."""
    if len(row["input_ids"]) < job.settings.max_length:
        return False
    tokenizer = loaded.tokenizer
    source = job.rows[row["position"]]
    if job.method == "sdf":
        return len(tokenizer(source["text"] + tokenizer.eos_token)["input_ids"]) > job.settings.max_length
    whole = tokenizer.apply_chat_template(
        [*row["prompt"], *row["completion"]], tokenize=True, return_dict=True, **template_options(tokenizer)
    )
    return len(whole["input_ids"]) > job.settings.max_length
