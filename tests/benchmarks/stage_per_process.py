"""The peer: a careful script that does each stage of an SFT chain in a fresh process, as most research code does.

`python -m tests.benchmarks.stage_per_process SPEC.json FOLDER` walks the chain of a frozen spec by calling itself once
per stage with JSON files in between, and prints the seconds from its own start to the end of the chain.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

from engine.packs import open_pack
from engine.prompt_plan import eval_draws, training_draws
from engine.spec import RunSpec


def walk(spec_path: Path, folder: Path) -> float:
    """The whole chain, one process per stage."""
    cycles = RunSpec.model_validate_json(spec_path.read_bytes()).run.cycles
    started = time.monotonic()
    adapter = ""
    for cycle in range(-1, cycles + 1):
        adapter = one_cycle(spec_path, folder, cycle, adapter)
    return time.monotonic() - started


def one_cycle(spec_path: Path, folder: Path, cycle: int, adapter: str) -> str:
    """Rows, training, eval answers and scores of one cycle; `adapter` is its predecessor's, the result its own."""
    spec = RunSpec.model_validate_json(spec_path.read_bytes())
    pack, run = open_pack(spec.data.pack), spec.run
    if cycle >= 0:
        rows = folder / f"rows{cycle}.json"
        if cycle == 0:
            seeds = pack.seed_rows(run.trait, run.regime)[: run.n_seed]
            rows.write_text(json.dumps([[seed.prompt, seed.response] for seed in seeds]))
        else:
            plan = training_draws(pack.pool(run.regime), run.seed, cycle, run.n_sampled)
            rows = _sample(spec_path, folder, [d.prompt for d in plan], adapter, "sample", f"rows{cycle}")
        adapter = str(folder / f"adapter{cycle}")
        _stage("train", spec_path, str(rows), adapter)
    asked = [d.prompt for d in eval_draws(pack.trait(run.trait).eval_prompts, spec.eval.samples_per_prompt)]
    answers = _sample(spec_path, folder, asked, adapter, "eval", f"eval{cycle}")
    _stage("judge", spec_path, str(answers), str(folder / f"scores{cycle}.json"))
    return adapter


def _sample(spec: Path, folder: Path, prompts: list[str], adapter: str, settings: str, name: str) -> Path:
    (folder / "prompts.json").write_text(json.dumps(prompts))
    _stage("sample", spec, str(folder / "prompts.json"), adapter, settings, str(folder / f"{name}.json"))
    return folder / f"{name}.json"


def _stage(name: str, spec: Path, *arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "tests.benchmarks.stages", name, str(spec), *arguments], check=True)


if __name__ == "__main__":
    print(json.dumps({"seconds": walk(Path(sys.argv[1]), Path(sys.argv[2]))}))
