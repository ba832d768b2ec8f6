from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import UsageError
from idemtui.console.filter_words import line_of, parse
from store.listing import PURPOSES, SampleFilter


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("", SampleFilter()),
        ("only light", SampleFilter(pattern="only light")),
        ("cycle:base purpose:eval", SampleFilter(cycle=-1, purpose="eval")),
        ("cycle:M3 joy", SampleFilter(cycle=3, pattern="joy")),
        ("score:40..60", SampleFilter(low=40, high=60)),
        ("score:40..", SampleFilter(low=40)),
        ("score:..60.5", SampleFilter(high=60.5)),
        ("score:50", SampleFilter(low=50, high=50)),
        ('study:"two words" mark:odd', SampleFilter(study="two words", mark="odd")),
        ("in:both light", SampleFilter(pattern="light", where="both")),
        ("cycle:2 /cycle:3 and  more", SampleFilter(cycle=2, pattern="cycle:3 and  more")),
        ("what:ever (a|b)", SampleFilter(pattern="what:ever (a|b)")),
        ("/ x", SampleFilter(pattern=" x")),
    ],
)
def test_a_line_means_a_filter(line: str, wanted: SampleFilter) -> None:
    assert parse(line, None) == wanted
    assert parse(line_of(wanted), None) == wanted


@pytest.mark.parametrize("line", ["cycle:M", "score:x", "score:..", "purpose:evil", "in:dreams", "cycle:99999"])
def test_what_is_wrong_is_named_with_what_is_allowed(line: str) -> None:
    with pytest.raises(UsageError, match="allowed") as caught:
        parse(f"joy {line}", "r")
    assert line.split(":")[1] in str(caught.value)
    assert "\n" not in str(caught.value)


names = st.none() | st.text(st.characters(codec="utf-8", exclude_characters='"\n\r\t'), min_size=1, max_size=8)
filters = st.builds(
    SampleFilter,
    study=names,
    cycle=st.none() | st.integers(-1, 99),
    purpose=st.none() | st.sampled_from(PURPOSES),
    mark=names,
    low=st.none() | st.integers(0, 100).map(float),
    high=st.none() | st.integers(0, 100).map(float),
    pattern=st.none() | st.text(min_size=1, max_size=12),
    where=st.sampled_from(["answers", "prompts", "both"]),
)


@given(filters)
def test_every_filter_has_its_line(wanted: SampleFilter) -> None:
    assert parse(line_of(wanted), None) == wanted
