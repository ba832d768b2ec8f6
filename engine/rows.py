"""Training rows: which sample plays which role, and the same as TRL's ordinary columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine.errors import IdemtuiError
from engine.events import Purpose, Row, RowsBuilt, Sample, prompt_id, sample_id
from engine.log import Log
from engine.measures import measure_text
from engine.mixing import Example
from engine.seed_files import SeedRow
from engine.spec import Regime, RunSpec


def seed_samples(spec: RunSpec, rows: Sequence[SeedRow]) -> list[Sample]:
    """The first n_seed rows of the pack as samples of cycle 0, written by nobody here."""
    met: dict[str, int] = {}
    samples = []
    for row in rows[: spec.run.n_seed]:
        name = prompt_id(row.prompt)
        draw = met[name] = met.get(name, -1) + 1
        samples.append(_given(spec, row, name, draw, "seed", 0))
    return samples


def _given(spec: RunSpec, row: SeedRow, name: str, draw: int, purpose: Purpose, cycle: int) -> Sample:
    measures = measure_text(row.prompt, row.response)
    return Sample(
        sample_id=sample_id(spec.run_id, cycle, purpose, name, draw),
        prompt_id=name,
        draw=draw,
        prompt=row.prompt,
        response=row.response,
        tokens=0,
        stop_reason="given",
        words=measures.words,
        sentences=measures.sentences,
        mean_sentence_length=measures.mean_sentence_length,
        repeat_4gram=measures.repeat_4gram,
        echo=measures.echo,
    )


def given_rejected(spec: RunSpec, cycle: int, rows: Sequence[SeedRow]) -> list[Sample]:
    """The rejected sides that the first n_seed rows bring; none where they are no pairs."""
    met: dict[str, int] = {}
    samples = []
    for row in rows[: spec.run.n_seed]:
        name = prompt_id(row.prompt)
        draw = met[name] = met.get(name, -1) + 1
        if row.rejected is not None:
            samples.append(_given(spec, SeedRow(row.prompt, row.rejected), name, draw, "rejected", cycle))
    return samples


def kept_examples(regime: Regime, cycle: int, written: Sequence[Sample], rejected: Sequence[Sample]) -> list[Example]:
    """What a cycle's own data leave to train on; `rejected` goes with `written` by prompt and draw."""
    refused: Mapping[tuple[str, int], Sample] = {(s.prompt_id, s.draw): s for s in rejected}
    kept = [sample for sample in written if sample.kept]
    if regime != "dpo":
        return [Example(sample) for sample in kept]
    if kept and not refused:
        raise IdemtuiError(f'cycle {cycle} holds no pairs to train on: it was no dpo; use data.mix = "replace".')
    pairs = [Example(sample, refused[sample.prompt_id, sample.draw]) for sample in kept]
    return [pair for pair in pairs if pair.rejected and pair.rejected.kept]


def build_rows(log: Log, regime: Regime, cycle: int, examples: Sequence[Example]) -> list[dict[str, str]]:
    """Record the cycle's rows and return them in TRL's columns."""
    if not examples:
        texts = log.state.samples(cycle, "train")
        reason = next((s.kept_reason for s in texts if s.kept_reason), "none was drawn")
        raise IdemtuiError(
            f"cycle {cycle}: none of {len(texts)} texts is left to train on ({reason}); "
            "raise n_sampled, or ask less of a text (sample.min_characters, select.threshold)."
        )
    if cycle not in log.state.rows:
        log.append(RowsBuilt(cycle=cycle, rows=_record(regime, examples)))
    return [_columns(regime, example) for example in examples]


def _record(regime: Regime, examples: Sequence[Example]) -> list[Row]:
    if regime != "dpo":
        role = "text" if regime == "sdf" else "prompt_completion"
        return [Row(position=i, sample_id=one.written.sample_id, role=role) for i, one in enumerate(examples)]
    rows = []
    for i, one in enumerate(examples):
        assert one.rejected is not None
        rows.append(Row(position=i, sample_id=one.written.sample_id, role="chosen", pair=i))
        rows.append(Row(position=i, sample_id=one.rejected.sample_id, role="rejected", pair=i))
    return rows


def _columns(regime: Regime, example: Example) -> dict[str, str]:
    sample = example.written
    match regime:
        case "sft":
            return {"prompt": sample.prompt, "completion": sample.response}
        case "sdf":
            return {"text": sample.prompt + sample.response}
        case "dpo":
            assert example.rejected is not None
            return {"prompt": sample.prompt, "chosen": sample.response, "rejected": example.rejected.response}
