"""One stage of the peer's chain in a process of its own: sample, train or judge."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from engine.spec import RunSpec


def sample(spec: RunSpec, prompts: str, adapter: str, settings: str, out: str) -> None:
    """Answers to a file of prompts, through `generate`."""
    import torch
    from peft import PeftModel

    from tests.benchmarks.bare import chat, load

    model, tokenizer = load(spec.run.model, spec.execution.device)
    if adapter:
        model = PeftModel.from_pretrained(model, adapter)
    chosen = spec.eval if settings == "eval" else spec.sample
    asked = json.loads(Path(prompts).read_text())
    rows = []
    for i in range(0, len(asked), chosen.batch_size):
        part = asked[i : i + chosen.batch_size]
        batch = tokenizer(
            [chat(tokenizer, p) for p in part],
            return_tensors="pt",
            padding=True,
            padding_side="left",
            add_special_tokens=False,
        ).to(model.device)
        with torch.inference_mode():
            tokens = model.generate(
                **batch, do_sample=True, temperature=chosen.temperature, top_k=0, max_new_tokens=chosen.max_tokens
            )
        texts = tokenizer.batch_decode(tokens[:, batch["input_ids"].shape[1] :], skip_special_tokens=True)
        rows += [[prompt, text.strip()] for prompt, text in zip(part, texts, strict=True)]
    Path(out).write_text(json.dumps(rows))


def train(spec: RunSpec, rows: str, out: str) -> None:
    """One LoRA adapter from M_init, through SFTTrainer."""
    from datasets import Dataset
    from peft import LoraConfig
    from trl import SFTConfig, SFTTrainer

    from tests.benchmarks.bare import load

    model, tokenizer = load(spec.run.model, spec.execution.device)
    cpu = spec.execution.device == "cpu"
    data = [
        {"prompt": [{"role": "user", "content": p}], "completion": [{"role": "assistant", "content": c}]}
        for p, c in json.loads(Path(rows).read_text())
    ]
    trainer = SFTTrainer(
        model=model,
        args=SFTConfig(
            output_dir=out,
            use_cpu=cpu,
            bf16=not cpu,
            gradient_checkpointing=False,
            report_to="none",
            save_strategy="no",
            disable_tqdm=True,
            learning_rate=spec.train.learning_rate,
            per_device_train_batch_size=spec.train.batch_size,
            max_length=spec.train.max_length,
        ),
        train_dataset=Dataset.from_list(data),
        processing_class=tokenizer,
        peft_config=LoraConfig(r=spec.train.lora_rank, lora_alpha=spec.train.lora_alpha, target_modules="all-linear"),
    )
    trainer.train()
    trainer.save_model(out)


def judge(spec: RunSpec, rows: str, out: str) -> None:
    """Both scores of every answer, from the first answer token."""
    import torch

    from engine.packs import open_pack
    from tests.benchmarks.bare import chat, load

    model, tokenizer = load(spec.judge.model, spec.execution.device)
    rubric = open_pack(spec.data.pack).trait(spec.run.trait).rubric
    numbers = [tokenizer(str(n), add_special_tokens=False)["input_ids"][0] for n in range(101)]
    answers = json.loads(Path(rows).read_text())
    scores = []
    for text in (rubric.trait, rubric.coherence):
        for i in range(0, len(answers), spec.judge.batch_size):
            part = answers[i : i + spec.judge.batch_size]
            asked = [chat(tokenizer, text.replace("{question}", q).replace("{answer}", a)) for q, a in part]
            batch = tokenizer(asked, return_tensors="pt", padding=True, padding_side="left", add_special_tokens=False)
            with torch.inference_mode():
                logits = model(**batch.to(model.device), logits_to_keep=1).logits[:, -1].float().cpu()
                p = logits.softmax(-1)[:, numbers]
            scores += (p @ torch.arange(101.0) / p.sum(-1)).tolist()
    Path(out).write_text(json.dumps(scores))


if __name__ == "__main__":
    stages = {"sample": sample, "train": train, "judge": judge}
    stages[sys.argv[1]](RunSpec.model_validate_json(Path(sys.argv[2]).read_bytes()), *sys.argv[3:])
