"""What `show` says of a run's generations beside their scores: perplexity, KL, self-NLL, distinct-n, sentences."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from store.client import Client

Row = dict[str, Any]
COLUMNS = (
    "cycle", "coherence 90 %", "perplexity", "90 %", "in blocks", "KL", "KL/answer", "nll", "distinct 1", "2", "3",
    "words/sentence",
)  # fmt: skip
SPARE = ("KL/answer", "3", "distinct 1", "in blocks", "90 %", "2")
NOTE = "perplexity under M_init; KL(M_j‖M_init) and nll of its own answers in nats a token (docs/statistics.md)"


def with_measures(client: Client, run_id: str, curve: list[Row], judge: str | None) -> list[Row]:
    """The generations with everything that was measured of them; coherence's interval by a judge where one is named."""
    from store.measures import coherence_bounds, measures

    held = {one.cycle: asdict(one) for one in measures(client, run_id)}
    sure = coherence_bounds(client, run_id, judge)
    return [_with(row, held.get(row["cycle"], {}), sure.get(row["cycle"])) for row in curve]


def _with(row: Row, held: Row, sure: tuple[float, float] | None) -> Row:
    low, high = sure or (None, None)
    return {**row, "coherence_low": low, "coherence_high": high, **held}


def print_measures(curve: list[Row]) -> None:
    """A second table, where anything of it was measured."""
    from idemtui.cli.output import print_table

    if any(point.get("perplexity") is not None for point in curve):
        sys.stdout.write("\n")
        print_table(COLUMNS, [_shown(point) for point in curve], spare=SPARE)
        sys.stdout.write(f"{NOTE}\n")


def _shown(point: Row) -> dict[str, str]:
    from idemtui.console.words import generation, interval, number

    return {
        "cycle": generation(point["cycle"]),
        "coherence 90 %": interval(point["coherence_low"], point["coherence_high"]),
        "perplexity": number(point.get("perplexity"), 2),
        "90 %": interval(point.get("perplexity_low"), point.get("perplexity_high"), 2),
        "in blocks": number(point.get("block_perplexity"), 2),
        "KL": number(point.get("kl_token"), 3),
        "KL/answer": number(point.get("kl_sequence")),
        "nll": number(point.get("self_nll"), 2),
        "distinct 1": number(point.get("distinct_1"), 2),
        "2": number(point.get("distinct_2"), 2),
        "3": number(point.get("distinct_3"), 2),
        "words/sentence": number(point.get("mean_sentence_length")),
    }
