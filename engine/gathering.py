"""What a generation is trained on: the seed data, or texts drawn from its predecessor, kept or dropped, then paired.

Every step first asks the journal whether it was done, as `engine.chain` does, of which this is the first half.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from engine.drawing import draw_samples
from engine.events import Purpose, Sample, SamplesDrawn
from engine.lineage import Lineage, lineage
from engine.log import Log
from engine.mixing import Example, mixed
from engine.packs import Pack
from engine.prompt_plan import PlannedDraw, seed_draws, training_draws
from engine.rows import given_rejected, kept_examples, seed_samples
from engine.seams import Judge, Sampler
from engine.seeding import seed_rows
from engine.selecting import candidates, select
from engine.spec import RunSpec


@dataclass(frozen=True)
class Gathering:
    """One run's training data; `adapter` gives the folder of a generation's adapter, None for base."""

    spec: RunSpec
    pack: Pack
    log: Log
    sampler: Sampler
    judge: Judge
    adapter: Callable[[int], Path | None]

    def examples(self, models: Lineage) -> list[Example]:
        """What M_`cycle` is trained on, drawn now as far as it was not before."""
        written = self._seed_data() if models.writer is None else self._sampled_data(models)
        rejected = self._rejected_data(models, written)
        own = kept_examples(self.spec.run.regime, models.cycle, written, rejected)
        return own if models.seeding else mixed(self.spec, models.cycle, own, self._earlier)

    def _earlier(self, cycle: int) -> list[Example]:
        state, models = self.log.state, lineage(self.spec.run, cycle)
        written = state.samples(cycle, "seed" if models is None or models.writer is None else "train")
        return kept_examples(self.spec.run.regime, cycle, written, state.samples(cycle, "rejected"))

    def _seed_data(self) -> list[Sample]:
        if not self.log.state.samples(0, "seed"):
            samples = seed_samples(self.spec, seed_rows(self.spec, self.pack))
            with self.log.stage(0, "seed_rows", len(samples)):
                self.log.append(SamplesDrawn(cycle=0, purpose="seed", drawn_by=None, batch=0, samples=samples))
        return self.log.state.samples(0, "seed")

    def _sampled_data(self, models: Lineage) -> list[Sample]:
        assert models.writer is not None
        self._drawn(models, "train", models.writer, self._training_plan(models))
        if not models.seeding:
            select(self.log, self.judge, self.spec, self.pack, models.cycle)
        return self.log.state.samples(models.cycle, "train")

    def _training_plan(self, models: Lineage) -> list[PlannedDraw]:
        run = self.spec.run
        pool = self.pack.pool(run.regime)
        if not models.seeding:
            return candidates(training_draws(pool, run.seed, models.cycle, run.n_sampled), self.spec.select)
        prompts = [row.prompt for row in seed_rows(self.spec, self.pack)[: run.n_seed]]
        return seed_draws(prompts, pool, run.seed)

    def _rejected_data(self, models: Lineage, written: list[Sample]) -> list[Sample]:
        if models.rejected is None:
            return []
        if models.writer is None and self._give_rejected(models):
            return self.log.state.samples(models.cycle, "rejected")
        wanted = written if self.spec.select.method is None else [sample for sample in written if sample.kept]
        plan = [PlannedDraw(s.prompt_id, s.prompt, s.draw) for s in wanted]
        return self._drawn(models, "rejected", models.rejected, plan)

    def _drawn(self, models: Lineage, purpose: Purpose, writer: int, plan: list[PlannedDraw]) -> list[Sample]:
        """What a generation writes for this one, with its own adapter and the settings of training texts."""
        return draw_samples(
            self.log,
            self.sampler,
            self.spec,
            cycle=models.cycle,
            purpose=purpose,
            drawn_by=writer,
            adapter=self.adapter(writer),
            plan=plan,
            settings=self.spec.sample,
        )

    def _give_rejected(self, models: Lineage) -> bool:
        """Whether the seed rows bring the answers that theirs are preferred to; they are recorded once."""
        given = given_rejected(self.spec, models.cycle, seed_rows(self.spec, self.pack))
        if given and not self.log.state.samples(models.cycle, "rejected"):
            event = SamplesDrawn(cycle=models.cycle, purpose="rejected", drawn_by=None, batch=0, samples=given)
            self.log.append(event)
        return bool(given)
