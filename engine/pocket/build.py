"""Trains the three pocket models from nothing: `python -m engine.pocket.build [--out DIR]`.

Stages run as processes of their own: base on two threads, then instruct and judge beside each other on one thread each
(both begin as copies of base). The shipped base was trained on one thread: two change float sums, not what is learned.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
STAGES = ("base", "instruct", "judge")
SEED = 20260
TOKENIZER_TEXTS = 12_000
BASE_TEXTS = 85_000
DIALOGUES = 9_000
JUDGE_PASSES = ((30_000, 4, 2e-3), (18_000, 3, 1e-3))
"""Texts, questions about each, learning rate: a second, gentler pass over fresh texts halves the error."""


def _save(model, tokenizer, folder: Path, chat: bool) -> None:  # type: ignore[no-untyped-def]
    import torch

    from engine.pocket.tokens import wrap

    fast = wrap(tokenizer, chat)
    model.generation_config.eos_token_id = fast.eos_token_id
    model.generation_config.pad_token_id = fast.pad_token_id
    model.config.eos_token_id = fast.eos_token_id
    model.to(torch.bfloat16).save_pretrained(folder)
    fast.save_pretrained(folder)


def build_base(out: Path) -> None:
    """Trains the tokenizer and the base model."""
    from engine.pocket.corpus import base_texts, rubric
    from engine.pocket.pretrain import Plan, Row, new_model, next_token_loss, train
    from engine.pocket.tokens import END_OF_TEXT, PAD, token_id, train_tokenizer
    from engine.pocket.voices import TRAITS

    sample = list(base_texts(TOKENIZER_TEXTS, SEED))
    tasks = [rubric(metric) for metric in (*TRAITS, "coherence")] * 200
    tokenizer = train_tokenizer(sample + tasks, SEED)
    end, pad = token_id(tokenizer, END_OF_TEXT), token_id(tokenizer, PAD)
    encoded = tokenizer.encode_batch(list(base_texts(BASE_TEXTS, SEED + 1)))
    rows = [Row([*item.ids, end], [True] * (len(item.ids) + 1)) for item in encoded]
    model = new_model(tokenizer.get_vocab_size(), end, pad, SEED)
    train(model, rows, Plan(3e-3, 32, SEED), next_token_loss, "base")
    _save(model, tokenizer, out / "base", chat=False)


def build_instruct(out: Path) -> None:
    """Trains the instruct model from base, on dialogue."""
    import torch
    from transformers import Qwen3ForCausalLM

    from engine.pocket.chat import chat_row
    from engine.pocket.corpus import dialogues
    from engine.pocket.pretrain import Plan, next_token_loss, train
    from engine.pocket.tokens import load_tokenizer

    tokenizer = load_tokenizer(out / "base")
    model = Qwen3ForCausalLM.from_pretrained(out / "base", dtype=torch.float32)
    pairs = enumerate(dialogues(DIALOGUES, SEED + 2))
    rows = [chat_row(tokenizer, question, answer, i % 2 == 0) for i, (question, answer) in pairs]
    train(model, rows, Plan(6e-4, 32, SEED + 2), next_token_loss, "instruct")
    _save(model, tokenizer, out / "instruct", chat=True)


def build_judge(out: Path) -> None:
    """Trains the judge from base, on judging tasks."""
    import torch
    from transformers import Qwen3ForCausalLM

    from engine.pocket.chat import number_ids
    from engine.pocket.corpus import judged_texts
    from engine.pocket.judge_loss import JudgeLoss, spread_numbers
    from engine.pocket.judge_rows import judge_row
    from engine.pocket.pretrain import Plan, train
    from engine.pocket.tokens import load_tokenizer

    tokenizer = load_tokenizer(out / "base")
    torch.manual_seed(SEED)
    model = Qwen3ForCausalLM.from_pretrained(out / "base", dtype=torch.float32)
    numbers = torch.tensor(number_ids(tokenizer))
    spread_numbers(model, numbers)
    loss = JudgeLoss(numbers, model.config.hidden_size, model.config.num_hidden_layers - 1)
    for seed, (texts, questions, rate) in enumerate(JUDGE_PASSES, SEED + 3):
        rows = [judge_row(tokenizer, tasks) for tasks in judged_texts(texts, seed, questions)]
        train(model, rows, Plan(rate, 32, seed), loss, "judge", loss.parameters())
    _save(model, tokenizer, out / "judge", chat=True)


def _start(stage: str, out: Path, threads: int) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    command = [sys.executable, "-m", "engine.pocket.build", "--out", str(out), "--stage", stage]
    command += ["--threads", str(threads)]
    return subprocess.Popen(command, env=environment)


def _wait(*processes: subprocess.Popen[bytes]) -> None:
    failed = [process.args for process in processes if process.wait() != 0]
    if failed:
        raise SystemExit(f"build stage failed: {failed}")


def build_all(out: Path) -> None:
    """Writes the pack, runs every stage in its own process, and prints what the models reach without seeding."""
    from engine.pocket.acceptance import measure, print_lines
    from engine.pocket.pack_files import write_pack

    started = time.monotonic()
    write_pack(out / "pack")
    _wait(_start("base", out, 2))
    _wait(_start("instruct", out, 1), _start("judge", out, 1))
    print(f"built in {time.monotonic() - started:.0f} s")
    print_lines(measure(out))


def main() -> None:
    """Reads the command line: everything, or one stage."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=HERE)
    parser.add_argument("--stage", choices=STAGES)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    if arguments.stage is None:
        build_all(arguments.out)
        return
    import torch

    torch.set_num_threads(arguments.threads)
    {"base": build_base, "instruct": build_instruct, "judge": build_judge}[arguments.stage](arguments.out)


if __name__ == "__main__":
    main()
