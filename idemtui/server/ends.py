"""Workers that let go of a run, in order or not: what is written down of it, and what follows for the queue."""

from __future__ import annotations

import logging
from pathlib import Path

from engine.errors import IdemtuiError
from idemtui.server.exits import LOCK_LOST, exit_message, log_tail
from idemtui.server.floor import Floor
from idemtui.server.history import DISK_FULL, History, went_on
from idemtui.server.workers import Worker

log = logging.getLogger("idemtui.server")
IN_ORDER = ("finished", "cancelled", "paused")


def reap(floor: Floor) -> None:
    """Take up every end since the last look; a worker's exit is seen before its last words are read."""
    for worker in list(floor.workers):
        ended = worker.process.exited()
        while (done := worker.next_done()) is not None:
            end_run(floor, worker, done.run, done.code)
            worker.settle()
        if ended is None:
            continue
        if worker.run is not None:
            end_run(floor, worker, worker.run, ended.code, process=True)
        elif ended.code not in (0, None) and not worker.leaving:
            log.warning("worker %s: %s %s", worker.pid, exit_message(ended.code), " | ".join(log_tail(worker.logs())))
        floor.workers.remove(worker)
        worker.clear()


def end_run(floor: Floor, worker: Worker, run: Path, code: int | None, *, process: bool = False) -> None:
    """A run's worker let go of it; `process`: because the process ended."""
    history = floor.history(run)
    record_end(floor, history, code, worker, process=process)
    worker.let_go = history.stop is not None
    follow_end(floor, history, code)


def record_end(floor: Floor, history: History, code: int | None, worker: Worker, *, process: bool) -> None:
    """Write `worker_exited`, with a reason and the log's end where it was no end in order."""
    run = floor.lab.work(history.run_id)
    message: str | None = None
    tail: tuple[str, ...] = ()
    if code == 0 and process and history.outcome is None:
        message = "its worker ended before the run did"
    elif history.outcome is None or code == DISK_FULL or (code or 0) < 0:
        message = exit_message(code, out_of_memory=worker.ooms.rose())
    if history.outcome not in IN_ORDER and code != 0:
        tail = log_tail([run / "worker.log", *worker.logs()[-1:]])
    floor.ledger.note(run, "worker_exited", exit_code=code, message=message, log_tail=tail)
    log.info("run %s: worker %s let go of it (%s)%s", run.name, worker.pid, code, f": {message}" if message else "")


def follow_end(floor: Floor, history: History, code: int | None) -> None:
    """A lost race for a GPU and a full disk put the run back; one that obeyed a withdrawn stop leaves."""
    run_id = history.run_id
    if run_id in floor.waiting:
        if went_on(history.outcome, code):
            floor.forget(run_id)
        return
    if history.stop is not None or history.outcome == "finished":
        return
    if code == LOCK_LOST:
        floor.ledger.note(floor.lab.work(run_id), "queued", priority=history.priority)
        try:
            floor.wait(run_id, history.priority, order=0)
        except IdemtuiError as error:
            log.error("%s", error)
    elif code == DISK_FULL or (history.outcome == "paused" and history.disk):
        floor.for_room.add(run_id)
