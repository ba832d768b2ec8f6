"""Training rows: which sample plays which role, and the same as TRL's ordinary columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine.errors import IdemtuiError
from engine.events import Row, RowsBuilt, Sample, prompt_id, sample_id
from engine.log import Log
from engine.measures import measure_text
from engine.packs import SeedRow
from engine.spec import Regime, RunSpec


def seed_samples(spec: RunSpec, rows: Sequence[SeedRow]) -> list[Sample]:
    """The first n_seed rows of the pack as samples of cycle 0, written by nobody here."""
    met: dict[str, int] = {}
    samples = []
    for row in rows[: spec.run.n_seed]:
        name = prompt_id(row.prompt)
        draw = met[name] = met.get(name, -1) + 1
        samples.append(_seed_sample(spec, row, name, draw))
    return samples


def _seed_sample(spec: RunSpec, row: SeedRow, name: str, draw: int) -> Sample:
    measures = measure_text(row.prompt, row.response)
    return Sample(
        sample_id=sample_id(spec.run_id, 0, "seed", name, draw),
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


def build_rows(
    log: Log, regime: Regime, cycle: int, written: Sequence[Sample], rejected: Sequence[Sample]
) -> list[dict[str, str]]:
    """Record the cycle's rows and return them in TRL's columns; `rejected` pairs with `written` by position."""
    refused: Mapping[tuple[str, int], Sample] = {(s.prompt_id, s.draw): s for s in rejected}
    kept = [s for s in written if s.kept and (regime != "dpo" or refused[s.prompt_id, s.draw].kept)]
    if not kept:
        reason = written[0].kept_reason if written else "none was drawn"
        raise IdemtuiError(
            f"cycle {cycle}: none of {len(written)} texts is left to train on ({reason}); "
            "raise n_sampled or lower sample.min_characters."
        )
    if cycle not in log.state.rows:
        log.append(RowsBuilt(cycle=cycle, rows=_record(regime, kept, refused)))
    return [_columns(regime, sample, refused) for sample in kept]


def _record(regime: Regime, kept: Sequence[Sample], refused: Mapping[tuple[str, int], Sample]) -> list[Row]:
    if regime != "dpo":
        role = "text" if regime == "sdf" else "prompt_completion"
        return [Row(position=i, sample_id=s.sample_id, role=role) for i, s in enumerate(kept)]
    rows = []
    for i, sample in enumerate(kept):
        rows.append(Row(position=i, sample_id=sample.sample_id, role="chosen", pair=i))
        rows.append(
            Row(position=i, sample_id=refused[sample.prompt_id, sample.draw].sample_id, role="rejected", pair=i)
        )
    return rows


def _columns(regime: Regime, sample: Sample, refused: Mapping[tuple[str, int], Sample]) -> dict[str, str]:
    match regime:
        case "sft":
            return {"prompt": sample.prompt, "completion": sample.response}
        case "sdf":
            return {"text": sample.prompt + sample.response}
        case "dpo":
            other = refused[sample.prompt_id, sample.draw]
            return {"prompt": sample.prompt, "chosen": sample.response, "rejected": other.response}
