"""distinct-n of a generation's answers at a fixed budget of words (protocol §5)."""

from __future__ import annotations

from collections.abc import Sequence

from engine.events import Sample
from engine.keys import key
from engine.log import Log
from engine.measures import distinct_n, split_words
from engine.score_events import DiversityMeasured
from engine.spec import RunSpec


def measure_diversity(log: Log, spec: RunSpec, *, cycle: int, samples: Sequence[Sample]) -> None:
    """distinct-1, -2 and -3 over `eval.distinct_words` words of the answers, in an order keyed by the run's seed.

    The order does not depend on the cycle, so that generations are compared on the same prompts. Source: Li, Galley,
    Brockett, Gao, Dolan (2016), NAACL, 110–119; the budget, since longer samples repeat more.
    """
    if cycle in log.state.diversity:
        return
    budget = spec.eval.distinct_words
    order = sorted(samples, key=lambda s: key("distinct", spec.run.seed, s.prompt_id, s.draw))
    texts = [sample.response for sample in order]
    log.append(
        DiversityMeasured(
            cycle=cycle,
            budget=budget,
            words=sum(len(split_words(text)) for text in texts),
            distinct_1=distinct_n(texts, 1, budget),
            distinct_2=distinct_n(texts, 2, budget),
            distinct_3=distinct_n(texts, 3, budget),
        )
    )
