"""The floor under a chain: the same draws, trainings and judgements as bare generate, TRL and forward calls.

`python -m tests.benchmarks.bare RUN_FOLDER` reads a finished SFT run and does its compute again in one process, with
nothing around it: no keys, no journal, no guard, no measures. Prints seconds, imports and loading left out.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from peft import LoraConfig, PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import SFTConfig, SFTTrainer

from engine.events import RowsBuilt, Sample, SamplesDrawn
from engine.journal import read_entries
from engine.judging import rubric_text
from engine.model_files import resolve_model
from engine.packs import open_pack
from engine.score_events import SamplesJudged
from engine.spec import RunSpec, SampleSettings, TrainSettings


class Bare:
    """Model, tokenizer and judge, and the three bare calls."""

    def __init__(self, spec: RunSpec, folder: Path) -> None:
        torch.set_num_threads(spec.execution.threads)
        self.spec, self.folder = spec, folder
        self.model, self.tokenizer = load(spec.run.model)
        self.judge, self.judge_tokenizer = load(spec.judge.model)

    def draw(self, samples: list[Sample], drawn_by: int, settings: SampleSettings) -> None:
        """One batch through `generate`."""
        model: Any = self.model
        if drawn_by >= 0:
            model = PeftModel.from_pretrained(model, str(self.folder / f"cycles/{drawn_by:02d}/adapter"))
        texts = [chat(self.tokenizer, sample.prompt) for sample in samples]
        batch = self.tokenizer(texts, return_tensors="pt", padding=True, padding_side="left", add_special_tokens=False)
        with torch.inference_mode():
            model.generate(
                **batch, do_sample=True, temperature=settings.temperature, top_k=0, max_new_tokens=settings.max_tokens
            )
        if drawn_by >= 0:
            model.unload()

    def train(self, rows: list[Sample], settings: TrainSettings) -> None:
        """One training through SFTTrainer."""
        data = [
            {
                "prompt": [{"role": "user", "content": row.prompt}],
                "completion": [{"role": "assistant", "content": row.response}],
            }
            for row in rows
        ]
        lora = LoraConfig(r=settings.lora_rank, lora_alpha=settings.lora_alpha, target_modules="all-linear")
        with tempfile.TemporaryDirectory() as folder:
            arguments = SFTConfig(
                output_dir=folder,
                use_cpu=True,
                bf16=False,
                gradient_checkpointing=False,
                report_to="none",
                save_strategy="no",
                disable_tqdm=True,
                logging_steps=1,
                learning_rate=settings.learning_rate,
                per_device_train_batch_size=settings.batch_size,
                num_train_epochs=settings.epochs,
                max_length=settings.max_length,
            )
            trainer = SFTTrainer(
                model=self.model,
                args=arguments,
                train_dataset=Dataset.from_list(data),
                processing_class=self.tokenizer,
                peft_config=lora,
            )
            trainer.train()
            trainer.model.save_pretrained(folder)
        self.model = trainer.model.unload()

    def score(self, rubric: str, samples: list[Sample]) -> None:
        """One batch through one forward call."""
        texts = [
            chat(self.judge_tokenizer, rubric.replace("{question}", s.prompt).replace("{answer}", s.response))
            for s in samples
        ]
        batch = self.judge_tokenizer(
            texts, return_tensors="pt", padding=True, padding_side="left", add_special_tokens=False
        )
        with torch.inference_mode():
            self.judge(**batch, logits_to_keep=1)


def load(name: str, device: str = "cpu") -> tuple[Any, Any]:
    """Model and tokenizer, float32 on a CPU and bfloat16 on a GPU."""
    folder = str(resolve_model(name))
    dtype = torch.float32 if device == "cpu" else torch.bfloat16
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype).eval().to(device)
    return model, AutoTokenizer.from_pretrained(folder)


def chat(tokenizer: Any, prompt: str) -> str:
    messages = [{"role": "system", "content": ""}, {"role": "user", "content": prompt}]
    return str(tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True))


def main(folder: Path) -> None:
    """Do the run's compute again and print how long it took."""
    spec = RunSpec.model_validate_json((folder / "spec.json").read_bytes())
    events = [entry.event for entry in read_entries(folder / "events.jsonl")]
    samples = {s.sample_id: s for e in events if isinstance(e, SamplesDrawn) for s in e.samples}
    rubric = open_pack(spec.data.pack).trait(spec.run.trait).rubric
    bare = Bare(spec, folder)
    started = time.monotonic()
    for event in events:
        match event:
            case SamplesDrawn(drawn_by=int(drawn_by)):
                bare.draw(event.samples, drawn_by, spec.eval if event.purpose == "eval" else spec.sample)
            case RowsBuilt():
                rows = [samples[row.sample_id] for row in event.rows]
                bare.train(rows, spec.seed_train if event.cycle == 0 else spec.train)
            case SamplesJudged():
                text = rubric_text(rubric, spec.run.regime, event.metric)
                bare.score(text, [samples[score.sample_id] for score in event.scores])
            case _:
                pass
    print(json.dumps({"seconds": time.monotonic() - started}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
