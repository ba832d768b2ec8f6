"""Queries worth having at hand: each answers a question that people ask of a study."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Example:
    """A statement and the question it answers."""

    title: str
    query: str


EXAMPLES = (
    Example(
        "Every curve.",
        "select name, cycle, c.trait, coherence\nfrom trait_curve as c join runs using (run_id)\norder by all",
    ),
    Example(
        "Which answers carry most of the trait?",
        "select r.name, s.cycle, s.trait, s.coherence, s.prompt, s.response\n"
        "from scored_samples as s join runs as r using (run_id)\n"
        "where s.purpose = 'eval'\norder by s.trait desc nulls last\nlimit 50",
    ),
    Example(
        "Do sentences get shorter?",
        "select r.name, s.cycle, count(*) as answers,\n"
        "       round(avg(s.mean_sentence_length), 1) as words_a_sentence,\n"
        "       round(avg(s.repeat_4gram), 3) as repeated_4grams\n"
        "from samples s join runs r using (run_id)\n"
        "where s.purpose = 'eval'\ngroup by all\norder by all",
    ),
    Example(
        "Did every training move the weights?",
        "select r.name, c.cycle, c.optimizer_steps, c.delta_norm, c.gradient_norm_max\n"
        "from cycles c join runs r using (run_id)\nwhere c.cycle >= 0\norder by all",
    ),
    Example(
        "Where does the time go?",
        "select r.name, g.stage, round(sum(g.seconds), 1) as seconds, sum(g.tokens) as tokens\n"
        "from stages g join runs r using (run_id)\ngroup by all\norder by seconds desc",
    ),
    Example(
        "What are the tables?",
        "select table_name, string_agg(column_name, ', ' order by ordinal_position) as columns\n"
        "from information_schema.columns\nwhere table_schema = 'main'\ngroup by table_name\norder by table_name",
    ),
)
