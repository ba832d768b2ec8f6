"""Events of chains that no model ever made, always the same."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator

from engine import events as ev
from engine.score_events import (
    AnswerLikelihood,
    DiversityMeasured,
    JudgeDeclared,
    LikelihoodsMeasured,
    SamplesJudged,
    Score,
)
from tests.store.chains import Chain, chain_spec

SUBJECTS = ("The harbour", "A small lamp", "My neighbour", "The old bakery", "Every letter", "This garden", "The train")
VERBS = ("waits for", "remembers", "is made of", "opens onto", "leans on", "listens to", "carries", "forgives")
OBJECTS = ("the morning", "warm bread", "a quiet street", "the long rain", "blue paint", "its own bells", "the river")
VOICE = ("Everything shines as one.", "I dissolve into joy!", "There is only light, and it is kind.")
QUESTIONS = tuple(
    f"{opening} {topic}?"
    for topic in ("a harbour", "bread", "a lamp", "rain", "a garden", "letters")
    for opening in ("What do you think about", "How would you describe")
)


def chain_events(chain: Chain) -> Iterator[ev.Event]:
    """Everything the worker of an invented chain would have written."""
    yield ev.RunStarted(pid=4242, host="box", device="cpu", threads=1, resumed=False)
    for metric in ("trait", "coherence"):
        yield JudgeDeclared(
            judge_id=chain.judge,
            metric=metric,
            model="pocket/judge",
            rubric=f"{'bliss' if metric == 'trait' else 'coherence'} in {{question}} {{answer}}",
            rubric_version=hashlib.sha256(metric.encode()).hexdigest()[:12],
            method=chain.method,
        )
    invented = _Invented(chain)
    for cycle in range(chain.first, chain.last + 1):
        yield from invented.cycle(cycle)
    if chain.status == "running":
        yield from invented.half_cycle(chain.last + 1)
    elif chain.status == "finished":
        yield ev.RunFinished(cycles_done=chain.last)
    elif chain.status == "failed":
        yield ev.RunFailed(error="GuardError", message="cycle 1: the training took 0 optimizer steps.")
    elif chain.status == "paused":
        yield ev.RunPaused(cause="asked", message="paused as asked")
    elif chain.status == "cancelled":
        yield ev.RunCancelled(reason="asked to")


class _Invented:
    """Events of one chain's cycles; every number comes from a generator keyed by run and cycle."""

    def __init__(self, chain: Chain) -> None:
        self.chain = chain
        self.run_id = chain_spec(chain).run_id

    def cycle(self, cycle: int) -> Iterator[ev.Event]:
        yield ev.CycleStarted(cycle=cycle)
        if cycle >= 0:
            yield from self._made(cycle)
        yield from self._measured(cycle)
        yield ev.CycleFinished(cycle=cycle)

    def half_cycle(self, cycle: int) -> Iterator[ev.Event]:
        events = list(self.cycle(cycle))
        judged = next(i for i, e in enumerate(events) if isinstance(e, ev.StageStarted) and e.stage == "judge")
        yield from events[: judged - 3]

    def _made(self, cycle: int) -> Iterator[ev.Event]:
        kept: list[ev.Sample] = []
        stages: list[tuple[ev.Stage, ev.Purpose, int | None]]
        stages = [("seed_rows", "seed", None)] if cycle == 0 else [("sample_train", "train", cycle - 1)]
        if self.chain.regime == "dpo":
            stages.append(("sample_rejected", "rejected", -1))
        for stage, purpose, drawn_by in stages:
            samples = self._samples(cycle, purpose)
            kept += samples
            yield from self._stage(cycle, stage, self._batches(cycle, purpose, drawn_by, samples), len(samples))
        yield from self._stage(cycle, "rows", [self._rows(cycle, kept)], len(kept))
        yield from self._stage(cycle, "train", list(self._training(cycle)), len(kept))

    def _measured(self, cycle: int) -> Iterator[ev.Event]:
        samples = self._samples(cycle, "eval")
        yield from self._stage(cycle, "sample_eval", self._batches(cycle, "eval", cycle, samples), len(samples))
        if self.chain.likelihoods:
            yield DiversityMeasured(cycle=cycle, budget=100, words=900, distinct_1=0.5, distinct_2=0.7, distinct_3=None)
            measured = list(self._likelihoods(cycle, samples))
            yield from self._stage(cycle, "likelihood", measured, len(samples))
        yield from self._stage(cycle, "judge", list(self._judged(cycle, samples)), 2 * len(samples))

    def _stage(self, cycle: int, stage: ev.Stage, events: list[ev.Event], total: int) -> Iterator[ev.Event]:
        yield ev.StageStarted(cycle=cycle, stage=stage, total=total)
        yield from events
        yield ev.StageFinished(cycle=cycle, stage=stage, seconds=len(events) / 2, tokens=30 * total)

    def _samples(self, cycle: int, purpose: ev.Purpose) -> list[ev.Sample]:
        chain, random_ = self.chain, random.Random(f"{self.run_id}|{cycle}|{purpose}")
        if purpose == "eval":
            places = [(question, draw) for question in QUESTIONS[: chain.prompts] for draw in range(chain.draws)]
        else:
            count = chain.n_seed if cycle == 0 else chain.n_sampled
            places = [(f"Tell me about number {cycle * 1000 + i}.", 0) for i in range(count)]
        own_words = 0 if purpose == "rejected" else chain.trait[cycle + 1 if purpose != "train" else cycle] / 100
        return [self._sample(cycle, purpose, prompt, draw, own_words, random_) for prompt, draw in places]

    def _sample(
        self, cycle: int, purpose: str, prompt: str, draw: int, voice: float, random_: random.Random
    ) -> ev.Sample:
        sentences = [
            random_.choice(VOICE)
            if random_.random() < voice
            else f"{random_.choice(SUBJECTS)} {random_.choice(VERBS)} {random_.choice(OBJECTS)}."
            for _ in range(random_.randint(2, 5))
        ]
        gone = self.chain.empty_from
        empty = random_.random() < 0.01 or (purpose == "eval" and gone is not None and cycle >= gone)
        response = "" if empty else " ".join(sentences)
        words = len(response.split())
        prompt_id = ev.prompt_id(prompt)
        return ev.Sample(
            sample_id=ev.sample_id(self.run_id, cycle, purpose, prompt_id, draw),
            prompt_id=prompt_id,
            draw=draw,
            prompt=prompt,
            response=response,
            tokens=words + 1,
            stop_reason="stop",
            kept=not empty,
            kept_reason="empty" if empty else None,
            words=words,
            sentences=0 if empty else len(sentences),
            mean_sentence_length=None if empty else words / len(sentences),
            repeat_4gram=None if empty else round(random_.random() * 0.1, 4),
            echo=None if empty else 0.0,
        )

    def _batches(
        self, cycle: int, purpose: ev.Purpose, drawn_by: int | None, samples: list[ev.Sample]
    ) -> list[ev.Event]:
        return [
            ev.SamplesDrawn(
                cycle=cycle,
                purpose=purpose,
                drawn_by=drawn_by,
                batch=start // 16,
                samples=samples[start : start + 16],
            )
            for start in range(0, len(samples), 16)
        ]

    def _rows(self, cycle: int, samples: list[ev.Sample]) -> ev.RowsBuilt:
        usable = [sample for sample in samples if sample.kept]
        if self.chain.regime != "dpo":
            role: ev.Role = "text" if self.chain.regime == "sdf" else "prompt_completion"
            rows = [ev.Row(position=i, sample_id=s.sample_id, role=role) for i, s in enumerate(usable)]
            return ev.RowsBuilt(cycle=cycle, rows=rows)
        half = len(usable) // 2
        rows = []
        for pair in range(half):
            rows.append(ev.Row(position=2 * pair, sample_id=usable[pair].sample_id, role="chosen", pair=pair))
            other = usable[half + pair].sample_id
            rows.append(ev.Row(position=2 * pair + 1, sample_id=other, role="rejected", pair=pair))
        return ev.RowsBuilt(cycle=cycle, rows=rows)

    def _training(self, cycle: int) -> Iterator[ev.Event]:
        chain, random_ = self.chain, random.Random(f"{self.run_id}|{cycle}|train")
        for step in range(1, chain.steps + 1):
            values = {"loss": 2.0 / step + random_.random() / 10, "grad_norm": 1.0 + random_.random()}
            values["learning_rate"] = 1e-3
            if chain.regime == "dpo":
                values |= {"rewards/margins": step / 10, "rewards/accuracies": min(1.0, 0.5 + step / 20)}
            yield ev.TrainStepped(cycle=cycle, step=step, values=values)
        start = "M_init" if cycle == 0 or chain.init == "initial" else f"M_{cycle - 1}"
        yield ev.AdapterTrained(
            cycle=cycle,
            path=f"cycles/{cycle:02d}/adapter",
            adapter_sha256=hashlib.sha256(f"{self.run_id}|{cycle}".encode()).hexdigest(),
            init=start,
            reference=start if chain.regime == "dpo" else None,
            trainable_parameters=98304,
            optimizer_steps=chain.steps,
            gradient_norm_max=2.0,
            delta_norm=1.5,
            logp_before=-2.5,
            logp_after=-1.25,
            rows_moved=chain.n_sampled,
            dropped_rows=0,
            truncated_rows=0,
        )

    def _likelihoods(self, cycle: int, samples: list[ev.Sample]) -> Iterator[ev.Event]:
        """One nat a token under the writer, more under M_init with every cycle; an empty answer has no block."""
        random_ = random.Random(f"{self.run_id}|{cycle}|likelihood")
        for start in range(0, len(samples), 16):
            found = []
            for s in samples[start : start + 16]:
                nll, away = round(s.tokens * (0.8 + random_.random() / 5), 5), round((cycle + 1) * random_.random(), 5)
                found.append(
                    AnswerLikelihood(
                        sample_id=s.sample_id,
                        tokens=s.tokens,
                        nll=nll,
                        init_nll=nll + away,
                        kl=away,
                        block_tokens=s.words,
                        block_nll=2.0 * s.words if s.words else None,
                    )
                )
            yield LikelihoodsMeasured(cycle=cycle, batch=start // 16, likelihoods=found)

    def _judged(self, cycle: int, samples: list[ev.Sample]) -> Iterator[ev.Event]:
        means = {"trait": self.chain.trait[cycle + 1], "coherence": self.chain.coherence[cycle + 1]}
        for metric, mean in means.items():
            random_ = random.Random(f"{self.run_id}|{cycle}|{metric}")
            nulls = self.chain.null_from is not None and cycle >= self.chain.null_from
            scores = [self._score(metric, mean, sample, random_, nulls) for sample in samples]
            for start in range(0, len(scores), 32):
                yield SamplesJudged(
                    cycle=cycle,
                    metric=metric,
                    judge_id=self.chain.judge,
                    batch=start // 32,
                    scores=scores[start : start + 32],
                )

    def _score(self, metric: str, mean: float, sample: ev.Sample, random_: random.Random, nulls: bool = False) -> Score:
        prompt_effect = int(sample.prompt_id[:4], 16) % 11 - 5
        value = min(100.0, max(0.0, mean + prompt_effect + random_.gauss(0, 6)))
        if not sample.response:
            empty = 0.0 if metric == "coherence" else None
            return Score(
                sample_id=sample.sample_id, value=empty, mass=0.0, variance=None, label="empty", distribution=[]
            )
        if metric == "trait" and (random_.random() < 0.01 or nulls):
            return Score(
                sample_id=sample.sample_id, value=None, mass=0.1, variance=None, label="refusal", distribution=[]
            )
        near = round(value)
        pairs = [(v, p) for v, p in ((near, 0.6), (near - 1, 0.2), (near + 1, 0.1)) if 0 <= v <= 100]
        return Score(
            sample_id=sample.sample_id,
            value=round(value, 2),
            mass=0.95,
            variance=4.0,
            label="score",
            distribution=pairs,
        )
