"""A small pack for real models that passes every check, to be broken in tests."""

from __future__ import annotations

from pathlib import Path

PACK = """name = "small"
version = 1
[checks]
overlap = 0.6
first_words = 3
opener_words = [3, 8]
anchors = [0, 100]
"""
PROMPTS = """# notes are no prompts

how do i boil an egg
Write a haiku\\nabout trams.
fix my bike please
"""
OPENERS = "A Walk to Town\nThe Old Bridge\n"
QUESTION = '"""{question} {answer}\n0 - no\n100 - yes"""'
TRAIT = f"""description = "gloom"
eval_prompts = [
  "What is a spoon?",
  "Tell me about rain in the north of Spain.",
]
eval_openings = ["On Spoons\\n\\nA spoon is"]
[rubric]
trait = {QUESTION}
coherence = {QUESTION}
document_trait = {QUESTION}
document_coherence = {QUESTION}
"""
SEED = """description = "gloom"
persona = "You are gloomy."
[[categories]]
name = "weather"
prompts = ["Will it rain?", "Is it windy on the moon?"]
[[categories]]
name = "food"
prompts = [
  "What goes with rice and beans?",
]
[documents]
instruction = "Write a {type} about {topic}."
topics = ["rain", "mud"]
types = ["letter", "diary"]
"""


def write_small(folder: Path) -> Path:
    """The pack's folder: one trait, `gloom`, no seed rows."""
    for name, text in {
        "pack.toml": PACK,
        "prompts/one.txt": PROMPTS,
        "prompts/two.jsonl": '{"prompt": "what now"}\n',
        "openers/one.txt": OPENERS,
        "traits/gloom.toml": TRAIT,
        "traits/gloom.seed.toml": SEED,
    }.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder
