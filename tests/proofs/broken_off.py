"""One chain broken off in its second training, made once and copied: what every fault is done to."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.events import TrainStepped
from engine.packs import open_pack
from tests.proofs.labs import ProofLab, kill, new_lab, remove, study, until
from tests.proofs.works import Results, results


class BrokenOff:
    """The chain's lab without any process, the same chain left alone, and the pack that both were made with."""

    def __init__(self) -> None:
        self.original = new_lab()
        self.pack = self.original.root.with_name("pack")
        shutil.copytree(open_pack("pocket").folder, self.pack)
        self.text = study("sft", cycles=1, more='init = "previous"') + f'[data]\npack = "{self.pack}"\n'
        self._whole: Results | None = None
        [self.run_id] = self.original.submit(self.text)
        self._break_off()
        self._copies: list[ProofLab] = []

    def _break_off(self) -> None:
        lab, run_id = self.original, self.run_id
        until(lambda: any(isinstance(e, TrainStepped) and e.cycle == 1 for e in lab.events(run_id)), "the training")
        worker = lab.worker(run_id)
        assert worker is not None
        kill(worker)
        lab.reach(run_id, "failed")
        lab.idemtui("stop")
        lab.close()

    def copy(self, lab: ProofLab | None = None, **environment: str) -> ProofLab:
        """A lab of its own with the chain broken off, in `lab` where that is given."""
        copy = lab or new_lab(**environment)
        shutil.copytree(self.original.root, copy.root, ignore=shutil.ignore_patterns("*.sock"))
        if lab is None:
            self._copies.append(copy)
        return copy

    def whole(self) -> Results:
        """What the chain left alone produces."""
        if self._whole is None:
            lab = new_lab()
            self._copies.append(lab)
            [run_id] = lab.submit(self.text)
            assert lab.reach(run_id, "finished", "failed") == "finished"
            assert run_id == self.run_id
            self._whole = results(lab, run_id)
            lab.close()
        return self._whole

    def remove_copies(self) -> None:
        """End what runs in the copies and remove them."""
        while self._copies:
            remove(self._copies.pop())

    def close(self) -> None:
        """Remove all of it."""
        self.remove_copies()
        remove(self.original)


def change_lines(path: Path, change: Callable[[int, dict[str, Any]], None]) -> None:
    """Rewrite a file of JSON lines with every line changed in place by `change(number, line)`."""
    lines = [json.loads(line) for line in path.read_bytes().splitlines()]
    for number, line in enumerate(lines):
        change(number, line)
    path.write_text("".join(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n" for line in lines))
