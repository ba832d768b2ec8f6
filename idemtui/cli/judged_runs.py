"""`ls --judge`: the rows of runs with one judge's scores and verdicts in place of those of each run's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from store.client import Client
    from store.queries import Point, Verdict

Row = dict[str, Any]
OF_VERDICTS = ("a", "l", "ci_low", "ci_high", "suffixes", "amplified_by_paper")


def by_judge(
    client: Client, found: Mapping[str, Row], judge: str, *, of_cells: bool
) -> tuple[dict[str, Row], list[Verdict]]:
    """The same runs by that judge, null where it scored nothing, and its verdicts; `judge` stands in every row."""
    from store.judged import judged_chains, judged_curves
    from store.judged_groups import told_by
    from store.judged_verdicts import judged_verdicts
    from store.methods import judge_methods

    chains = judged_chains(client, list(found), judge)
    curves = judged_curves(chains)
    scored = [run_id for run_id in found if curves[run_id]]
    told = told_by(judged_verdicts(client, scored, judge, chains, of_cells=of_cells))
    of_runs = {verdict.run_id: verdict for verdict in told if verdict.scope == "run"}
    methods = judge_methods(client, scored, judge)
    rows = {
        run_id: {
            **run,
            **_scores(run["cycle"], curves[run_id]),
            **{name: getattr(of_runs.get(run_id), name, None) for name in OF_VERDICTS},
            "judge_method": methods.get(run_id),
            "judge": judge,
        }
        for run_id, run in found.items()
    }
    return rows, told


def _scores(cycle: int | None, curve: Sequence[Point]) -> Row:
    """What that judge said of the newest generation, and Δ of every one that it scored."""
    last = next((point for point in curve if point.cycle == cycle), None)
    return {
        "trait_score": last.trait if last else None,
        "coherence": last.coherence if last else None,
        "delta": last.delta if last and last.cycle >= 1 else None,
        "deltas": [point.delta for point in curve if point.cycle >= 1] or None,
    }
