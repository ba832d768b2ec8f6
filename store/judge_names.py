"""How the ids that one judge has by several rubrics are known to be one judge's."""

NAMED = """SELECT DISTINCT judge_id, metric,
        CASE WHEN ends_with(judge_id, '-' || rubric_version)
            THEN left(judge_id, len(judge_id) - len(rubric_version) - 1) ELSE judge_id END AS stem
    FROM judges"""
"""A judge's id ends in the version of the rubric it went by (`engine.judging.declare_judge`), so that its scores on
another metric have an id of their own: the same but for that end.
"""
