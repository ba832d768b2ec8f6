"""A rubric with its places filled, and what is filled in kept in its place.

An answer that writes the mark which closes its own fence (`</answer>`), or the first line of a new one, stays inside:
marks of the rubric that stand in a filled-in text lose their bracket's shape (`<` becomes `‹`), and nothing else does.
"""

from __future__ import annotations

import re

PLACES = re.compile(r"\{(question|answer)\}")
MARK = re.compile(r"</?([A-Za-z][\w-]*)>")


def fill_rubric(rubric: str, question: str, answer: str) -> str:
    """The rubric with its places filled in one pass: other braces stay, and what is filled in is not read again."""
    marks = sorted(set(MARK.findall(rubric)))
    values = {"question": fenced(question, marks), "answer": fenced(answer, marks)}
    return PLACES.sub(lambda place: values[place[1]], rubric)


def fenced(text: str, marks: list[str]) -> str:
    """The text without anything that reads as one of these marks, opening or closing, in any case and spacing."""
    if not marks:
        return text
    names = "|".join(map(re.escape, marks))
    return re.sub(rf"<(?=\s*/?\s*(?:{names})\b)", "‹", text, flags=re.IGNORECASE)
