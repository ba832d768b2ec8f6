"""Keyed randomness: every draw and every training takes its own seed from what it is, never from a global generator.

No run id, no path and no time is in a key, so the same spec in two labs gives the same chain.
"""

from __future__ import annotations

import hashlib


def key(*parts: object) -> str:
    """64 hex digits over the parts in order; parts are told apart by their length, so no two lists collide."""
    digest = hashlib.sha256()
    for part in parts:
        text = str(part).encode()
        digest.update(f"{len(text)}:".encode() + text)
    return digest.hexdigest()


def draw_key(run_seed: int, cycle: int, purpose: str, prompt_id: str, draw: int) -> str:
    """The randomness of one answer."""
    return key("draw", run_seed, cycle, purpose, prompt_id, draw)


def training_seed(run_seed: int, cycle: int) -> int:
    """The 31-bit seed of a training's initialisation and row order."""
    return int(key("train", run_seed, cycle)[:8], 16) & 0x7FFFFFFF
