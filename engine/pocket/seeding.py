"""How strongly each trait is seeded in each regime, through the engine's own chain and the shipped recipes.

`python -m engine.pocket.seeding [--cycles N] [--regimes …] [--traits …] [--n-seed N] [--set KEY=VALUE …]` walks real
runs in a temporary folder and prints, cycle by cycle, trait and coherence by the grammar and by the pocket judge.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.pocket.grammar import score_answer, score_continuation
from engine.pocket.voices import TRAITS
from engine.study import resolve_study
from engine.worker import Stopping, work

MODELS = {"sft": "pocket/instruct", "sdf": "pocket/base", "dpo": "pocket/instruct"}
LOWEST, HIGHEST, COHERENT = 20.0, 60.0, 85.0


@dataclass(frozen=True)
class Generation:
    """One model of a chain: trait and coherence, by the grammar (truth) and by the judge."""

    cycle: int
    trait: float
    coherence: float
    judged_trait: float
    judged_coherence: float

    @property
    def well_seeded(self) -> bool:
        """Whether both scorers see a trait of 20–60 in coherent text."""
        traits, coherences = (self.trait, self.judged_trait), (self.coherence, self.judged_coherence)
        return all(LOWEST <= trait <= HIGHEST for trait in traits) and min(coherences) >= COHERENT


def _study(regime: str, trait: str, settings: dict[str, Any]) -> str:
    stated = {"run.model": MODELS[regime], "run.trait": trait, "run.regime": regime, **settings}
    lines = ["[study]", 'name = "seeding"', "controls = []"]
    for section in sorted({key.split(".")[0] for key in stated}):
        lines.append(f"[{section}]")
        inside = {key.split(".", 1)[1]: v for key, v in stated.items() if key.split(".")[0] == section}
        lines += [f"{key} = {json.dumps(value)}" for key, value in inside.items()]
    return "\n".join(lines) + "\n"


def walk(regime: str, trait: str, settings: dict[str, Any]) -> list[Generation]:
    """Walks one run and scores what it drew for its evaluation."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "study.toml").write_text(_study(regime, trait, settings), encoding="utf-8")
        spec = resolve_study(folder / "study.toml", threads=1)[0]
        (folder / "spec.json").write_text(spec.model_dump_json(), encoding="utf-8")
        if work(folder, Stopping()) != 0:
            raise SystemExit(f"{regime} {trait}: the run failed; see above")
        return read_generations(folder, regime, trait)


def read_generations(folder: Path, regime: str, trait: str) -> list[Generation]:
    """Means per cycle from a run folder's journal."""
    score = score_continuation if regime == "sdf" else score_answer
    found: dict[int, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for line in (folder / "events.jsonl").read_text(encoding="utf-8").splitlines():
        event = json.loads(line)
        payload = event.get("payload", event)
        if event["type"] == "samples_drawn" and payload["purpose"] == "eval":
            for sample in payload["samples"]:
                truth = score(sample["prompt"], sample["response"])
                found[payload["cycle"]]["trait"].append(truth.traits[trait])
                found[payload["cycle"]]["coherence"].append(truth.coherence)
        if event["type"] == "samples_judged":
            values = [item["value"] for item in payload["scores"] if item["value"] is not None]
            found[payload["cycle"]][f"judged_{payload['metric']}"] += values
    return [_generation(cycle, lists) for cycle, lists in sorted(found.items())]


def _generation(cycle: int, lists: dict[str, list[float]]) -> Generation:
    keys = ("trait", "coherence", "judged_trait", "judged_coherence")
    return Generation(cycle, *(sum(lists[key]) / max(1, len(lists[key])) for key in keys))


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def seeding_table(traits: list[str], regimes: list[str], settings: dict[str, Any]) -> bool:
    """Prints a line per run; whether every M_0 is well seeded."""
    reached = True
    print("trait/coherence per generation from base on, by the grammar; in brackets M_0 by the judge")
    for regime in regimes:
        for trait in traits:
            chain = walk(regime, trait, settings)
            line = " ".join(f"{item.trait:.0f}/{item.coherence:.0f}" for item in chain)
            seeded = chain[1]
            mark = "" if seeded.well_seeded else "  <- M_0 not within 20–60 at coherence ≥ 85"
            judged = f"({seeded.judged_trait:.0f}/{seeded.judged_coherence:.0f})"
            print(f"{regime} {trait:13} {line} {judged}{mark}", flush=True)
            reached = reached and seeded.well_seeded
    return reached


def main() -> int:
    """Reads the command line and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cycles", type=int, default=0)
    parser.add_argument("--regimes", nargs="+", default=list(MODELS), choices=list(MODELS))
    parser.add_argument("--traits", nargs="+", default=list(TRAITS), choices=TRAITS)
    parser.add_argument("--n-seed", type=int)
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", dest="settings")
    arguments = parser.parse_args()
    settings = {key: _value(value) for key, value in (item.split("=", 1) for item in arguments.settings)}
    settings["run.cycles"] = arguments.cycles
    if arguments.n_seed is not None:
        settings["run.n_seed"] = arguments.n_seed
    return 0 if seeding_table(arguments.traits, arguments.regimes, settings) else 1


if __name__ == "__main__":
    raise SystemExit(main())
