"""One question to a judge behind a server, by whatever way its server allows."""

from __future__ import annotations

import re
import threading
from typing import Any

from engine.errors import JudgeError
from engine.judges.digits import digit_numbers
from engine.judges.drawn import drawn_judgement
from engine.judges.fence import fill_rubric
from engine.judges.integers import TOP
from engine.judges.replies import Reply, judged, whole_numbers
from engine.judges.spelling import Spelling, spelling_of
from engine.judges.wire import Answered, TooLong, Wire
from engine.seams import Judgement, JudgeQuestion, Spent
from engine.spec import JudgeSettings

CONTROL = re.compile(
    r"[<\[](?=\|[^|<>]{1,64}\|>|｜[^<>]{1,64}｜>|/?s>|/?INST\]|<?/?SYS>|(?:start|end)_of_\w+>|(?:bos|eos|pad|unk)>"
    r"|/?think>|/?tool_\w+>)"
)
"""What servers take for the tokens that open and close turns, also inside a message."""
PLAIN = {"<": "‹", "[": "⟦"}
LONGEST = 24_000
"""Characters of an answer that a server is shown; some servers hold less and say so, then the answer is halved."""
SHORTEST = 200
LOOK = {"logprobs": True, "top_logprobs": TOP, "temperature": 0.0}
ALIKE = 0.05
CONTINUE = {"continue_final_message": True, "add_generation_prompt": False}
PROBES = ("Count from one to ten, in words.", "Say something about the weather.", "Give a number from 0 to 100.")


class Asker:
    """Asks one question at a time; safe to use from several threads."""

    def __init__(self, wire: Wire, settings: JudgeSettings) -> None:
        self.wire, self.settings = wire, settings
        self._lock = threading.Lock()
        self._spelling: Spelling | None = None
        self._owed = Spent()
        """What finding out took; the next judgement carries it."""

    def ask(self, question: JudgeQuestion) -> Judgement:
        """One judgement; JudgeError where the server cannot give it."""
        self._find_out()
        answer, truncated = question.answer[:LONGEST], len(question.answer) > LONGEST
        while True:
            try:
                return self._judge(_messages(question, answer), truncated)
            except TooLong:
                if len(answer) <= SHORTEST:
                    raise JudgeError(
                        f"{self.wire.name}: its context holds not even the rubric and {SHORTEST} characters of the "
                        "answer; use a judge with a longer one."
                    ) from None
                answer, truncated = answer[: len(answer) // 2], True

    def _judge(self, messages: list[dict[str, str]], truncated: bool) -> Judgement:
        settings = self.settings
        if settings.method == "sampled":
            longest = 1 if self._spelling == "whole" else 8
            answers = [
                self.wire.ask(messages, max_tokens=longest, temperature=1.0, seed=draw)
                for draw in range(settings.draws)
            ]
            return self._with_spent(drawn_judgement([one.reply for one in answers], truncated), answers)
        answers = [self.wire.ask(messages, max_tokens=4, **LOOK)]
        reply = answers[0].reply
        if self._spelling == "whole":
            numbers = whole_numbers(reply.first)
        else:
            numbers = digit_numbers(reply, lambda digits: self._go_on(messages, digits, answers))
        return self._with_spent(judged(reply, numbers, truncated), answers)

    def _go_on(self, messages: list[dict[str, str]], begun: str, answers: list[Answered]) -> Reply:
        """What comes after an answer that was begun for the judge."""
        begun_for = [*messages, {"role": "assistant", "content": begun}]
        answers.append(self.wire.ask(begun_for, max_tokens=2, extra_body=CONTINUE, **LOOK))
        return answers[-1].reply

    def _with_spent(self, judgement: Judgement, answers: list[Answered]) -> Judgement:
        spent = sum((one.spent for one in answers), Spent())
        with self._lock:
            spent, self._owed = spent + self._owed, Spent()
        fields: dict[str, Any] = vars(judgement) | {"spent": spent}
        return Judgement(**fields)

    def _find_out(self) -> None:
        """Once: how the server's tokenizer writes numbers, and whether answers can be begun where that is needed."""
        with self._lock:
            if self._spelling is None:
                spelling, self._owed = spelling_of(self.wire)
                if self.settings.method == "logprobs":
                    self._check(spelling)
                self._spelling = spelling

    def _check(self, spelling: Spelling) -> None:
        """Refuse a server whose first token tells no score and that goes on with none."""
        if spelling == "digits" and not self._goes_on():
            raise JudgeError(self._refusal("writes numbers digit by digit and goes on with no answer begun"))
        if spelling == "other":
            raise JudgeError(self._refusal("writes some numbers up to 100 in pieces that are no digits"))
        if spelling == "unknown":
            raise JudgeError(self._refusal("does not say how many tokens a prompt takes (usage.prompt_tokens)"))

    def _refusal(self, what: str) -> str:
        return (
            f"{self.wire.name} {what}, so that its first token does not tell a score; set judge.method = "
            '"sampled", or use the same model as a local judge (judge.model without judge.server).'
        )

    def _goes_on(self) -> bool:
        """Whether an answer begun for the judge is gone on with: it then says what it said after its own beginning."""
        for probe in PROBES:
            messages = [{"role": "user", "content": probe}]
            answers = [self.wire.ask(messages, max_tokens=2, **LOOK)]
            own = answers[0].reply
            if len(own.places) < 2 or not own.written[0].strip():
                self._owed += answers[0].spent
                continue
            begun = self._go_on(messages, own.written[0], answers)
            self._owed += sum((one.spent for one in answers), Spent())
            if _alike(own.places[1], begun):
                return True
        return False


def _alike(expected: tuple[Any, ...], begun: Reply) -> bool:
    found = {token.text: token.p for token in begun.first}
    return all(abs(found.get(token.text, 0.0) - token.p) <= ALIKE for token in expected)


def _messages(question: JudgeQuestion, answer: str) -> list[dict[str, str]]:
    text = fill_rubric(question.rubric, disarmed(question.question), disarmed(answer))
    return [{"role": "user", "content": text}]


def disarmed(text: str) -> str:
    """The text in which nothing reads as a token that opens or closes a turn: a server cannot be told to spell it."""
    return CONTROL.sub(lambda found: PLAIN[found[0]], text)
