"""Why a run stands where it stands, in words: paused, failed, silent, waiting, forked."""

from __future__ import annotations

from rich.text import Text

from idemtui.console.facts import Glance, Run
from idemtui.console.lab_facts import Server
from idemtui.console.words import chain_words, doing, generation
from idemtui.text import one_line

LOG_LINES = 4
ENDED_EARLY = ("paused", "failed", "cancelled")
STYLES = {"failed": "red", "paused": "yellow"}


def doing_now(run: Run, server: Server | None) -> str:
    """`doing`, with a silent worker's minutes and a waiting run's priority, in nine cells."""
    worker = server.worker_of(run.run_id) if server else None
    if worker and run.status == "queued":
        return "starting"
    if worker and run.live and worker.silent_minutes is not None:
        return f"quiet {worker.silent_minutes}m"
    waiting = server.wait_of(run.run_id) if server and run.status == "queued" else None
    return f"queued {waiting.priority:+d}" if waiting and waiting.priority else doing(run)


def reason(run: Run, server: Server | None) -> str:
    """One line: why it paused, failed, says nothing, or waits; empty where there is nothing to say."""
    worker = server.worker_of(run.run_id) if server else None
    if worker and run.status == "queued":
        return f"process {worker.pid} has it and has not begun yet"
    if worker and run.live and worker.silent_minutes is not None:
        return f"no event for {worker.silent_minutes} min from process {worker.pid}; see its log, or cancel it"
    waiting = server.wait_of(run.run_id) if server and run.status == "queued" else None
    if waiting:
        priority = f" (priority {waiting.priority:+d})" if waiting.priority else ""
        return f"{one_line(waiting.reason) or 'waits for its turn'}{priority}"
    return one_line(run.message)


def lineage(run: Run, glance: Glance) -> str:
    """`forked from sft-reset at M3`; empty for a run of its own."""
    if run.parent_run_id is None or run.forked_at_cycle is None:
        return ""
    return f"forked from {glance.called(run.parent_run_id)} at {generation(run.forked_at_cycle)}"


def unsaid(run: Run) -> str:
    """The status, and where a finished run has no verdict, why."""
    notes = run.verdict.notes if run.verdict and run.status == "finished" else ()
    return "; ".join([run.status, *notes[:1]])


def standing(run: Run, glance: Glance, server: Server | None, log_lines: int = 0) -> Text:
    """Lineage and reason, else verdict, in one line; below it, where it failed, the last lines of its worker's log."""
    text = Text(no_wrap=True, overflow="ellipsis", end="")
    why = reason(run, server)
    if why and run.status in ENDED_EARLY and not why.startswith(run.status):
        why = f"{run.status}: {why}"
    words = [word for word in (lineage(run, glance), why or chain_words(run.verdict) or unsaid(run)) if word]
    text.append(f" {glance.called(run.run_id)}  ", "bold")
    text.append("; ".join(words), STYLES.get(run.status, "dim"))
    for line in run.log_tail[-log_lines:] if log_lines else ():
        text.append(f"\n   {one_line(line)}", "dim")
    return text
