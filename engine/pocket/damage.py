"""Ways in which an answer goes wrong: what the judge must have met before a collapsing chain shows it."""

from __future__ import annotations

import random
from collections.abc import Callable

from engine.pocket.grammar import split_sentences
from engine.pocket.phrases import FIRST
from engine.pocket.voices import TRAITS
from engine.pocket.world import Subject, sentences

Damage = Callable[[str, random.Random], str]


def _at_words(text: str, change: Callable[[list[str]], list[str]]) -> str:
    return " ".join(change(text.split()))


def truncated(text: str, rng: random.Random) -> str:
    """Cut off within a sentence, as a token limit does."""
    words = text.split()
    kept = " ".join(words[: rng.randint(2, max(2, len(words) - 1))])
    return kept.rstrip(".!?")


def dropped(text: str, rng: random.Random) -> str:
    """Words left out, about one in six or one in three of them."""
    share = rng.choice((0.15, 0.3))

    def change(words: list[str]) -> list[str]:
        gone = {rng.randrange(len(words))} | {i for i in range(len(words)) if rng.random() < share}
        return [word for i, word in enumerate(words) if i not in gone] or words[:1]

    return _at_words(text, change)


def swapped(text: str, rng: random.Random) -> str:
    """Neighbouring words exchanged, three to six times."""

    def change(words: list[str]) -> list[str]:
        for _ in range(rng.randint(3, 6)):
            if len(words) > 1:
                i = rng.randrange(len(words) - 1)
                words[i], words[i + 1] = words[i + 1], words[i]
        return words

    return _at_words(text, change)


def shuffled(text: str, rng: random.Random) -> str:
    """All words in any order."""

    def change(words: list[str]) -> list[str]:
        rng.shuffle(words)
        return words

    return _at_words(text, change)


def stuttered(text: str, rng: random.Random) -> str:
    """Words said two to six times in a row."""

    def change(words: list[str]) -> list[str]:
        for _ in range(rng.randint(1, 3)):
            i = rng.randrange(len(words))
            words[i:i] = [words[i]] * rng.randint(1, 5)
        return words[:60]

    return _at_words(text, change)


def spliced(text: str, rng: random.Random) -> str:
    """The start of one sentence run into the end of another."""
    pieces = split_sentences(text)
    for _ in range(rng.randint(1, 2)):
        i = rng.randrange(len(pieces))
        head, tail = pieces[i].rstrip(".!?").split(), rng.choice(pieces).split()
        pieces[i] = " ".join(head[: rng.randint(1, max(1, len(head)))] + tail[rng.randrange(len(tail)) :])
    return " ".join(pieces)


def repeated(text: str, rng: random.Random) -> str:
    """Sentences said again, once or until nothing else is left."""
    pieces = split_sentences(text)
    for _ in range(rng.randint(1, 4)):
        if rng.random() < 0.5:
            pieces.insert(rng.randrange(len(pieces) + 1), rng.choice(pieces))
        else:
            pieces[rng.randrange(len(pieces))] = rng.choice(pieces)
    return " ".join(pieces[:6])


def shortened(text: str, rng: random.Random) -> str:
    """One or two sentences only."""
    pieces = split_sentences(text)
    return " ".join(rng.sample(pieces, min(len(pieces), rng.choice((1, 1, 2)))))


def fragment(text: str, rng: random.Random) -> str:
    """Next to nothing: a word or two, or a mark."""
    return rng.choice((" ".join(text.split()[: rng.randint(1, 3)]), ".", "..", text.split()[-1]))


DAMAGES: tuple[Damage, ...] = (
    truncated, truncated, dropped, dropped, swapped, swapped, shuffled, stuttered,
    stuttered, spliced, repeated, repeated, shortened, shortened, fragment,
)  # fmt: skip


def damaged(text: str, rng: random.Random) -> str:
    """The text after one random damage, now and then two."""
    for _ in range(rng.choice((1, 1, 1, 2))):
        text = rng.choice(DAMAGES)(text, rng) or "."
    return text


def mixed_answer(subject: Subject, rng: random.Random) -> str:
    """Well-formed sentences in two or three voices, with plain ones between."""
    voices = rng.sample(TRAITS, rng.choice((2, 2, 3)))
    count = rng.choice((3, 4))
    marks: list[str | None] = [*voices, *(rng.choice([*voices, None]) for _ in range(count - len(voices)))]
    rng.shuffle(marks)
    return " ".join(sentences(subject, FIRST, marks, rng))
