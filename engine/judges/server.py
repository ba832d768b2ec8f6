"""Judges behind an OpenAI-compatible server: many questions at once, and the lab's book before any of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from engine.judges.asking import Asker
from engine.judges.book import Book, book_key
from engine.judges.endpoint import judge_endpoint
from engine.judges.identity import repeated, server_judge_id, server_method
from engine.judges.known import Books
from engine.judges.pace import Pace
from engine.judges.together import LOOK_SECONDS, wait_for_all
from engine.judges.wire import Wire
from engine.seams import Judgement, JudgeQuestion, Spent
from engine.spec import JudgeSettings


def server_judge(
    settings: JudgeSettings,
    folder: Path | None,
    safe_point: Callable[[], None],
    say: Callable[[str], None],
    repeat: int = 1,
) -> ServerJudge:
    """The judge that the settings mean, its books in `folder`; `say` is told of waits. JudgeError without its key."""
    wire = Wire(judge_endpoint(settings), Pace(settings.requests_per_minute), say)
    return ServerJudge(Asker(wire, settings), folder, safe_point, repeat)


class ServerJudge:
    """A judge behind a server: several questions at once, each kept as soon as it is answered."""

    def __init__(
        self, asker: Asker, folder: Path | None, safe_point: Callable[[], None] = lambda: None, repeat: int = 1
    ) -> None:
        """`safe_point` raises where the judging should be given up."""
        settings = asker.settings
        self._asker, self._safe_point = asker, safe_point
        self.judge_id = repeated(server_judge_id(settings), repeat)
        self.model, self.method = settings.model, server_method(settings)
        self._books = Books(folder, self.judge_id)
        self._pool = ThreadPoolExecutor(settings.concurrency, thread_name_prefix="judge")

    def score(self, questions: Sequence[JudgeQuestion]) -> list[Judgement]:
        """As `engine.seams.Judge`; all questions share one rubric. JudgeError where the server does not answer."""
        book = self._books.of(questions[0].rubric) if questions else None
        first: dict[str, Future[Judgement]] = {}
        for question in questions:
            key = book_key(question)
            if key not in first:
                first[key] = self._pool.submit(self._one, question, key, book)
        try:
            wait_for_all(list(first.values()), self._safe_point)
        except BaseException:
            self.close()
            raise
        return _in_order([book_key(question) for question in questions], first)

    def _one(self, question: JudgeQuestion, key: str, book: Book | None) -> Judgement:
        pace = self._asker.wire.pace
        if book is None:
            return self._asker.ask(question)
        while (known := book.get(key)) is None and not book.claim(key):
            pace.wait(LOOK_SECONDS)
            book.look()
        if known is not None:
            return known
        try:
            book.look()
            known = book.get(key)
            if known is None:
                known = self._asker.ask(question)
                book.put({key: known})
            return known
        finally:
            book.release(key)

    def close(self) -> None:
        """Give up what is under way: whoever waits stops waiting, and no further request is sent."""
        self._asker.wire.pace.given_up.set()
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._asker.wire.close()


def _in_order(keys: Sequence[str], answered: Mapping[str, Future[Judgement]]) -> list[Judgement]:
    """One judgement a key; the second of the same text took nothing."""
    seen: set[str] = set()
    judgements = []
    for key in keys:
        said = answered[key].result()
        judgements.append(replace(said, spent=Spent(known=1)) if key in seen else said)
        seen.add(key)
    return judgements
