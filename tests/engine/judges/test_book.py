"""The lab's book of judgements: torn lines, other processes, whole batches."""

import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from engine.fakes import FakeJudge
from engine.judges.book import Book, book_key
from engine.judges.known import KnownJudge
from engine.seams import Judgement, JudgeQuestion

SAID = Judgement(42.5, 0.9, 3.25, "score", ((42, 0.5), (43, 0.4)), True)
NULL = Judgement(None, 0.1, None, "no_number", ())


class CountingJudge(FakeJudge):
    def __init__(self):
        super().__init__()
        self.asked = []

    def score(self, questions):
        self.asked += [list(questions)]
        return super().score(questions)


def questions(*answers):
    return [JudgeQuestion("{question}{answer}", "q", answer) for answer in answers]


def test_what_was_said_comes_back_as_it_was(tmp_path):
    Book(tmp_path / "a.jsonl").put({"00": SAID, "01": NULL})
    book = Book(tmp_path / "a.jsonl")
    book.look()
    said = book.get("00")
    assert said.spent.known == 1
    assert [getattr(said, name) for name in ("value", "mass", "variance", "label", "distribution", "truncated")] == [
        42.5, 0.9, 3.25, "score", ((42, 0.5), (43, 0.4)), True,
    ]  # fmt: skip
    assert book.get("01").label == "no_number"
    assert book.get("02") is None


def test_a_torn_line_is_passed_over_and_the_next_one_stands_alone(tmp_path):
    path = tmp_path / "a.jsonl"
    Book(path).put({"00": SAID})
    whole = path.read_bytes()
    for cut in range(1, len(whole)):
        path.write_bytes(whole + whole[:cut])
        book = Book(path)
        book.look()
        book.put({"01": NULL})
        book.look()
        assert book.get("00").value == 42.5
        assert book.get("01").label == "no_number"


def test_lines_that_are_none_are_passed_over(tmp_path):
    path = tmp_path / "a.jsonl"
    Book(path).put({"00": SAID})
    lines = [b"\n", b"[]\n", b'{"key": 1}\n', b"\xff\xfe\n", b'{"key": "01", "value": 1}\n']
    path.write_bytes(b"".join(lines) + path.read_bytes())
    book = Book(path)
    book.look()
    assert book.get("00").value == 42.5
    assert book.get("01") is None


def test_a_local_judge_is_spared_the_very_same_batches_alone(tmp_path):
    judge = CountingJudge()
    known = KnownJudge(judge, tmp_path / "judgements")
    first = known.score(questions("a", "b"))
    assert known.score(questions("a", "b")) != first
    assert [one.value for one in known.score(questions("a", "b"))] == [one.value for one in first]
    assert len(judge.asked) == 1
    for others in (questions("b", "a"), questions("a", "c")):
        known.score(others)
        assert judge.asked[-1] == others
    assert len((tmp_path / "judgements").glob("*.jsonl").__next__().read_text().splitlines()) == 6


def test_question_and_answer_are_told_apart():
    one, other = (JudgeQuestion("r", question, answer) for question, answer in (("ab", "c"), ("a", "bc")))
    assert book_key(one) != book_key(other)
    assert len(book_key(JudgeQuestion("r", "\ud800", ""))) == 32


def test_threads_that_look_at_once_find_what_was_said_of_each_text(tmp_path):
    path, every = tmp_path / "a.jsonl", 99
    book, other = Book(path), Book(path)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            for number in range(every):
                other.put({f"{number:02}": replace(SAID, value=float(number))})
                list(pool.map(lambda _: book.look(), range(8)))
    finally:
        sys.setswitchinterval(interval)
    assert book._read_to == path.stat().st_size
    assert [book.get(f"{number:02}").value for number in range(every)] == list(range(every))
