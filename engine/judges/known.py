"""The lab's books, and local judges that look into them first."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from engine.judges.book import Book, book_key
from engine.judges.identity import repeated, rubric_version
from engine.seams import Judge, Judgement, JudgeQuestion


class Books:
    """The books of one judge, by rubric; none are kept for a run folder that stands in no lab."""

    def __init__(self, folder: Path | None, judge_id: str) -> None:
        self._folder, self._judge_id = folder, judge_id
        self._books: dict[str, Book] = {}

    def of(self, rubric: str) -> Book | None:
        """The book of one rubric, read up to now."""
        if self._folder is None:
            return None
        if rubric not in self._books:
            name = f"{self._judge_id}-{rubric_version(rubric)}.jsonl"
            self._books[rubric] = Book(self._folder / name)
        self._books[rubric].look()
        return self._books[rubric]


class KnownJudge:
    """A local judge that is spared batches which the lab has judged as they stand.

    Only the very same ones, so that a run's scores never depend on what others worked out before: a sum over another
    batch may differ in its last digits.
    """

    def __init__(self, judge: Judge, folder: Path | None, repeat: int = 1) -> None:
        self._judge = judge
        self.judge_id, self.model, self.method = repeated(judge.judge_id, repeat), judge.model, judge.method
        self._books = Books(folder, self.judge_id)

    def score(self, questions: Sequence[JudgeQuestion]) -> list[Judgement]:
        """As `engine.seams.Judge`; all questions share one rubric."""
        book = self._books.of(questions[0].rubric) if questions else None
        if book is None:
            return self._judge.score(questions)
        keys = _places(questions)
        known = [book.get(key) for key in keys]
        if all(known):
            return [said for said in known if said is not None]
        judgements = self._judge.score(questions)
        new = {key: said for key, said, old in zip(keys, judgements, known, strict=True) if old is None}
        book.put(new)
        return judgements


def _places(questions: Sequence[JudgeQuestion]) -> list[str]:
    """A key of every question as one of this batch, in this place."""
    batch = hashlib.sha256("".join(map(book_key, questions)).encode()).hexdigest()[:32]
    return [f"{batch}{place}" for place in range(len(questions))]
