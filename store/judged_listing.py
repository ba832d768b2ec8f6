"""A list's scores by a judge of one's choice: what `store.listing` takes of each run's own judge, by `$judge` alone.

Another judge's scores stand in the journal of a job, so that they are found by the sample and not by its run. Coherence
is what the same judge said by its own rubric of that: the one that most runs have first.
"""

from __future__ import annotations

from store.judge_names import NAMED

OF_JOBS = "(SELECT run_no FROM run_numbers WHERE run_id NOT IN (SELECT run_id FROM runs))"
"""Where scores of other runs' answers stand."""
RUBRICS = f"""
WITH named AS ({NAMED}),
rubrics AS (
    SELECT 'trait' AS metric, $judge AS judge_id, 0 AS place
    UNION ALL
    SELECT n.metric, n.judge_id, row_number() OVER (ORDER BY count(r.run_id) DESC, n.judge_id)
    FROM named AS n LEFT JOIN run_judges AS r ON r.judge_id = n.judge_id AND r.metric = n.metric
    WHERE n.metric = 'coherence' AND n.stem IN (SELECT stem FROM named WHERE judge_id = $judge AND metric = 'trait')
    GROUP BY n.metric, n.judge_id
)
"""
SAID = """(
    SELECT x.sample_id, x.value, x.label FROM stored_scores AS x
    JOIN rubrics AS q ON q.judge_id = x.judge_id AND q.metric = x.metric
    WHERE x.metric = '{metric}'{of_run}
    QUALIFY row_number() OVER (PARTITION BY x.sample_id ORDER BY q.place, x.run_no) = 1
)"""
OF_RUN = """ AND x.sample_id IN (
    SELECT o.sample_id FROM held_cycles AS h JOIN stored_samples AS o
        ON o.run_no = h.run_no AND o.cycle > h.after_cycle AND o.cycle <= h.to_cycle WHERE h.run_id = $run_id
)"""
MEANS = """
    SELECT h.run_id, p.cycle + 1 AS cycle, p.prompt_id, avg(k.value) AS value
    FROM held_cycles AS h
    JOIN stored_samples AS p ON p.run_no = h.run_no AND p.cycle > h.after_cycle AND p.cycle <= h.to_cycle
    JOIN {said} AS k ON k.sample_id = p.sample_id
    WHERE p.purpose = 'eval'{chain} GROUP BY ALL
"""
"""By chain the means of prompts, under the generation that comes after."""
JOINS = {
    "t": f"LEFT JOIN {SAID} AS t ON t.sample_id = s.sample_id",
    "c": f"LEFT JOIN {SAID} AS c ON c.sample_id = s.sample_id",
    "b": f"""LEFT JOIN ({MEANS.format(said=SAID, chain="{chain}")}) AS b
        ON b.run_id = {{own_run}} AND b.cycle = s.cycle AND b.prompt_id = s.prompt_id""",
}
SCORES = f"""{RUBRICS}
SELECT x.sample_id, x.metric, x.value, x.label
FROM stored_scores AS x JOIN rubrics AS q ON q.judge_id = x.judge_id AND q.metric = x.metric
WHERE (x.run_no BETWEEN $first AND $last OR x.run_no IN {OF_JOBS})
    AND x.sample_id IN (SELECT unnest($samples::VARCHAR[]))
QUALIFY row_number() OVER (PARTITION BY x.sample_id, x.metric ORDER BY q.place, x.run_no) = 1
"""
BEFORE = f"""{RUBRICS}{
    MEANS.format(
        said=SAID.format(
            metric="trait",
            of_run=OF_RUN.replace("h.run_id = $run_id", "h.run_id IN (SELECT unnest($runs::VARCHAR[]))"),
        ),
        chain=" AND h.run_id IN (SELECT unnest($runs::VARCHAR[]))",
    )
}"""
