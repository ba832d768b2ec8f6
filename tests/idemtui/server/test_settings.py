from pathlib import Path

import pytest

from engine.errors import UsageError
from idemtui.server.given import Secrets
from idemtui.server.options import ServerOptions, parse_options
from idemtui.server.settings import ServerSettings, read_settings
from store.lab import Lab


def test_a_lab_without_a_file_has_the_usual_settings(lab: Lab) -> None:
    assert read_settings(lab) == ServerSettings()
    (lab.root / "server.toml").write_text('slots = 3\nkeep = "ends"\nlinger_seconds = 5\n')
    assert read_settings(lab) == ServerSettings(slots=3, keep="ends", linger_seconds=5.0)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("slot = 3", r"server\.toml: unknown key 'slot'; allowed are slots, idle_seconds"),
        ("slots = 0", r"server\.toml: slots = 0: .*greater than or equal to 1"),
        ('keep = "some"', r"keep = 'some': .*'all', 'last' or 'ends'"),
        ("slots =", "cannot be read"),
    ],
)
def test_a_wrong_file_is_one_clear_line(lab: Lab, text: str, problem: str) -> None:
    (lab.root / "server.toml").write_text(text)
    with pytest.raises(UsageError, match=problem) as caught:
        read_settings(lab)
    assert "\n" not in str(caught.value)


def test_flags_travel_and_win(lab: Lab) -> None:
    options = ServerOptions(slots=2, idle_seconds=1.5, go_on=True, worker=("python", "fake.py", "--flag"))
    assert parse_options(options.command(lab.root)[4:]) == (lab.root, options)
    assert options.over(ServerSettings(slots=5)) == ServerSettings(slots=2, idle_seconds=1.5)
    assert parse_options(ServerOptions().command(Path("/l"))[4:]) == (Path("/l"), ServerOptions())
    assert ServerOptions().over(ServerSettings(slots=5)).slots == 5


@pytest.mark.parametrize(
    "values", [[], {"A": 1}, {"A": ""}, {"1A": "x"}, {"A B": "x"}, {"LD_PRELOAD": "x"}, {"A": "\0"}]
)
def test_what_is_no_secret_is_refused(values: object) -> None:
    with pytest.raises(UsageError, match="secrets:"):
        Secrets().give(values)


def test_secrets_are_told_by_name_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "from the environment")
    secrets = Secrets()
    assert secrets.give({"KEY": "hunter2"}) == {"KEY"}
    assert secrets.give({"KEY": "hunter2"}) == set()
    assert "hunter2" not in repr(secrets)
    assert secrets.names == ["KEY"]
    assert secrets.missing(["KEY", "HF_TOKEN", "NONE"]) == ["NONE"]
    assert secrets.values(["HF_TOKEN"]) == {"HF_TOKEN": "from the environment"}
