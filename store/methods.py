"""How a run's own judge came to its scores: read from probabilities, or drawn (`sampled-5`), which every table says."""

from __future__ import annotations

from collections.abc import Sequence

from store.result import Asked

DRAWN = "sampled"
METHODS = """
SELECT r.run_id, string_agg(DISTINCT j.method, ', ' ORDER BY j.method) AS method
FROM run_judges AS r JOIN judges AS j ON j.judge_id = r.judge_id AND j.metric = r.metric
WHERE $runs IS NULL OR list_contains($runs::VARCHAR[], r.run_id)
GROUP BY r.run_id
"""


CHOSEN = "SELECT string_agg(DISTINCT method, ', ' ORDER BY method) AS method FROM judges WHERE judge_id = $judge"


def judge_methods(lab: Asked, run_ids: Sequence[str] | None = None, judge: str | None = None) -> dict[str, str]:
    """By run or job id the methods of its own judge; who was not judged is left out. Of all where none is named.

    With `judge` it is that judge's method, for every run that is named.
    """
    if judge is not None:
        [chosen] = lab.sql(CHOSEN, {"judge": judge}).rows()
        return dict.fromkeys(run_ids or (), chosen["method"]) if chosen["method"] else {}
    runs = None if run_ids is None else list(run_ids)
    return {row["run_id"]: row["method"] for row in lab.sql(METHODS, {"runs": runs}).rows()}


def is_drawn(method: str | None) -> bool:
    """Whether some of these scores are means of drawn numbers."""
    return method is not None and DRAWN in method
