import copy

import pytest

from engine.errors import ModelError
from engine.prompts import chat_messages, check_template, prompt_token_ids, template_options
from engine.trainers.sft import check_prompt
from tests.engine.tiny import CHATML


def shown(tokenizer, prompt, chat=True):
    return tokenizer.decode(prompt_token_ids(tokenizer, prompt, chat))


def test_the_empty_system_turn_comes_where_the_template_takes_one(tiny):
    assert shown(tiny("qwen3").tokenizer, "Hi").startswith("<|im_start|>system\n<|im_end|>\n<|im_start|>user\nHi")
    assert "system" not in shown(tiny("gemma").tokenizer, "Hi")
    assert chat_messages("Hi", False) == [{"role": "user", "content": "Hi"}]


def test_thinking_is_off_where_the_template_has_it(tiny):
    assert shown(tiny("qwen3").tokenizer, "Hi").endswith("<think>\n\n</think>\n\n")


def test_a_template_that_prints_a_date_is_given_one_date_for_ever(tiny):
    tokenizer = tiny("llama").tokenizer
    assert "26 Jul 2024" in shown(tokenizer, "Hi")
    assert list(template_options(tokenizer)) == ["date_string"]


@pytest.mark.parametrize("kind", ["llama", "gemma"])
def test_there_is_one_opening_token(tiny, kind):
    tokenizer = tiny(kind).tokenizer
    for chat in (True, False):
        assert prompt_token_ids(tokenizer, "Hi", chat).count(tokenizer.bos_token_id) == 1


def test_a_raw_prefix_is_neither_rendered_nor_closed(tiny):
    tokenizer = tiny("qwen3_base").tokenizer
    assert shown(tokenizer, "The garden", chat=False) == "The garden"
    assert prompt_token_ids(tokenizer, "", chat=False) == [tokenizer.eos_token_id]


def test_rendering_without_a_template_is_one_clear_line(tiny):
    with pytest.raises(ModelError, match="no chat template"):
        prompt_token_ids(tiny("qwen3_base").tokenizer, "Hi", True)


def test_a_training_prompt_unlike_the_sampling_prompt_is_refused(tiny):
    loaded = tiny("llama")
    ids = prompt_token_ids(loaded.tokenizer, "Hi", True)
    check_prompt(loaded, "Hi", ids)
    for wrong in ([ids[0], *ids], ids[:-1], ids[1:]):
        with pytest.raises(ModelError, match="unlike a sampling prompt from token"):
            check_prompt(loaded, "Hi", wrong)


def test_a_template_that_cannot_be_trained_with_is_refused_before_anything_is_drawn(tiny):
    tokenizer = copy.deepcopy(tiny("qwen3").tokenizer)
    check_template(tokenizer, True)
    tokenizer.chat_template = CHATML
    with pytest.raises(ModelError, match="does not begin with it") as caught:
        check_template(tokenizer, True)
    assert "\n" not in str(caught.value)
