"""What judging by a server took: requests, tokens, what the lab knew already, and the cost where prices were stated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from store.client import Client

SPENT = """
SELECT * EXCLUDE (run_id) FROM judge_spending WHERE run_id = $work AND (requests > 0 OR known > 0)
ORDER BY metric, judge_id
"""


def spent_on(client: Client, work_id: str) -> list[dict[str, Any]]:
    """By metric and judge, what a run or job took; nothing where a local judge was asked everything anew."""
    from idemtui.cli.reading import rows

    return rows(client, SPENT, work=work_id)


def spent_words(spent: Sequence[dict[str, Any]]) -> list[str]:
    """A line each."""
    return [
        f"{row['judge_id']} ({row['metric']}): {row['answers']} answers, {row['known']} known before, "
        f"{row['requests']} requests, {row['prompt_tokens']} + {row['completion_tokens']} tokens{_cost(row['cost'])}"
        for row in spent
    ]


def _cost(cost: float | None) -> str:
    return "" if cost is None else f", cost {cost:.4f}"
