"""Bare vLLM, to compare with: `python -m tests.gpu.bare_vllm FILE` writes answers and prints tokens a second.

FILE is JSON: model, dtype, length, rows, utilization, tokens, prompts (lists of ids). No LoRA, no seeds, no pipe.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

REPETITIONS = 2


def main() -> None:
    """The best of some, after one that is thrown away."""
    asked: dict[str, Any] = json.loads(Path(sys.argv[1]).read_text())
    os.environ.setdefault("VLLM_LOGGING_LEVEL", "ERROR")
    os.environ["VLLM_NO_USAGE_STATS"] = "1"
    import vllm
    from vllm.inputs import TokensPrompt

    llm = vllm.LLM(
        model=asked["model"], dtype=asked["dtype"], max_model_len=asked["length"], max_num_seqs=asked["rows"],
        gpu_memory_utilization=asked["utilization"], skip_tokenizer_init=True, generation_config="vllm",
    )  # fmt: skip
    settings = vllm.SamplingParams(max_tokens=asked["tokens"], temperature=1.0, ignore_eos=True, detokenize=False)
    prompts = [TokensPrompt(prompt_token_ids=ids) for ids in asked["prompts"]]
    taken = []
    for _ in range(REPETITIONS + 1):
        begun = time.perf_counter()
        llm.generate(prompts, settings, use_tqdm=False)
        taken.append(time.perf_counter() - begun)
    print(json.dumps({"tokens_per_second": len(prompts) * asked["tokens"] / min(taken[1:])}), flush=True)


if __name__ == "__main__":
    main()
