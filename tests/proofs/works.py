"""What a run produced, how much work that took, and whether the database holds its files exactly once."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

from engine.events import AdapterTrained, Event, RowsBuilt, RunFinished, SamplesDrawn, StageStarted, TrainStepped
from engine.score_events import JudgeDeclared, LikelihoodsMeasured, SamplesJudged
from tests.proofs.labs import ProofLab, until


@dataclass(frozen=True)
class Results:
    """Everything that two runs of one spec must have in common, down to the bit."""

    samples: dict[tuple[int, str, str, int], Any]
    likelihoods: dict[tuple[int, str], Any]
    scores: dict[tuple[int, str, str], Any]
    rows: dict[int, Any]
    adapters: dict[int, str]
    judges: list[tuple[str, str]]
    ended: int | None


def results(lab: ProofLab, run_id: str) -> Results:
    """A run's samples, scores, rows and adapter hashes; fails where one stands twice, or an adapter's file differs."""
    events = lab.events(run_id)
    found = Results({}, {}, {}, {}, {}, [], None)
    for event in events:
        match event:
            case SamplesDrawn():
                for sample in event.samples:
                    _once(found.samples, (event.cycle, event.purpose, sample.prompt_id, sample.draw), sample)
            case LikelihoodsMeasured():
                for likelihood in event.likelihoods:
                    _once(found.likelihoods, (event.cycle, likelihood.sample_id), likelihood)
            case SamplesJudged():
                for score in event.scores:
                    _once(found.scores, (event.cycle, event.metric, score.sample_id), score)
            case RowsBuilt():
                _once(found.rows, event.cycle, event.rows)
            case AdapterTrained():
                _once(found.adapters, event.cycle, event.adapter_sha256)
                weights = lab.run_folder(run_id) / event.path / "adapter_model.safetensors"
                assert hashlib.sha256(weights.read_bytes()).hexdigest() == event.adapter_sha256, weights
            case JudgeDeclared():
                found.judges.append((event.metric, event.judge_id))
            case _:
                pass
    ends = [event.cycles_done for event in events if isinstance(event, RunFinished)]
    assert len(ends) <= 1, "a run ended twice"
    return replace(found, ended=ends[0] if ends else None)


def _once(found: dict[Any, Any], key: Any, value: Any) -> None:
    assert key not in found, f"{key} stands twice in the journal"
    found[key] = value


@dataclass(frozen=True)
class Work:
    """Work as a journal shows it: batches drawn, measured and judged, trainings begun, optimizer steps logged."""

    drawn: int
    measured: int
    judged: int
    trainings: int
    steps: int

    @property
    def units(self) -> int:
        """Batches and trainings: what the bound counts."""
        return self.drawn + self.measured + self.judged + self.trainings


def work(events: list[Event]) -> Work:
    """Count a journal."""
    return Work(
        drawn=sum(isinstance(e, SamplesDrawn) and e.purpose != "seed" for e in events),
        measured=sum(isinstance(e, LikelihoodsMeasured) for e in events),
        judged=sum(isinstance(e, SamplesJudged) for e in events),
        trainings=sum(isinstance(e, StageStarted) and e.stage == "train" for e in events),
        steps=sum(isinstance(e, TrainStepped) for e in events),
    )


def check_memory(lab: ProofLab, run_id: str) -> None:
    """Fail unless the database holds every line of the run's files, and every row they tell of, exactly once."""
    until(lambda: _settled(lab, run_id), f"{run_id} in the database")
    entries, events = lab.entries(run_id), lab.events(run_id)
    where = "WHERE run_id = ?"
    assert lab.ask(f"SELECT seq, type FROM events {where} ORDER BY seq", run_id) == [
        (entry.seq, entry.event.type) for entry in entries
    ]
    assert ids(lab, f"SELECT sample_id FROM samples {where}", run_id) == Counter(
        (s.sample_id,) for e in events if isinstance(e, SamplesDrawn) for s in e.samples
    )
    assert ids(lab, f"SELECT sample_id, tokens, nll, kl FROM likelihoods {where}", run_id) == Counter(
        (m.sample_id, m.tokens, m.nll, m.kl)
        for e in events
        if isinstance(e, LikelihoodsMeasured)
        for m in e.likelihoods
    )
    assert ids(lab, f"SELECT sample_id, metric, judge_id, value FROM scores {where}", run_id) == Counter(
        (s.sample_id, e.metric, e.judge_id, s.value) for e in events if isinstance(e, SamplesJudged) for s in e.scores
    )
    assert ids(lab, f"SELECT cycle, position, sample_id, role FROM training_rows {where}", run_id) == Counter(
        (e.cycle, r.position, r.sample_id, r.role) for e in events if isinstance(e, RowsBuilt) for r in e.rows
    )
    assert ids(lab, f"SELECT cycle, step, name FROM train_steps {where}", run_id) == Counter(last_steps(events))
    assert lab.ask(f'SELECT "position", type, pid FROM commands {where} ORDER BY "position"', run_id) == [
        (i, command.type, command.pid) for i, command in enumerate(lab.commands(run_id))
    ]
    assert lab.ask(f"SELECT error FROM ingest_errors {where}", run_id) == []


def _settled(lab: ProofLab, run_id: str) -> bool:
    """Whether the run's worker has let go of it and the database has read its files to their end."""
    if lab.commands(run_id)[-1].type != "worker_exited":
        return False
    before = _sizes(lab, run_id)
    with lab.client() as client:
        client.sync(30)
    read = dict(lab.ask("SELECT file, byte_offset FROM journals WHERE run_id = ?", run_id))
    return before == _sizes(lab, run_id) and all(read.get(file) == size for file, size in before.items())


def _sizes(lab: ProofLab, run_id: str) -> dict[str, int]:
    folder = lab.run_folder(run_id)
    return {name: (folder / name).stat().st_size for name in ("commands.jsonl", "events.jsonl")}


def ids(lab: ProofLab, query: str, run_id: str) -> Counter[Any]:
    """Rows with how often they stand there."""
    return Counter(lab.ask(query, run_id))


def last_steps(events: list[Event]) -> list[tuple[int, int, str]]:
    """The steps of every cycle's last training: one that was begun again counts from its beginning."""
    steps: dict[int, list[tuple[int, int, str]]] = {}
    for event in events:
        if isinstance(event, StageStarted) and event.stage == "train":
            steps[event.cycle] = []
        elif isinstance(event, TrainStepped):
            steps[event.cycle] += [(event.cycle, event.step, name) for name in event.values]
    return [step for cycle in steps.values() for step in cycle]
