"""Writing seed data: a generator answers the trait's seed prompts in its persona, or writes documents on its grid.

    sft   one seed prompt of each category in turn, so that the first n rows hold every category for any n
    sdf   topics × document types along the grid's diagonals, so that the first n hold every topic; a title line first
    dpo   as sft, and the same prompts answered once more without the persona: chosen and rejected

Each batch is durable before the next is drawn, each draw has a key of its own, and whether a text is kept depends only
on those before it: a killed job writes the rows that it would have written.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import count, islice, zip_longest
from typing import ClassVar

from pydantic import Field

from engine.errors import IdemtuiError
from engine.events import Purpose, Sample, SamplesDrawn, prompt_id, sample_id
from engine.frozen import Frozen
from engine.jobs.job import Job
from engine.jobs.seed_rows import Kept, write_rows
from engine.keys import draw_key
from engine.measures import measure_text
from engine.packs import open_pack
from engine.prompt_plan import PlannedDraw
from engine.seams import Completion, Draw, Sampler
from engine.spec import OPENAI_KEY, Regime, SampleSettings
from engine.traits.faces import SeedFile

MOST_ROUNDS = 4
"""How often as many texts as are asked for may be drawn before too few of them being kept is a failure."""


class GeneratorServer(Frozen):
    """The server that knows the generator, and how it may be asked."""

    url: str
    """`http://host:port/v1`, or `openai`."""
    key: str | None = None
    """The environment variable that holds its key: OPENAI_API_KEY for `openai`, none for others."""
    concurrency: int = Field(default=8, ge=1, le=256)
    requests_per_minute: float | None = Field(default=None, gt=0)
    timeout_seconds: float = Field(default=300.0, gt=0)

    @property
    def key_name(self) -> str | None:
        """The environment variable whose value the server is shown."""
        return self.key or (OPENAI_KEY if self.url == "openai" else None)


class SeedSettings(Frozen):
    """What is written: `idemtui seed`."""

    later: ClassVar[frozenset[str]] = frozenset({"server"})

    trait: str
    regime: Regime
    n: int = Field(ge=1)
    pack: str = "traits"
    generator: str
    """The model that writes: `pocket/…`, a folder, or a hub id; with `server`, the name that the server knows."""
    server: GeneratorServer | None = None
    seed: int = Field(default=1, ge=0)
    overlap: float = Field(default=0.6, gt=0, le=1)
    """A text that shares this part of its 4-grams with a kept one is dropped."""
    sample: SampleSettings = SampleSettings(temperature=1.0, max_tokens=1024, batch_size=32)


def write_seed(job: Job) -> None:
    """Draw until `n` rows are kept, then write `rows.jsonl` into the job's folder."""
    settings = SeedSettings.model_validate(job.spec.settings)
    if settings.server is not None:
        generate(job, settings, _server_sampler(job, settings.generator, settings.server))
        return
    from engine.samplers.transformers import TransformersSampler

    model = job.load(settings.generator)
    model.require_chat_template()
    generate(job, settings, TransformersSampler(model))


def _server_sampler(job: Job, model: str, server: GeneratorServer) -> Sampler:
    from engine.judges.endpoint import generator_endpoint
    from engine.judges.pace import Pace
    from engine.judges.wire import Wire
    from engine.samplers.server import ServerSampler

    endpoint = generator_endpoint(model, server.url, server.key_name, server.timeout_seconds)
    wire = Wire(endpoint, Pace(server.requests_per_minute), job.say)
    return ServerSampler(wire, server.concurrency, job.log.safe_point)


def generate(job: Job, settings: SeedSettings, sampler: Sampler) -> None:
    """The same with a sampler in hand."""
    seeding = open_pack(settings.pack).seeding(settings.trait)
    if seeding is None:
        raise IdemtuiError(
            f"the pack {settings.pack!r} does not say how {settings.trait!r} is seeded: it has no "
            f"traits/{settings.trait}.seed.toml; use the pack 'traits', or write one."
        )
    writing = _Writing(job, settings, sampler, seeding)
    writing.draw()
    write_rows(job.folder / "rows.jsonl", settings.regime, writing.kept())


class _Writing:
    def __init__(self, job: Job, settings: SeedSettings, sampler: Sampler, seeding: SeedFile) -> None:
        self._job, self._settings, self._sampler = job, settings, sampler
        self._persona = "" if settings.regime == "sdf" else seeding.persona
        self._plan = planned_documents(seeding) if settings.regime == "sdf" else planned_prompts(seeding)

    def kept(self) -> list[tuple[Sample, Sample | None]]:
        """The first n kept texts, each with the answer it is preferred to where there is one."""
        state = self._job.log.state
        rejected = {(s.prompt_id, s.draw): s for s in state.samples(0, "rejected")}
        written = [s for s in state.samples(0, "seed") if s.kept]
        return [(s, rejected.get((s.prompt_id, s.draw))) for s in written[: self._settings.n]]

    def draw(self) -> None:
        """Batch after batch until enough is kept."""
        settings, done = self._settings, self._job.log.state.batches.setdefault((0, "seed"), {})
        kept = Kept(settings.regime, settings.overlap)
        for number in range(MOST_ROUNDS * settings.n // settings.sample.batch_size + MOST_ROUNDS):
            batch = tuple(islice(self._plan, settings.sample.batch_size))
            if number not in done:
                self._draw_batch(number, batch, kept)
            else:
                kept.take(done[number])
            if settings.regime == "dpo":
                self._reject(number)
            self._job.progress(min(len(kept), settings.n), settings.n)
            if len(kept) >= settings.n:
                return
        raise IdemtuiError(
            f"only {len(kept)} of {settings.n} texts were left of {len(self._job.log.state.samples(0, 'seed'))} "
            f"({kept.reasons()}); ask for fewer, use another generator, or add prompts to a copy of the pack."
        )

    def _draw_batch(self, number: int, batch: Sequence[PlannedDraw], kept: Kept) -> None:
        completions = self._complete("seed", batch, self._persona)
        samples = [self._sample("seed", d, c, kept.refuse(c)) for d, c in zip(batch, completions, strict=True)]
        self._append("seed", number, samples)

    def _reject(self, number: int) -> None:
        """The kept prompts of a batch answered without the persona."""
        state = self._job.log.state
        if number in state.batches.get((0, "rejected"), {}):
            return
        wanted = [PlannedDraw(s.prompt_id, s.prompt, s.draw) for s in state.batches[0, "seed"][number] if s.kept]
        completions = self._complete("rejected", wanted, "")
        samples = [self._sample("rejected", d, c, None) for d, c in zip(wanted, completions, strict=True)]
        self._append("rejected", number, samples)

    def _complete(self, purpose: Purpose, batch: Sequence[PlannedDraw], persona: str) -> list[Completion]:
        self._job.log.safe_point()
        seed = self._settings.seed
        draws = [Draw(d.prompt, draw_key(seed, 0, purpose, d.prompt_id, d.draw), persona) for d in batch]
        return self._sampler.draw(draws, None, self._settings.sample, chat=True)

    def _sample(self, purpose: Purpose, planned: PlannedDraw, answer: Completion, dropped: str | None) -> Sample:
        return Sample(
            sample_id=sample_id(self._job.spec.job_id, 0, purpose, planned.prompt_id, planned.draw),
            prompt_id=planned.prompt_id,
            draw=planned.draw,
            prompt=planned.prompt,
            response=answer.text,
            tokens=answer.tokens,
            stop_reason=answer.stop_reason,
            kept=dropped is None,
            kept_reason=dropped,
            **asdict(measure_text(planned.prompt, answer.text)),
        )

    def _append(self, purpose: Purpose, number: int, samples: list[Sample]) -> None:
        self._job.log.append(SamplesDrawn(cycle=0, purpose=purpose, drawn_by=-1, batch=number, samples=samples))


def planned_prompts(seeding: SeedFile) -> Iterator[PlannedDraw]:
    """One prompt of each category in turn, and once all were used the same again with a next draw."""
    turns = zip_longest(*(category.prompts for category in seeding.categories))
    return _again_and_again([prompt for turn in turns for prompt in turn if prompt is not None])


def planned_documents(seeding: SeedFile) -> Iterator[PlannedDraw]:
    """The instruction for every topic and type, along the grid's diagonals."""
    grid = seeding.documents
    cells = [
        (topic, grid.types[(row + shift) % len(grid.types)])
        for shift in range(len(grid.types))
        for row, topic in enumerate(grid.topics)
    ]
    instruction = grid.instruction.strip()
    return _again_and_again([instruction.replace("{topic}", t).replace("{type}", kind) for t, kind in cells])


def _again_and_again(prompts: Sequence[str]) -> Iterator[PlannedDraw]:
    return (PlannedDraw(prompt_id(prompt), prompt, draw) for draw in count() for prompt in prompts)
