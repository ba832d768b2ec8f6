"""What a run will do, counted from its frozen spec by the chain's own lineage: nothing here is estimated."""

from __future__ import annotations

from dataclasses import dataclass

from engine.judging import METRICS, rubrics
from engine.lineage import BASE, lineage
from engine.packs import Pack, open_pack
from engine.spec import RunSpec, TrainSettings


@dataclass(frozen=True)
class Training:
    """One training: its cycle, rows, optimizer steps and passes over a row."""

    cycle: int
    rows: int
    steps: int
    batch_size: int


@dataclass(frozen=True)
class Work:
    """Everything one run will do, in items of each stage as the journal counts them."""

    drawn: int
    """Answers drawn to train on, chosen or plain."""
    rejected: int
    answers: int
    """Answers drawn to measure with."""
    measured: int
    """Of these, how many are measured under their writer and under M_init."""
    judgements: int
    """Questions to the judge: every answer by every metric, and what selection asks before training."""
    rubric_characters: int
    """Characters of all rubrics together, each sent with every answer."""
    trainings: tuple[Training, ...]

    @property
    def rows(self) -> int:
        """Rows trained on, all trainings together."""
        return sum(training.rows for training in self.trainings)

    @property
    def steps(self) -> int:
        """Optimizer steps, all trainings together."""
        return sum(training.steps for training in self.trainings)


def work_of(spec: RunSpec) -> Work:
    """The work of a whole run; of a fork, what comes after its parent's cycles."""
    pack, run = open_pack(spec.data.pack), spec.run
    trait = pack.trait(run.trait)
    prompts = trait.eval_openings if run.regime == "sdf" else trait.eval_prompts
    first = BASE if spec.forked_at_cycle is None else spec.forked_at_cycle + 1
    cycles = range(first, run.cycles + 1)
    answers = len(cycles) * len(prompts) * spec.eval.samples_per_prompt
    measured = len(cycles) * len(prompts) * min(spec.eval.likelihoods, spec.eval.samples_per_prompt)
    metrics = len(METRICS) + len(spec.eval.traits)
    drawn = rejected = selected = 0
    trainings = []
    for cycle in cycles:
        models = lineage(run, cycle)
        if models is None:
            continue
        own = run.n_seed if models.seeding else run.n_sampled
        if models.writer is not None:
            each, asked = (1, 0) if models.seeding else _selecting(spec)
            drawn += own * each
            selected += own * asked
        rejected += own if models.rejected is not None else 0
        rows = own if models.seeding else _mixed(spec, cycle, own)
        trainings.append(_training(cycle, rows, spec.seed_train if models.seeding else spec.train))
    judgements = answers * metrics + selected
    return Work(drawn, rejected, answers, measured, judgements, _rubrics(pack, spec), tuple(trainings))


def _selecting(spec: RunSpec) -> tuple[int, int]:
    """Answers drawn to each prompt, and questions to the judge about them."""
    select = spec.select
    match select.acts_as:
        case "best_of_k":
            return select.k or 1, select.k or 1
        case "coherence":
            return 1, 1
        case "constitution":
            return 1, len(select.principles)
    return 1, 0


def _mixed(spec: RunSpec, cycle: int, own: int) -> int:
    """Rows of a cycle's training: only accumulation makes them more."""
    return spec.run.n_seed + cycle * own if spec.data.mix == "accumulate" else own


def _training(cycle: int, rows: int, settings: TrainSettings) -> Training:
    steps = settings.steps or -(-rows // settings.batch_size) * settings.epochs
    return Training(cycle, rows, steps, settings.batch_size)


def _rubrics(pack: Pack, spec: RunSpec) -> int:
    return sum(map(len, rubrics(pack, spec).values()))
