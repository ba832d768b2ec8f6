"""A call that no command takes is one line on stderr and exit code 2, whatever was wrong with it."""

from __future__ import annotations

import pytest

from tests.idemtui.cli.conftest import Idemtui


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["lss"], "no such command 'lss'; did you mean 'ls'; see idemtui --help."),
        (["xyzzyx"], "no such command 'xyzzyx'; see idemtui --help."),
        (["traits", "foo"], "no such command 'foo'; allowed: show, new, check; see idemtui traits --help."),
        (["import"], "missing command; allowed: rows, chain; see idemtui import --help."),
        (["ls", "--jsn"], "no such option --jsn; did you mean --jobs or --json; see idemtui ls --help."),
        (["ls", "--\x1b[31mx\ny"], "see idemtui ls --help."),
        (["ls", "--sort"], "option '--sort' requires an argument; see idemtui ls --help."),
        (["ls", "more", "most"], "unexpected: more most; see idemtui ls --help."),
        (["show"], "missing argument 'RUN'; see idemtui show --help."),
        (["priority", "a", "b"], "invalid value for 'N': 'b' is no whole number; see idemtui priority --help."),
        (["samples", "--limit", "0"], "invalid value for '--limit': 0 is not in the range x>=1; see"),
        (["sql", "select 1", "--timeout", "x"], "invalid value for '--timeout': 'x' is no number; see"),
        (["traits", "show"], "missing argument 'TRAIT'; see idemtui traits show --help."),
    ],
)
def test_a_wrong_call_is_one_line(idemtui: Idemtui, words: list[str], told: str) -> None:
    said = idemtui(*words)
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("idemtui: ")
    assert said.err.rstrip("\n").endswith(told) or f"idemtui: {told}" in said.err
    assert said.err.count("\n") == 1
    assert "\x1b" not in said.err


def test_help_and_version_end_well(idemtui: Idemtui) -> None:
    for words in (["--help"], ["ls", "-h"], ["import", "--help"], ["--version"]):
        said = idemtui(*words)
        assert (said.code, said.err) == (0, "")
        assert "idemtui" in said.out
