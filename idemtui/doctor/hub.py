"""The hub as this machine sees it: which endpoint, whether it answers, whether there is a token; no token is sent."""

from __future__ import annotations

import os

from idemtui.doctor.check import Check, TooSlowError, within

ANSWER_SECONDS = 1.5
USUAL = "https://huggingface.co"


def check_hub(seconds: float = ANSWER_SECONDS) -> Check:
    """Whether models could be fetched. A lab whose models are all here needs no hub: whatever is found is no trouble.

    What the lab's own models lack is the finding of `models`.
    """
    from huggingface_hub import constants

    endpoint = constants.ENDPOINT
    named = endpoint if endpoint == USUAL else f"{endpoint} (a mirror, by HF_ENDPOINT)"
    token = _token_words()
    if constants.HF_HUB_OFFLINE:
        return Check("hub", "ok", f"HF_HUB_OFFLINE is set: {named} is not asked, models have to be here; {token}")
    try:
        trouble = within(seconds, lambda: _trouble(endpoint, seconds))
    except TooSlowError:
        trouble = f"does not answer within {seconds:g} s"
    if trouble is None:
        return Check("hub", "ok", f"{named} answers; {token}")
    return Check("hub", "ok", f"{named} {trouble}: models have to be on this machine; {token}")


def _trouble(endpoint: str, seconds: float) -> str | None:
    """Why nothing could be fetched; None where the hub answers anything sensible."""
    from huggingface_hub import get_session

    try:
        response = get_session().head(endpoint, timeout=seconds)
    except Exception as error:
        return f"cannot be reached ({type(error).__name__}: {' '.join(str(error).split())[:120]})"
    return None if response.status_code < 500 else f"answers with status {response.status_code}"


def _token_words() -> str:
    """Where a token is, never what it is."""
    from huggingface_hub import constants, get_token

    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        if os.environ.get(name, "").strip():
            return f"a token in {name}"
    if get_token():
        return f"a token in {constants.HF_TOKEN_PATH}"
    return "no token (gated and private models need one in HF_TOKEN)"
