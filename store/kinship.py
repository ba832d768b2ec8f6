"""Where a text comes from: the training rows nearest to it in earlier generations, and phrases that spread.

Nearness counts shared pairs of words, rare ones more: Σ idf of the pairs shared with a row, over Σ idf of the answer's
own, idf = 1 + ln((1 + N) / (1 + rows with the pair)) over the N rows looked at. The database does the counting, in one
pass over the rows of one chain; only the nearest rows' texts come here.
"""

from __future__ import annotations

import heapq
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import log
from typing import Any

from engine.errors import UsageError
from store.result import Asked
from store.texts import Sample, sample

WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
WORDS_SQL = r"regexp_extract_all(lower(s.response), '[\pL\pN]+(?:[''’-][\pL\pN]+)*')"
PAIR, GRAM = 2, 4
LEAST_RUN = 3
"""Words that a shared phrase has at least; a single shared pair is everybody's."""
MOST_WORDS = 2000
"""Words of a text that are compared with another's: a model that repeats itself without end costs no more."""
TAUGHT = "('prompt_completion', 'text', 'chosen')"
"""Roles of rows that a model was trained towards."""
GRAM_SQL = "list_transform(range(1, len(words) - {n} + 2), lambda i: array_to_string(words[i:i + {n} - 1], ' '))"
GRAMS_SQL = f"list_distinct({GRAM_SQL})"
ROWS = f"""
WITH taught AS (
    SELECT h.run_no, t.cycle, t.sample_id FROM held_cycles AS h
    JOIN stored_training_rows AS t ON t.run_no = h.run_no AND t.cycle > h.after_cycle AND t.cycle <= h.to_cycle
    WHERE h.run_id = $run AND t.cycle <= $last AND t.role IN {TAUGHT}
),
texts AS (
    SELECT t.cycle, s.sample_id, any_value({WORDS_SQL}) AS words
    FROM taught AS t JOIN stored_samples AS s ON s.sample_id = t.sample_id
    WHERE s.run_no IN (SELECT run_no FROM held_cycles WHERE run_id = $run) AND s.sample_id <> $sample
    GROUP BY ALL
)
SELECT cycle, sample_id, list_intersect({GRAMS_SQL.format(n=PAIR)}, $pairs::VARCHAR[]) AS shared FROM texts
"""
TEXTS = """
SELECT s.sample_id, s.source_run_id AS run_id, s.purpose, s.drawn_by, s.prompt, s.response FROM chain_samples AS s
WHERE s.run_id = $run AND list_contains($samples, s.sample_id)
"""
PHRASES = f"""
WITH answers AS (
    SELECT s.cycle, {WORDS_SQL} AS words FROM chain_samples AS s WHERE s.run_id = $run AND s.purpose = 'eval'
),
sizes AS (SELECT cycle, count(*) AS n FROM answers GROUP BY cycle),
grams AS (SELECT cycle, unnest({GRAMS_SQL.format(n=GRAM)}) AS gram FROM answers WHERE len(words) >= {GRAM}),
counts AS (SELECT cycle, gram, count(*) AS k FROM grams GROUP BY ALL),
ends AS (SELECT min(cycle) AS first, max(cycle) AS last FROM sizes),
grown AS (
    SELECT c.gram, max(c.k / z.n) AS top,
        coalesce(any_value(c.k / z.n) FILTER (c.cycle = e.last), 0)
            - coalesce(any_value(c.k / z.n) FILTER (c.cycle = e.first), 0) AS growth
    FROM counts AS c JOIN sizes AS z USING (cycle) CROSS JOIN ends AS e GROUP BY c.gram
    HAVING growth > 0 ORDER BY growth DESC, top DESC, gram LIMIT $most
)
SELECT g.gram, g.growth, map_from_entries(list((c.cycle, c.k) ORDER BY c.cycle)) AS counts
FROM grown AS g JOIN counts AS c USING (gram) GROUP BY ALL ORDER BY g.growth DESC, g.gram
"""
SIZES = """
SELECT cycle, count(*) AS n FROM chain_samples WHERE run_id = $run AND purpose = 'eval' GROUP BY cycle ORDER BY cycle
"""
CANDIDATES = 50
"""4-grams looked at for every phrase that is asked for: those of one long phrase become one."""


@dataclass(frozen=True)
class Kin:
    """One training row near an answer; `shared` are the phrases that both have, in the answer's order."""

    cycle: int
    """The generation that was trained on it."""
    sample_id: str
    run_id: str
    purpose: str
    drawn_by: int | None
    nearness: float
    """0 to 1, as this module's head says."""
    shared: tuple[str, ...]
    prompt: str
    response: str


@dataclass(frozen=True)
class Phrase:
    """A phrase of four words or more; `growth` is its share of the newest answers minus that of the first measured."""

    phrase: str
    growth: float
    counts: tuple[tuple[int, int, int], ...]
    """Generation, answers that have the phrase, answers."""


def ancestry(lab: Asked, sample_id: str, run_id: str | None = None, most: int = 3) -> tuple[Sample, list[Kin]]:
    """The answer, and the `most` nearest training rows of every generation up to the one that wrote it, newest first.

    `run_id` says in which chain to look, where a fork inherited the answer. UsageError for a sample that is not held.
    """
    answer = sample(lab, sample_id, run_id)
    pairs = set(grams(answer.response, PAIR))
    if answer.drawn_by is None or answer.drawn_by < 0 or not pairs:
        return answer, []
    asked = {"run": run_id or answer.run_id, "last": answer.drawn_by, "sample": sample_id, "pairs": sorted(pairs)}
    rows = lab.sql(ROWS, asked).tuples()
    near = _nearest(rows, pairs, most)
    texts = {row["sample_id"]: row for row in lab.sql(TEXTS, {"run": asked["run"], "samples": _ids(near)}).rows()}
    return answer, [_kin(answer, texts[id_], cycle, nearness) for nearness, cycle, id_ in near if id_ in texts]


def _ids(near: Sequence[tuple[float, int, str]]) -> list[str]:
    return [sample_id for *_, sample_id in near]


def _nearest(rows: Sequence[tuple[Any, ...]], pairs: set[str], most: int) -> list[tuple[float, int, str]]:
    held = Counter(pair for *_, shared in rows for pair in shared)
    weight = {pair: 1 + log((1 + len(rows)) / (1 + held[pair])) for pair in pairs}
    whole = sum(weight.values()) or 1.0
    by_cycle: dict[int, list[tuple[float, int, str]]] = defaultdict(list)
    for cycle, sample_id, shared in rows:
        nearness = sum(weight[pair] for pair in shared) / whole
        if nearness > 0:
            by_cycle[cycle].append((nearness, cycle, sample_id))
    return [kin for cycle in sorted(by_cycle, reverse=True) for kin in heapq.nlargest(most, by_cycle[cycle])]


def _kin(answer: Sample, row: Mapping[str, Any], cycle: int, nearness: float) -> Kin:
    shared = tuple(shared_phrases(answer.response, row["response"]))
    return Kin(
        cycle, row["sample_id"], row["run_id"], row["purpose"], row["drawn_by"], nearness, shared, row["prompt"],
        row["response"],
    )  # fmt: skip


def phrases(lab: Asked, run_id: str, most: int = 20) -> list[Phrase]:
    """The phrases that spread most from the first measured generation to the newest, those that grew most first."""
    sizes = dict(lab.sql(SIZES, {"run": run_id}).tuples())
    if not sizes:
        raise UsageError(f"run {run_id} has no evaluated answer yet; `idemtui show {run_id}` says where it stands.")
    found = lab.sql(PHRASES, {"run": run_id, "most": most * CANDIDATES}).tuples()
    grown = [(gram.split(), growth, dict(counts)) for gram, growth, counts in found]
    merged = [(" ".join(words), growth, counts) for words, growth, counts in _merged(grown)]
    return [
        Phrase(phrase, growth, tuple((cycle, counts.get(cycle, 0), n) for cycle, n in sizes.items()))
        for phrase, growth, counts in merged[:most]
    ]


Grown = tuple[list[str], float, dict[int, int]]


def _merged(found: Sequence[Grown]) -> list[Grown]:
    """Grams that go on where another ends and are as frequent in every generation are one phrase."""
    left = {tuple(words): (growth, counts) for words, growth, counts in found}
    merged: list[Grown] = []
    for words, growth, counts in found:
        if left.pop(tuple(words), None) is None:
            continue
        phrase = list(words)
        while (step := _next(left, phrase[1 - GRAM :], counts, forward=True)) is not None:
            phrase.append(step[-1])
            del left[step]
        while (step := _next(left, phrase[: GRAM - 1], counts, forward=False)) is not None:
            phrase.insert(0, step[0])
            del left[step]
        merged.append((phrase, growth, counts))
    return merged


def _next(
    left: Mapping[tuple[str, ...], tuple[float, dict[int, int]]],
    known: Sequence[str],
    counts: dict[int, int],
    *,
    forward: bool,
) -> tuple[str, ...] | None:
    for gram, (_, others) in left.items():
        side = gram[:-1] if forward else gram[1:]
        if list(side) == list(known) and others == counts:
            return gram
    return None


def grams(text: str, n: int) -> list[str]:
    """Runs of `n` words of a text, lower case, as the database makes them."""
    words = WORD.findall(text.lower())
    return [" ".join(words[i : i + n]) for i in range(len(words) - n + 1)]


def shared_phrases(one: str, other: str, least: int = LEAST_RUN) -> Iterator[str]:
    """The longest runs of at least `least` words that both texts have, without overlaps, as they stand in the first."""
    for start, end in shared_spans(one, other, least):
        yield one[start:end]


def shared_spans(one: str, other: str, least: int = LEAST_RUN) -> list[tuple[int, int]]:
    """Where in the first text those runs stand, as characters from and to."""
    places = [match.span() for match in WORD.finditer(one)][:MOST_WORDS]
    words, others = [one[a:b].lower() for a, b in places], WORD.findall(other.lower())[:MOST_WORDS]
    starts: dict[str, list[int]] = defaultdict(list)
    for at, word in enumerate(others):
        starts[word].append(at)
    spans, i = [], 0
    while i < len(words):
        run = max((_run(words, others, i, j) for j in starts[words[i]]), default=0)
        if run >= least:
            spans.append((places[i][0], places[i + run - 1][1]))
        i += run if run >= least else 1
    return spans


def _run(words: Sequence[str], others: Sequence[str], i: int, j: int) -> int:
    length = 0
    while i + length < len(words) and j + length < len(others) and words[i + length] == others[j + length]:
        length += 1
    return length
