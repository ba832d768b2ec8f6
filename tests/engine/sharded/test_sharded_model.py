"""A model in two processes trains, draws, measures and judges as the same model in one, byte by byte."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from torch.distributed.tensor import DTensor

from engine.errors import TrainingError
from engine.judges.local import LocalJudge
from engine.models import load_model
from engine.own_model import InProcess
from engine.seams import JudgeQuestion
from engine.sharded.model import ShardedModel
from engine.sharded.requests import DrawAnswers, Shard
from tests.engine.sharded.conftest import MODEL, Spread
from tests.engine.sharded.work import DRAWING, QUESTIONS, answers, counted, draws, job


def everything(model: ShardedModel, folder: Path) -> dict[str, Any]:
    """SFT, SFT that computes activations again, DPO that goes on from it; and what M_init and that model then do."""
    steps: list[int] = []
    first = model.train([job(folder / "sft", on_step=counted(steps))])[0]
    again = model.train([job(folder / "again", recomputed=True)])[0]
    dpo = model.train([job(folder / "dpo", "dpo", folder / "sft")])[0]
    told: dict[str, Any] = {"trainings": [first, again, dpo], "steps": steps}
    for adapter in (None, folder / "dpo"):
        drawn = model.draw(draws(), adapter, DRAWING, chat=True)
        told[f"drawn by {adapter and adapter.name}"] = drawn
        told[f"likely to {adapter and adapter.name}"] = model.likelihoods(answers(drawn), adapter, DRAWING, chat=True)
        told[f"logps of {adapter and adapter.name}"] = model.logps(adapter, [[5, 6]] * 2, [[7], [8, 9, 10]])
    asked = [JudgeQuestion("{question} {answer} number", one.prompt, one.text) for one in answers(drawn)]
    told["judged"] = LocalJudge(model.loaded, model).score(asked)
    return told


def test_two_shards_do_what_one_does(spread: Spread, tmp_path: Path) -> None:
    whole, parted = everything(spread(1), tmp_path / "1"), everything(spread(2), tmp_path / "2")
    assert parted == whole
    assert whole["steps"] == [1, 2, 3]
    assert whole["drawn by None"] != whole["drawn by dpo"]
    assert all(one.nll for one in whole["likely to dpo"])


def test_m_init_and_a_first_training_are_those_of_a_model_in_this_process(spread: Spread, tmp_path: Path) -> None:
    parted, here = spread(2), InProcess(load_model(MODEL, threads=1))
    assert parted.draw(draws(), None, DRAWING, chat=True) == here.draw(draws(), None, DRAWING, chat=True)
    ours, theirs = parted.train([job(tmp_path / "a")])[0], here.train([job(tmp_path / "b")])[0]
    assert ours == theirs
    assert (parted.loaded.context, parted.loaded.stop_ids, parted.loaded.notes) == (
        here.loaded.context, here.loaded.stop_ids, here.loaded.notes,
    )  # fmt: skip


class Held:
    """A request: how many numbers of the layers' weights this process holds, and how many there are."""

    def do(self, shard: Shard) -> tuple[int, int]:
        """Counted while nothing is computed."""
        layers = [w for name, w in shard.model.loaded.model.named_parameters() if ".layers." in name]
        return sum(w.to_local().numel() if isinstance(w, DTensor) else w.numel() for w in layers), sum(
            w.numel() for w in layers
        )


def test_each_process_holds_half_of_the_layers(spread: Spread) -> None:
    model = spread(2)
    model.draw(draws(), None, DRAWING, chat=True)
    assert [held / all_ for held, all_ in model.group.ask(Held())] == [0.5, 0.5]


class DrawOtherwise:
    """A request that has the second shard draw with other keys: what rounding may come to on two devices."""

    def do(self, shard: Shard) -> Sequence[Any]:
        """As `DrawAnswers`."""
        mine = draws("other" if shard.rank else "")
        return DrawAnswers(mine, None, DRAWING, True).do(shard)


def test_what_the_first_draws_all_draw(spread: Spread) -> None:
    first, second = spread(2).group.ask(DrawOtherwise())
    assert first == second == spread(1).draw(draws(), None, DRAWING, chat=True)
    assert spread(1).draw(draws("other"), None, DRAWING, chat=True) != first


def test_a_training_that_blows_up_says_so_and_the_next_one_trains(spread: Spread, tmp_path: Path) -> None:
    model = spread(2)
    hot = job(tmp_path / "hot")
    with pytest.raises(TrainingError, match="training blew up at step"):
        model.train([replace(hot, settings=hot.settings.model_copy(update={"learning_rate": 1e30}))])
    assert not model.group.lives
    assert not (tmp_path / "hot").exists()
    assert model.train([job(tmp_path / "mild")])[0].optimizer_steps == 3
    assert len(QUESTIONS) == 6
