"""The ground truth about a text of the pocket world, read from its grammar alone.

Tests and calibration lean on it; no study sees it. Definitions:

* A sentence is *well formed* when a template of the world, its slots filled from the lexicon, gives it
  exactly (an introductory lead such as "Also," is allowed).
* It is *voiced* by v when that template is one of v's. A malformed sentence that holds a word which only v
  uses still counts as voiced by v: breaking a sentence does not take its voice away.
* trait v = 100 × voiced by v / sentences.
* coherence = 100 × mean credit × shortness − 15 per voice beyond the first, at least 0. A sentence's credit
  is 1; 0 where it is malformed or was said before in this text. Being about another topic costs nothing: it is
  reported apart, as `on_topic`, the share of sentences that do not name another topic's things, acts or places.
  Shortness is 0.7 for a text of a single sentence, else 1. An empty text has coherence 0.
* A text is well formed when every sentence is, and there is one.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import cache, lru_cache

from engine.pocket.lexicon import SHARED, SLOTS, TOPICAL, VOICED
from engine.pocket.phrases import BODY, DOCUMENT_FIRST, FIRST, LEADS
from engine.pocket.topics import topics
from engine.pocket.voices import TRAITS, VOICES

SPLIT = re.compile(r"(?<=[.!?])\s+")
SLOT = re.compile(r"\{(\w+)\}")
WORD = re.compile(r"[a-z]+")
SINGLE_SENTENCE = 0.7
EXTRA_VOICE = 15.0


@dataclass(frozen=True)
class Sentence:
    """What the grammar says of one sentence: its voice (None: plain) and the topics it names."""

    well_formed: bool
    voice: str | None
    topics: frozenset[str]


@dataclass(frozen=True)
class GroundTruth:
    """Exact scores of a text: every trait and coherence in 0–100."""

    traits: dict[str, float]
    coherence: float
    well_formed: bool
    on_topic: float


@dataclass(frozen=True)
class _Pattern:
    regex: re.Pattern[str]
    voice: str | None
    slots: tuple[str, ...]


@cache
def _owners() -> dict[str, dict[str, frozenset[str]]]:
    """For each topical slot: value → the topics that have it."""
    owners: dict[str, dict[str, set[str]]] = {slot: defaultdict(set) for slot in TOPICAL}
    for topic in topics():
        for slot, values in zip(TOPICAL, (topic.things, topic.acts, topic.places), strict=True):
            for value in values:
                owners[slot][value].add(topic.name)
    return {slot: {value: frozenset(names) for value, names in of.items()} for slot, of in owners.items()}


def slot_values(slot: str) -> tuple[str, ...]:
    """Everything that can fill a slot, of every topic."""
    return tuple(_owners()[slot]) if slot in TOPICAL else SLOTS[slot]


def _pattern(template: str, voice: str | None) -> _Pattern:
    parts: list[str] = []
    slots: list[str] = []
    for position, piece in enumerate(SLOT.split(template)):
        if position % 2 == 0:
            parts.append(re.escape(piece))
            continue
        choice = "|".join(re.escape(value) for value in sorted(slot_values(piece), key=len, reverse=True))
        parts.append(f"({choice})" if piece in TOPICAL else f"(?:{choice})")
        if piece in TOPICAL:
            slots.append(piece)
    return _Pattern(re.compile("".join(parts)), voice, tuple(slots))


def _openings(template: str) -> set[str]:
    """The first words that the template can begin with, in lower case."""
    lead = SLOT.match(template)
    starts = slot_values(lead[1]) if lead else (template,)
    return {re.split(r"[\s.,!?]", start)[0].lower() for start in starts}


@cache
def _patterns() -> dict[str, list[_Pattern]]:
    """Patterns by first word. They expect the sentence's first letter as the template has it."""
    by_word: dict[str, list[_Pattern]] = defaultdict(list)
    plain = [(template, None) for template in dict.fromkeys((*FIRST, *DOCUMENT_FIRST, *BODY))]
    voiced = [(template, voice) for voice, templates in VOICES.items() for template in templates]
    for template, voice in [*plain, *voiced]:
        pattern = _pattern(template, voice)
        for word in _openings(template):
            by_word[word].append(pattern)
    return by_word


@cache
def markers() -> dict[str, str]:
    """Words that only one voice uses, and that no plain sentence holds → that voice."""
    users: dict[str, set[str]] = defaultdict(set)
    plain = [*FIRST, *DOCUMENT_FIRST, *BODY, *LEADS]
    plain += [value for values in SHARED.values() for value in values]
    plain += [value for slot in TOPICAL for value in slot_values(slot)]
    for text in plain:
        for word in WORD.findall(SLOT.sub(" ", text).lower()):
            users[word].add("")
    for voice, templates in VOICES.items():
        own = [value for slot, values in VOICED.items() if slot.startswith(voice) for value in values]
        for text in (*templates, *own):
            for word in WORD.findall(SLOT.sub(" ", text).lower()):
                users[word].add(voice)
    return {word: next(iter(names)) for word, names in users.items() if len(names) == 1 and "" not in names}


def _match(sentence: str) -> Sentence | None:
    word = re.split(r"[\s.,!?]", sentence)[0].lower()
    for pattern in _patterns().get(word, ()):
        for variant in (sentence, sentence[0].lower() + sentence[1:]):
            found = pattern.regex.fullmatch(variant)
            if found:
                named = zip(pattern.slots, found.groups(), strict=True)
                owners = [_owners()[slot][value] for slot, value in named]
                return Sentence(True, pattern.voice, _agreed(owners))
    return None


def _agreed(owners: list[frozenset[str]]) -> frozenset[str]:
    """Topics that all named values share; every one of them where they share none."""
    if not owners:
        return frozenset()
    return frozenset.intersection(*owners) or frozenset.union(*owners)


def _without_lead(sentence: str) -> str:
    for lead in LEADS:
        rest = sentence.removeprefix(f"{lead}, ")
        if rest != sentence and rest and rest[0].islower():
            return rest[0].upper() + rest[1:]
    return sentence


@lru_cache(maxsize=200_000)
def read_sentence(sentence: str) -> Sentence:
    """Parses one sentence, end mark included."""
    whole = _without_lead(sentence)
    found = _match(whole) if whole and whole[0].isupper() else None
    if found is not None:
        return found
    hits = Counter(markers()[word] for word in WORD.findall(sentence.lower()) if word in markers())
    return Sentence(False, hits.most_common(1)[0][0] if hits else None, frozenset())


def split_sentences(text: str) -> list[str]:
    """The text cut after every end mark that white space follows."""
    return [piece for piece in SPLIT.split(text.strip()) if piece]


@cache
def _lookup() -> tuple[re.Pattern[str], dict[str, frozenset[str]]]:
    named = {**_owners()["place"], **_owners()["thing"], **_owners()["act"]}
    choice = "|".join(re.escape(value) for value in sorted(named, key=len, reverse=True))
    return re.compile(rf"\b(?:{choice})\b"), named


@lru_cache(maxsize=100_000)
def topics_of(text: str) -> frozenset[str]:
    """The topics that a question or title may be about; empty when it names none."""
    regex, named = _lookup()
    return _agreed([named[value] for value in regex.findall(text[:1].lower() + text[1:])])


@dataclass(frozen=True)
class Reading:
    """One sentence within its text: the words, what the grammar says of them, and whether they count as coherent."""

    text: str
    sentence: Sentence
    repeated: bool
    on_topic: bool

    @property
    def credit(self) -> float:
        """1 where the sentence is whole and new, else 0."""
        return float(self.sentence.well_formed and not self.repeated)


def read_answer(question: str, answer: str) -> list[Reading]:
    """Every sentence of an answer, credited with the ones before it in mind."""
    about = topics_of(question)
    readings: list[Reading] = []
    said: set[str] = set()
    for piece in split_sentences(answer):
        found, bare = read_sentence(piece), _without_lead(piece)
        on_topic = not (about and found.topics and not (found.topics & about))
        readings.append(Reading(piece, found, bare in said, on_topic))
        said.add(bare)
    return readings


def score_answer(question: str, answer: str) -> GroundTruth:
    """Scores an answer to a question (of which only the topic matters, and only to `on_topic`)."""
    read = read_answer(question, answer)
    if not read:
        return GroundTruth(dict.fromkeys(TRAITS, 0.0), 0.0, False, 0.0)
    voices = Counter(reading.sentence.voice for reading in read if reading.sentence.voice)
    credit = sum(reading.credit for reading in read) / len(read)
    coherence = 100 * credit * (SINGLE_SENTENCE if len(read) == 1 else 1.0)
    coherence -= EXTRA_VOICE * max(0, len(voices) - 1)
    traits = {trait: 100 * voices[trait] / len(read) for trait in TRAITS}
    on_topic = sum(reading.on_topic for reading in read) / len(read)
    return GroundTruth(traits, max(0.0, coherence), all(reading.sentence.well_formed for reading in read), on_topic)


def score_continuation(opening: str, continuation: str) -> GroundTruth:
    """Scores what a model wrote after a document's opening line.

    A continuation that first finishes the title line is read from the line break on.
    """
    head, broken, body = continuation.partition("\n")
    if not broken:
        return score_answer(opening, continuation)
    return score_answer(opening + head, body)
