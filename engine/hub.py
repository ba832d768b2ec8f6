"""Why a model cannot be had from the hub, in one line that says what to do; asks nothing by itself but `hub_trouble`.

Whatever the hub refuses, a run that failed for it goes on after the fix: `idemtui retry RUN`. Imports no torch.
"""

from __future__ import annotations

from collections.abc import Iterator

AGAIN = "`idemtui retry RUN` goes on then"
UNREACHED = ("LocalEntryNotFoundError", "OfflineModeIsEnabled", "ConnectError", "ConnectTimeout", "ReadTimeout")
"""What the hub's client and the network under it raise where nobody answers."""


def refusal(name: str, error: BaseException) -> str | None:
    """What the hub's refusal of a model means; None where the error is another one."""
    kinds = {kind.__name__ for one in _causes(error) for kind in type(one).__mro__}
    if "GatedRepoError" in kinds:
        return (
            f"model {name!r} is gated: accept its terms on the hub, put a token that may read it into HF_TOKEN; {AGAIN}"
        )
    if "RepositoryNotFoundError" in kinds:
        return (
            f"model {name!r} is not on the hub, or is private: check its name, or put a token that may read it into "
            f"HF_TOKEN; {AGAIN}"
        )
    status = next((status for one in _causes(error) if (status := _status(one)) is not None), None)
    if status in (401, 403):
        return (
            f"model {name!r}: the hub refuses what it was shown (status {status}): a token in HF_TOKEN may be wrong or "
            f"expired, or may not read this model; put one there that may, or none for an open model; {AGAIN}"
        )
    if status == 429 or (status or 0) >= 500:
        return f"model {name!r}: the hub answers with status {status}: it has no time now; {AGAIN}, later"
    if kinds & set(UNREACHED):
        return (
            f"model {name!r} is not on this machine and the hub cannot be reached: fetch it where there is a network "
            f"(`hf download {name}`), or give a folder; {AGAIN}"
        )
    return None


def _status(error: BaseException) -> int | None:
    """The status of the answer that an error of the hub's client holds."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    return status if isinstance(status, int) else None


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error, and what it was raised from or during."""
    seen: set[int] = set()
    told: BaseException | None = error
    while told is not None and id(told) not in seen:
        seen.add(id(told))
        yield told
        told = told.__cause__ or told.__context__


def hub_trouble(name: str, endpoint: str | None = None) -> str | None:
    """What stands in the way of fetching this model, asked of the hub; None where it may be fetched.

    Blocks for as long as the network does: the caller bounds it.
    """
    from huggingface_hub import HfApi, constants

    if constants.HF_HUB_OFFLINE:
        return (
            f"model {name!r} is not on this machine and HF_HUB_OFFLINE forbids fetching it: unset it, or give a folder"
        )
    try:
        HfApi(endpoint=endpoint).auth_check(name)
    except Exception as error:
        return refusal(name, error) or f"model {name!r}: the hub says {' '.join(str(error).split())[:200]}"
    return None
