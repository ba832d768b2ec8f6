"""Lists of samples of any length: which there are and in what order (places), and what stands at some of them (lines).

A place is a row's number in `stored_samples`. All places of a list are a few bytes each and come in parts, the first
as soon as there are any; lines are read for the places in sight alone. So a million samples are one list, under any
filter and order, and no question skips over rows that nobody looks at.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from engine.errors import QueryError, UsageError
from store import judged_listing
from store.result import Asked

if TYPE_CHECKING:
    import pyarrow as pa

    from store.client import Client

Order = Literal["drawn", "trait", "coherence", "jump", "length", "time"]
Where = Literal["answers", "prompts", "both"]
PURPOSES = ("seed", "train", "rejected", "eval")
ANY = "any"
"""A mark that stands for all marks."""
SCORED: Mapping[Order, str] = {
    "trait": "t.value DESC NULLS LAST, ",
    "coherence": "c.value ASC NULLS LAST, ",
    "jump": "abs(t.value - b.value) DESC NULLS LAST, ",
    "length": "s.tokens DESC, ",
    "time": "g.started_at DESC NULLS LAST, s.rowid DESC, ",
}
OWN = """(
    SELECT x.run_no, x.cycle, x.sample_id, x.value, x.label
    FROM stored_scores AS x JOIN run_numbers AS n USING (run_no)
    JOIN run_judges AS r ON r.run_id = n.run_id AND r.metric = x.metric AND r.judge_id = x.judge_id
    WHERE x.metric = '{metric}'{only}
)"""
JOINS = {
    "t": f"LEFT JOIN {OWN} AS t ON t.run_no = s.run_no AND t.cycle = s.cycle AND t.sample_id = s.sample_id",
    "c": f"LEFT JOIN {OWN} AS c ON c.run_no = s.run_no AND c.cycle = s.cycle AND c.sample_id = s.sample_id",
    "b": """LEFT JOIN (
        SELECT run_id, cycle + 1 AS cycle, prompt_id, value FROM chain_prompt_means WHERE metric = 'trait'{chain}
    ) AS b ON b.run_id = {own_run} AND b.cycle = s.cycle AND b.prompt_id = s.prompt_id""",
    "g": """LEFT JOIN stages AS g ON g.run_id = n.run_id AND g.cycle = s.cycle AND g.stage = CASE s.purpose
        WHEN 'seed' THEN 'seed_rows' WHEN 'eval' THEN 'sample_eval' ELSE 'sample_' || s.purpose END""",
}
METRICS = {"t": "trait", "c": "coherence", "b": "trait", "g": ""}
ROWS = """
SELECT s.rowid AS place, n.run_id, s.* EXCLUDE (prompt, response), left(s.prompt, $most) AS prompt,
    left(s.response, $most) AS response
FROM stored_samples AS s JOIN run_numbers AS n USING (run_no) WHERE s.rowid IN (SELECT unnest($places::BIGINT[]))
"""
# The bounds on run_no let DuckDB skip every block of other runs.
SCORES = """
SELECT x.sample_id, x.metric, x.value, x.label
FROM stored_scores AS x JOIN run_numbers AS n USING (run_no)
JOIN run_judges AS r ON r.run_id = n.run_id AND r.metric = x.metric AND r.judge_id = x.judge_id
WHERE x.run_no BETWEEN $first AND $last AND x.metric IN ('trait', 'coherence')
    AND x.sample_id IN (SELECT unnest($samples::VARCHAR[]))
"""
BEFORE = """
SELECT run_id, cycle + 1, prompt_id, value FROM chain_prompt_means
WHERE metric = 'trait' AND run_id IN (SELECT unnest($runs::VARCHAR[]))
"""
MARKS = """
SELECT sample_id, list(DISTINCT mark ORDER BY mark) FROM marks
WHERE sample_id IN (SELECT unnest($samples::VARCHAR[])) GROUP BY sample_id
"""
OF_RUNS = "s.run_no IN (SELECT m.run_no FROM run_numbers AS m JOIN runs AS r USING (run_id) WHERE r.{0} = ${0})"
HELD = "h.run_id = $run_id AND h.run_no = s.run_no AND s.cycle > h.after_cycle AND s.cycle <= h.to_cycle"
FIRST_PART, LARGEST_PART = 25_000, 200_000
"""Rows that a search looks through at a time: the first soon, the others with less ado."""
WHOLE = 2**31 - 1


@dataclass(frozen=True)
class SampleFilter:
    """Which samples; what is None does not count. Texts of forks are listed once, unless a run is named.

    `prompt` is a prompt's id or a part of its text, `pattern` a regular expression (RE2) over answers, prompts or both,
    `low` and `high` bound the trait score by `judge`, or by the run's own where that is None; `label` is that judge's
    word, `mark` a person's.
    """

    run_id: str | None = None
    study: str | None = None
    trait: str | None = None
    cycle: int | None = None
    purpose: str | None = None
    prompt: str | None = None
    low: float | None = None
    high: float | None = None
    label: str | None = None
    mark: str | None = None
    pattern: str | None = None
    where: Where = "answers"
    judge: str | None = None


@dataclass(frozen=True)
class Line:
    """One sample as a list shows it; `jump` is its trait score minus its prompt's mean one generation before."""

    place: int
    sample_id: str
    run_id: str
    cycle: int
    purpose: str
    prompt_id: str
    draw: int
    drawn_by: int | None
    prompt: str
    response: str
    tokens: int
    stop_reason: str
    kept: bool
    kept_reason: str | None
    mean_sentence_length: float | None
    repeat_4gram: float | None
    echo: float | None
    trait: float | None
    trait_label: str | None
    coherence: float | None
    coherence_label: str | None
    jump: float | None
    marks: tuple[str, ...]


COLUMNS = (
    "place", "sample_id", "run_id", "cycle", "purpose", "prompt_id", "draw", "drawn_by", "prompt", "response", "tokens",
    "stop_reason", "kept", "kept_reason", "mean_sentence_length", "repeat_4gram", "echo",
)  # fmt: skip


def places_query(
    wanted: SampleFilter, order: Order = "drawn", rows: tuple[int, int] | None = None
) -> tuple[str, dict[str, Any]]:
    """The statement whose rows are the places of a list, in order; `rows` bounds them, its end left out.

    Raises UsageError for an order that is none.
    """
    if order not in get_args(Order):
        raise UsageError(f"order {order!r}: allowed are {', '.join(get_args(Order))}.")
    conditions, params = _conditions(wanted)
    if rows is not None:
        conditions.append("s.rowid >= $from_row AND s.rowid < $to_row")
        params |= {"from_row": rows[0], "to_row": rows[1]}
    sort = SCORED.get(order, "")
    source = "stored_samples AS s JOIN run_numbers AS n USING (run_no)"
    if wanted.run_id is not None:
        source += f" JOIN held_cycles AS h ON {HELD}"
        params["run_id"] = wanted.run_id
    head, joins = _joins(wanted, " ".join([*conditions, sort]))
    params |= {"judge": wanted.judge} if head else {}
    placed = "s.cycle, s.purpose, s.prompt_id, s.draw, s.rowid" if wanted.run_id else "s.rowid"
    where = " AND ".join(conditions) or "true"
    return (
        f"{head}SELECT s.rowid::UINTEGER AS place FROM {source} {joins} WHERE {where} ORDER BY {sort}{placed}",
        params,
    )


def _joins(wanted: SampleFilter, text: str) -> tuple[str, str]:
    """What comes before a statement, and the scores that its conditions and its order speak of."""
    of_run = wanted.run_id is not None
    joins = JOINS if wanted.judge is None else {**JOINS, **judged_listing.JOINS}
    fill = {
        "only": " AND x.run_no IN (SELECT run_no FROM held_cycles WHERE run_id = $run_id)" if of_run else "",
        "of_run": judged_listing.OF_RUN if of_run else "",
        "chain": " AND run_id = $run_id" if of_run else "",
        "own_run": "$run_id" if of_run else "n.run_id",
    }
    asked = [join.format(metric=METRICS[key], **fill) for key, join in joins.items() if f"{key}." in text]
    return judged_listing.RUBRICS if asked and wanted.judge is not None else "", " ".join(asked)


def find_places(
    client: Client, wanted: SampleFilter, order: Order = "drawn", *, query_id: str | None = None
) -> Iterator[tuple[pa.Array, float]]:
    """The places of a list, and which share of the lab has been looked through, a part at a time.

    A pattern is sought from the first row on, so that the first finds come at once; between two parts a caller may
    leave off. UsageError in one line for a pattern that is none.
    """
    import pyarrow as pa

    for rows, share in _parts(client, wanted, order):
        query, params = places_query(wanted, order, rows)
        try:
            column = client.sql(query, params or None, query_id=query_id).table.column(0)
        except QueryError as error:
            raise _explained(error, wanted.pattern) from None
        # Of no chunks at all pyarrow makes an array by way of pandas: 45 MB more in a console.
        yield (column.combine_chunks() if column.num_chunks else pa.nulls(0, column.type)), share


def _parts(client: Client, wanted: SampleFilter, order: Order) -> Iterator[tuple[tuple[int, int] | None, float]]:
    if wanted.pattern is None or wanted.run_id is not None or order != "drawn":
        yield None, 1.0
        return
    total = int(client.sql("SELECT coalesce(max(rowid), -1) + 1 AS n FROM stored_samples").rows()[0]["n"])
    start, size = 0, FIRST_PART
    while start < total or start == 0:
        end = min(start + size, total)
        yield (start, end), end / total if total else 1.0
        start, size = max(end, 1), min(2 * size, LARGEST_PART)


def read_lines(lab: Asked, places: Sequence[int], most: int = WHOLE, *, judge: str | None = None) -> list[Line | None]:
    """What stands at these places, in their order, texts cut after `most` characters; None where it is gone.

    Scores are those of the judge with that id, or of each run's own.
    """
    rows = lab.sql(ROWS, {"places": list(places), "most": most}).rows() if places else []
    if not rows:
        return [None] * len(places)
    numbers = [row["run_no"] for row in rows]
    samples = {"samples": [row["sample_id"] for row in rows]}
    bounds = {"first": min(numbers), "last": max(numbers)}
    by: dict[str, Any] = {} if judge is None else {"judge": judge}
    scores = {
        (sample_id, metric): (value, label)
        for sample_id, metric, value, label in lab.sql(
            judged_listing.SCORES if by else SCORES, {**samples, **bounds, **by}
        ).tuples()
    }
    measured = {"runs": sorted({row["run_id"] for row in rows if row["purpose"] == "eval"})}
    means = lab.sql(judged_listing.BEFORE if by else BEFORE, {**measured, **by}).tuples() if measured["runs"] else ()
    before = {tuple(key): mean for *key, mean in means}
    marks = dict(lab.sql(MARKS, samples).tuples())
    held = {row["place"]: _line(row, scores, before, marks) for row in rows}
    return [held.get(place) for place in places]


def _line(row: dict[str, Any], scores: Mapping[Any, Any], before: Mapping[Any, Any], marks: Mapping[str, Any]) -> Line:
    trait, trait_label = scores.get((row["sample_id"], "trait"), (None, None))
    coherence, coherence_label = scores.get((row["sample_id"], "coherence"), (None, None))
    mean = before.get((row["run_id"], row["cycle"], row["prompt_id"])) if row["purpose"] == "eval" else None
    return Line(
        **{name: row[name] for name in COLUMNS},
        trait=trait, trait_label=trait_label, coherence=coherence, coherence_label=coherence_label,
        jump=None if trait is None or mean is None else trait - mean,
        marks=tuple(marks.get(row["sample_id"], ())),
    )  # fmt: skip


def listed(lab: Asked, wanted: SampleFilter, order: Order = "drawn", limit: int = 100) -> list[Line]:
    """The first samples of a list, whole."""
    query, params = places_query(wanted, order)
    try:
        rows = lab.sql(f"{query} LIMIT $limit", {**params, "limit": limit}).tuples()
    except QueryError as error:
        raise _explained(error, wanted.pattern) from None
    return [line for line in read_lines(lab, [row[0] for row in rows], judge=wanted.judge) if line is not None]


def _explained(error: QueryError, pattern: str | None) -> QueryError:
    said = str(error).removeprefix("Invalid Input Error: ")
    if pattern is None or said == str(error):
        return error
    return QueryError(
        f"regex {pattern!r}: {said}; see https://github.com/google/re2/wiki/Syntax, or escape it with \\."
    )


def _conditions(wanted: SampleFilter) -> tuple[list[str], dict[str, Any]]:
    params = {
        name: value
        for name in ("study", "trait", "cycle", "purpose", "prompt", "low", "high", "label", "mark", "pattern")
        if (value := getattr(wanted, name)) is not None
    }
    texts = {"answers": ("s.response",), "prompts": ("s.prompt",), "both": ("s.response", "s.prompt")}[wanted.where]
    clauses = {
        "study": OF_RUNS.format("study"),
        "trait": OF_RUNS.format("trait"),
        "cycle": "s.cycle = $cycle",
        "purpose": "s.purpose = $purpose",
        "prompt": "(s.prompt_id = $prompt OR contains(lower(s.prompt), lower($prompt)))",
        "low": "t.value >= $low",
        "high": "t.value <= $high",
        "label": "t.label = $label",
        "mark": f"s.sample_id IN (SELECT sample_id FROM marks WHERE $mark = '{ANY}' OR mark = $mark)",
        "pattern": "(" + " OR ".join(f"regexp_matches({text}, $pattern)" for text in texts) + ")",
    }
    return [clauses[name] for name in params], params
