"""Judges behind real HTTP servers on loopback, over the official client: the pocket judge, and digit by digit."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from engine.errors import JudgeError
from engine.judges.book import book_key
from engine.judges.fence import fill_rubric
from engine.judges.identity import rubric_version
from engine.judges.local import LocalJudge
from engine.judges.plain_tokens import added_tokens, judge_prompt
from engine.judges.server import server_judge
from engine.models import load_model
from engine.packs import open_pack
from engine.seams import JudgeQuestion
from engine.spec import JudgeSettings
from tests.engine.judges.test_local import brute_force
from tests.engine.judges.wire_server import ModelServer, completion, place, serve


@pytest.fixture(scope="module")
def pocket():
    return load_model("pocket/judge", threads=1)


def settings(url, **more):
    return JudgeSettings(**{"model": "pocket-judge", "server": url, "concurrency": 4, **more})


def judge_at(url, folder=None, **more):
    return server_judge(settings(url, **more), folder, lambda: None, lambda text: None)


def asked(count=6):
    pack = open_pack("pocket")
    rubric = pack.trait("bliss").rubric.trait
    rows = pack.seed_rows("bliss", "sft")[:count]
    plain = pack.seed_rows("lucky", "sft")[:count]
    return [JudgeQuestion(rubric, row.prompt, row.response) for pair in zip(rows, plain, strict=True) for row in pair]


def test_the_pocket_judge_scores_through_a_server_as_it_does_here(pocket):
    local = LocalJudge(pocket)
    with serve(ModelServer(pocket)) as url:
        there = judge_at(url).score(asked())
    for here, said in zip(local.score(asked()), there, strict=True):
        assert said.label == here.label == "score"
        assert said.mass == pytest.approx(here.mass, abs=0.02)
        assert said.value == pytest.approx(here.value, abs=1.0)
        assert said.spent.requests >= 1
        assert said.spent.prompt_tokens > 20


def digit_asked():
    return [JudgeQuestion("Rate.\n{question}\n{answer}\n", f"What of {n}?", "It is quiet. " * n) for n in range(4)]


@pytest.fixture(scope="module")
def splitting(tiny):
    """A model whose tokenizer splits digits, made to write numbers of one or two digits, or 100."""

    loaded = tiny("qwen3")
    digits = loaded.tokenizer.convert_tokens_to_ids(list("0123456789"))
    ends = sorted(loaded.stop_ids)

    def like_numbers(module, args, output):
        begun = ""
        for at, token in enumerate(args[0][0].tolist()):
            begun = begun + str(digits.index(token)) if token in digits else ""
            output.logits[0, at, digits] += 12.0 if len(begun) < 2 or begun == "10" else 0.0
            output.logits[0, at, ends] += 12.0 if begun else 0.0
            output.logits[0, at, digits[1]] += 1.5
        return output

    hook = loaded.model.register_forward_hook(like_numbers)
    yield loaded
    hook.remove()


def test_a_server_that_splits_digits_is_gone_on_with_until_the_numbers_are_whole(splitting):
    server = ModelServer(splitting)
    with serve(server) as url:
        there = judge_at(url).score(digit_asked())
    assert any(body.get("continue_final_message") for body in server.requests)
    for question, said in zip(digit_asked(), there, strict=True):
        text = fill_rubric(question.rubric, question.question, question.answer)
        prompt = judge_prompt(splitting.tokenizer, text, True, added_tokens(splitting.tokenizer))
        numbers = brute_force(splitting, prompt)
        assert said.mass == pytest.approx(sum(numbers), abs=0.02)
        assert said.value == pytest.approx(sum(v * p for v, p in enumerate(numbers)) / sum(numbers), abs=0.5)
        assert len(said.distribution) == 20
        for number, p in said.distribution:
            assert p == pytest.approx(numbers[number], abs=2e-3), number


def test_a_server_that_splits_digits_and_begins_no_answer_is_refused(splitting):
    with serve(ModelServer(splitting, continues=False)) as url, pytest.raises(JudgeError) as said:
        judge_at(url).score(digit_asked())
    assert "digit by digit" in str(said.value)
    assert 'judge.method = "sampled"' in str(said.value)


def test_numbers_are_drawn_where_the_method_says_so(pocket):
    server = ModelServer(pocket)
    with serve(server) as url:
        judge = judge_at(url, method="sampled", draws=3)
        said = judge.score(asked(2))
    assert judge.method == "sampled-3"
    assert sum(one.spent.requests for one in said) == 3 * 4 + 2
    assert not any(body.get("logprobs") for body in server.requests)
    local = LocalJudge(pocket).score(asked(2))
    assert all(abs(a.value - b.value) < 25 for a, b in zip(said, local, strict=True))


def test_nothing_is_paid_for_twice(pocket, tmp_path):
    server = ModelServer(pocket)
    with serve(server) as url:
        first = judge_at(url, tmp_path / "judgements").score(asked(2))
        paid = len(server.requests)
        judge = judge_at(url, tmp_path / "judgements")
        again = judge.score([*asked(2), asked(2)[0]])
        assert len(server.requests) == paid
        assert [one.value for one in again] == [*(one.value for one in first), first[0].value]
        assert all(one.spent.known == 1 and one.spent.requests == 0 for one in again)
        changed = [JudgeQuestion(q.rubric + "?", q.question, q.answer) for q in asked(1)]
        judge.score(changed)
        assert len(server.requests) > paid
    assert len(list((tmp_path / "judgements").glob("*.jsonl"))) == 2


OTHER_WORKER = """
import sys
from pathlib import Path
from engine.judges.book import Book
from engine.seams import Judgement
book = Book(Path(sys.argv[1]))
assert book.claim(sys.argv[2])
print("claimed", flush=True)
sys.stdin.readline()
book.put({sys.argv[2]: Judgement(42.0, 1.0, 0.0, "score", ((42, 1.0),))})
"""


def test_what_another_worker_is_asking_about_is_waited_for(tmp_path):
    asked_about = JudgeQuestion("{question}{answer}", "q", "an answer")

    def handle(body, headers):
        raise AssertionError("asked twice")

    with serve(handle) as url:
        judge = judge_at(url, tmp_path)
        path = tmp_path / f"{judge.judge_id}-{rubric_version(asked_about.rubric)}.jsonl"
        command = [sys.executable, "-c", OTHER_WORKER, str(path), book_key(asked_about)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
            assert other.stdout.readline() == "claimed\n"
            with ThreadPoolExecutor(1) as pool:
                answer = pool.submit(judge.score, [asked_about])
                other.stdin.write("go on\n")
                other.stdin.flush()
                assert [(one.value, one.spent.known) for one in answer.result(20)] == [(42.0, 1)]


def test_a_stop_is_heard_while_a_server_keeps_one_waiting():
    class Stop(BaseException):
        pass

    def stop():
        raise Stop

    def busy(body, headers):
        return 429, {"error": {"message": "slow down"}}, {"Retry-After": "300"}

    with serve(busy) as url:
        judge = server_judge(settings(url), None, stop, lambda text: None)
        with pytest.raises(Stop):
            judge.score(digit_asked())


def test_at_most_so_many_requests_are_under_way():
    import threading

    lock, now, most = threading.Lock(), [0], [0]
    together = threading.Semaphore(0)

    def handle(body, headers):
        if body.get("logprobs"):
            with lock:
                now[0] += 1
                most[0] = max(most[0], now[0])
                if now[0] == 3:
                    together.release(100)
            together.acquire(timeout=5)
            with lock:
                now[0] -= 1
        return 200, completion("50", [place(("50", -0.1))]), {}

    with serve(handle) as url:
        said = judge_at(url, concurrency=3).score([JudgeQuestion("{question}{answer}", "q", str(n)) for n in range(9)])
    assert most[0] == 3
    assert [one.value for one in said] == [50.0] * 9
