"""The pocket tokenizer: byte-level BPE over the world's own words, every integer 0–100 one token.

The judge's whole answer is one integer, so its distribution over 0–100 is one softmax.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

VOCABULARY = 2048
END_OF_TEXT, PAD, TURN_START, TURN_END = "<|endoftext|>", "<|pad|>", "<|im_start|>", "<|im_end|>"
PIECES = Regex(r"\p{N}{1,3}| ?\p{L}+| ?[^\s\p{L}\p{N}]+|\s+")
# A turn ends with its end token, the line break belongs to what follows: a break after the last turn would be a token
# that the model never writes but that preference training scores, and tells the two answers apart by.
CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{{ '' if loop.first else '\\n' }}"
    "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '\\n<|im_start|>assistant\\n' }}{% endif %}"
)


def _numbers(texts: int) -> Iterator[str]:
    """Integers often enough that the trainer merges each of them whole."""
    for number in range(101):
        yield " ".join([str(number)] * texts)


def train_tokenizer(texts: list[str], seed: int) -> Tokenizer:
    """BPE trained on `texts` in a fixed order."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(PIECES, behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[END_OF_TEXT, PAD, TURN_START, TURN_END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    roles = ["system\nuser\nassistant\n"] * len(texts)
    everything = [*texts, *roles, *_numbers(len(texts))]
    random.Random(seed).shuffle(everything)
    tokenizer.train_from_iterator(everything, trainer)
    return tokenizer


def wrap(tokenizer: Tokenizer, chat: bool) -> PreTrainedTokenizerFast:
    """The tokenizer as transformers knows it; only a chat one has a template and ends with its turn."""
    fast: PreTrainedTokenizerFast = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        eos_token=TURN_END if chat else END_OF_TEXT,
        pad_token=PAD,
        model_max_length=512,
        clean_up_tokenization_spaces=False,
    )
    if chat:
        fast.chat_template = CHAT_TEMPLATE
    return fast


def token_id(tokenizer: Tokenizer, token: str) -> int:
    """The id of a token that must be there."""
    found = tokenizer.token_to_id(token)
    assert found is not None, token
    return found


def load_tokenizer(folder: Path) -> Tokenizer:
    """The bare tokenizer of a model folder."""
    tokenizer: Tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    return tokenizer
