"""Drawing: planned answers → keyed draws, batch by batch, each batch durable in the journal before the next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from engine.events import Purpose, Sample, SamplesDrawn, Stage, sample_id
from engine.keys import draw_key
from engine.log import Log
from engine.measures import measure_text
from engine.prompt_plan import PlannedDraw
from engine.seams import Completion, Draw, Sampler
from engine.spec import DrawSettings, RunSpec, SampleSettings

STAGES: dict[Purpose, Stage] = {"train": "sample_train", "rejected": "sample_rejected", "eval": "sample_eval"}


def draw_samples(
    log: Log,
    sampler: Sampler,
    spec: RunSpec,
    *,
    cycle: int,
    purpose: Purpose,
    drawn_by: int,
    adapter: Path | None,
    plan: Sequence[PlannedDraw],
    settings: SampleSettings,
) -> list[Sample]:
    """All samples of one purpose of one cycle; batches that the journal holds are not drawn again."""
    done = log.state.batches.get((cycle, purpose), {})
    with log.stage(cycle, STAGES[purpose], len(plan)) as tokens:
        for number, batch in enumerate(_batches(plan, settings.batch_size)):
            if number in done:
                continue
            log.safe_point()
            keys = [draw_key(spec.run.seed, cycle, purpose, d.prompt_id, d.draw) for d in batch]
            draws = [Draw(d.prompt, k) for d, k in zip(batch, keys, strict=True)]
            completions = sampler.draw(draws, adapter, settings, chat=spec.run.regime != "sdf")
            samples = [
                make_sample(spec, cycle, purpose, d, c, settings) for d, c in zip(batch, completions, strict=True)
            ]
            tokens.count += sum(sample.tokens for sample in samples)
            log.append(SamplesDrawn(cycle=cycle, purpose=purpose, drawn_by=drawn_by, batch=number, samples=samples))
    return log.state.samples(cycle, purpose)


def make_sample(
    spec: RunSpec, cycle: int, purpose: Purpose, planned: PlannedDraw, completion: Completion, settings: SampleSettings
) -> Sample:
    """One drawn text with its identity, its measures, and whether training keeps it."""
    dropped = _dropped_reason(completion.text, settings)
    return Sample(
        sample_id=sample_id(spec.run_id, cycle, purpose, planned.prompt_id, planned.draw),
        prompt_id=planned.prompt_id,
        draw=planned.draw,
        prompt=planned.prompt,
        response=completion.text,
        tokens=completion.tokens,
        stop_reason=completion.stop_reason,
        kept=dropped is None,
        kept_reason=dropped,
        **asdict(measure_text(planned.prompt, completion.text)),
    )


def _dropped_reason(text: str, settings: SampleSettings) -> str | None:
    if isinstance(settings, DrawSettings) and len(text.strip()) <= settings.min_characters > 0:
        return f"at most {settings.min_characters} characters"
    return None


def _batches(plan: Sequence[PlannedDraw], size: int) -> list[tuple[PlannedDraw, ...]]:
    return [tuple(plan[i : i + size]) for i in range(0, len(plan), size)]
