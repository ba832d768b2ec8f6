"""The doctor's line about the hub, against one that answers, one that is in trouble, and none."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from idemtui.doctor.hub import USUAL, check_hub
from tests.hub import serving_hub

SECRET = "hf_sEcReT"


@pytest.fixture(autouse=True)
def nobody_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No token of this machine's user plays a part."""
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "token"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)


def at(monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", endpoint)


def test_a_hub_that_answers_is_named_and_sees_no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", SECRET)
    with serving_hub() as hub:
        at(monkeypatch, hub.url)
        check = check_hub()
        assert check.what == f"{hub.url} (a mirror, by HF_ENDPOINT) answers; a token in HF_TOKEN"
        assert hub.shown == [None]
        hub.status = 503
        assert "answers with status 503: models have to be on this machine" in check_hub().what
    assert check.level == "ok"
    assert SECRET not in str(check)


def test_a_hub_that_is_not_there_is_no_trouble_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    at(monkeypatch, "http://127.0.0.1:9")
    check = check_hub()
    assert check.level == "ok"
    assert "http://127.0.0.1:9 (a mirror, by HF_ENDPOINT) cannot be reached (ConnectError" in check.what
    assert check.what.endswith("no token (gated and private models need one in HF_TOKEN)")


def test_a_hub_that_takes_its_time_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        at(monkeypatch, f"http://127.0.0.1:{silent.getsockname()[1]}")
        what = check_hub(0.1).what
    assert "does not answer within 0.1 s" in what or "cannot be reached (ReadTimeout" in what


def test_offline_asks_nobody_and_a_file_may_hold_the_token(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(SECRET)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    at(monkeypatch, USUAL)
    check = check_hub()
    assert check.what == (
        f"HF_HUB_OFFLINE is set: {USUAL} is not asked, models have to be here; a token in {tmp_path / 'token'}"
    )
