"""Where the variance of L comes from: samples within a prompt, prompts within a chain, replicates.

d_ri = μ + a_r + c_i + (ac)_ri + e_ri for replicate r and prompt i: a_r is training, c_i the drift that a prompt shows
in every replicate, (ac)_ri the drift it shows in one, e_ri the error of re-measuring it with finitely many answers.
Then Var(L_r) = σ²_a + (σ²_ac + σ²_e)/P; c_i is the same in every replicate, so the cell's interval does not hold it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from store.intervals import Array, mean_of
from store.statistics.core import paired, prompt_drifts


@dataclass(frozen=True)
class Components:
    """Variances in points²; None where the layout cannot tell them."""

    samples: float | None
    """Of one answer's score about its prompt's mean, pooled; None with one answer a prompt."""
    measuring: float
    """σ²_e: what `samples` gives a prompt's drift; 0 where it cannot be told (`prompts` then holds it)."""
    prompts: float
    """σ²_ac, drift × prompt within a chain; of one chain σ²_c + σ²_ac."""
    replicates: float | None
    """σ²_a, training; None for one chain."""
    shared: float | None
    """σ²_c, drift × prompt alike in every replicate: what other prompts would have moved L by."""
    prompt_count: int
    """Prompts that the estimate uses: those that every replicate has."""
    answers: float | None
    """Scored answers a prompt and cycle (harmonic mean); None without single answers."""

    def shares(self) -> dict[str, float]:
        """Shares of the variance of one replicate's L; empty where nothing varies."""
        parts = {
            "replicates": self.replicates or 0.0,
            "prompts": self.prompts / self.prompt_count,
            "samples": self.measuring / self.prompt_count,
        }
        total = sum(parts.values())
        return {name: part / total for name, part in parts.items()} if total > 0 else {}


def cell_components(scores: Array, draws: Array) -> Components | None:
    """Components of a cell from prompt means (R, P, 1 + J) and single answers (R, P, 1 + J, S).

    Two-way random-effects analysis of variance without replication, equating mean squares with their expectations:
    E MS_replicates = σ²_ac + σ²_e + P·σ²_a, E MS_prompts = σ²_ac + σ²_e + R·σ²_c, E MS_rest = σ²_ac + σ²_e, and σ²_e
    known from the pooled variance within prompts; estimates below 0 are set to 0. In a balanced layout this is REML
    wherever no estimate is cut. Prompts that a replicate lacks are left out of all, so that the layout is balanced.
    Source: Searle, Casella, McCulloch (1992), Variance Components, ch. 4; Henderson (1953), Biometrics 9, 226–252.
    None with fewer than two replicates or two common prompts.
    """
    drifts = prompt_drifts(paired(scores))
    common = ~np.isnan(drifts).any(axis=0)
    drifts, (replicates, prompts) = drifts[:, common], drifts[:, common].shape
    if replicates < 2 or prompts < 2:
        return None
    samples, measuring, answers = _measuring(draws[:, common])
    by_replicate, by_prompt = drifts.mean(axis=1), drifts.mean(axis=0)
    rest = drifts - by_replicate[:, None] - by_prompt + drifts.mean()
    residual = float((rest**2).sum()) / ((replicates - 1) * (prompts - 1))
    return Components(
        samples=samples,
        measuring=measuring,
        prompts=max(0.0, residual - measuring),
        replicates=max(0.0, float(by_replicate.var(ddof=1)) - residual / prompts),
        shared=max(0.0, float(by_prompt.var(ddof=1)) - residual / replicates),
        prompt_count=prompts,
        answers=answers,
    )


def chain_components(scores: Array, draws: Array) -> Components | None:
    """Components of one chain from prompt means (P, 1 + J) and answers (P, 1 + J, S): the nested analysis of variance.

    E Var(d_i) = σ²_c + σ²_ac + σ²_e. None below two prompts with a drift.
    """
    drifts = prompt_drifts(paired(scores))
    held = ~np.isnan(drifts)
    if held.sum() < 2:
        return None
    samples, measuring, answers = _measuring(draws[held])
    between = max(0.0, float(drifts[held].var(ddof=1)) - measuring)
    return Components(samples, measuring, between, None, None, int(held.sum()), answers)


def _measuring(draws: Array) -> tuple[float | None, float, float | None]:
    """σ²_s pooled over prompts and cycles, σ²_e = σ²_s · mean of (1/n_0 + Σ 1/n_j / J²), and n as a harmonic mean."""
    counts = (~np.isnan(draws)).sum(axis=-1)
    freedom = int(np.maximum(counts - 1, 0).sum())
    if not freedom:
        return None, 0.0, None
    squares = float(np.nansum((draws - mean_of(draws)[..., None]) ** 2))
    inverse = 1 / np.where(counts, counts, np.nan)
    late_cycles = (counts[..., 1:] > 0).sum(axis=-1)
    late = np.nansum(inverse[..., 1:], axis=-1) / np.where(late_cycles, late_cycles, np.nan) ** 2
    weights = inverse[..., 0] + late
    pooled = squares / freedom
    return pooled, pooled * float(np.nanmean(weights)), 1 / float(np.nanmean(inverse))
