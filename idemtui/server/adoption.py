"""A server that starts: which workers live, which died, what waits. Everything it learns is in the lab's files."""

from __future__ import annotations

import logging
import shutil
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from engine.assignments import Desk
from engine.errors import IdemtuiError
from idemtui.server.ends import record_end
from idemtui.server.exits import boot_id, log_tail
from idemtui.server.floor import Floor
from idemtui.server.history import ENDED_WITH_THE_MACHINE, INTERRUPTED, History
from idemtui.server.model_keys import read_key
from idemtui.server.processes import find_holder
from idemtui.server.workers import DeskWorker, LoneWorker, desks, found_at, last_pid

log = logging.getLogger("idemtui.server")
RESTARTED = f"{INTERRUPTED}the machine was restarted"
DIED = f"{INTERRUPTED}its worker died while no server was there to see how"


def adopt(floor: Floor) -> None:
    """Take up what the files say: workers that live, ends of those that died, runs that wait."""
    histories = {history.run_id: history for history in floor.histories()}
    moved = {run_id for run_id, history in histories.items() if history.worker is not None}
    for desk in desks(floor.lab.root / "workers"):
        moved |= {run.name for run in desk.assigned()} & histories.keys()
        _adopt_desk(floor, desk, histories)
    for history in histories.values():
        if floor.worker_of(history.run_id) is None and take_lone(floor, history):
            moved.add(history.run_id)
    histories |= {run_id: floor.history(floor.lab.work(run_id)) for run_id in moved}
    running = floor.running()
    for run_id in histories.keys() - running.keys():
        if _bury(floor, histories[run_id]):
            histories[run_id] = floor.history(floor.lab.work(run_id))
    _take_up_queue(floor, histories.values())


def _adopt_desk(floor: Floor, desk: Desk, histories: dict[str, History]) -> None:
    """The desk's worker, if it lives; starts and ends that the server before had no time to write down."""
    done = desk.done()
    worker = found_at(desk, taken=len(done))
    pid = worker.pid if worker else last_pid(desk)
    given: Counter[str] = Counter()
    for place, run in enumerate(desk.assigned()):
        history = histories.get(run.name)
        given[run.name] += 1
        if history is None or pid is None or (worker is None and place >= len(done)):
            continue
        unwritten = given[run.name] > history.starts.count(pid)
        if unwritten:
            floor.ledger.note(run, "started", pid=pid, boot_id=boot_id(), device=worker.device if worker else None)
            log.info("run %s: found its worker %s", run.name, pid)
        if place < len(done) and (
            unwritten or (history.worker == pid and given[run.name] == history.starts.count(pid))
        ):
            _end_found(floor, run, done[place].code, worker)
    if worker is None:
        for line in log_tail([desk.log]):
            log.info("worker %s said: %s", pid, line)
        shutil.rmtree(desk.folder, ignore_errors=True)
    else:
        floor.workers.append(worker)


def _end_found(floor: Floor, run: Path, code: int, worker: DeskWorker | None) -> None:
    history = floor.history(run)
    if worker is not None:
        record_end(floor, history, code, worker, process=False)
    else:
        floor.ledger.note(run, "worker_exited", exit_code=code, log_tail=log_tail([run / "worker.log"]) if code else ())


def take_lone(floor: Floor, history: History) -> bool:
    """Count the process that holds a run's lock as its worker, started by hand as it was; False where nobody does."""
    folder = floor.lab.work(history.run_id)
    process = find_holder(folder / "worker.lock")
    if process is None or any(worker.pid == process.pid for worker in floor.workers):
        return False
    try:
        floor.workers.append(LoneWorker(process, folder, read_key(folder)))
    except IdemtuiError as error:
        log.error("%s", error)
        return False
    if history.worker != process.pid:
        floor.ledger.note(folder, "started", pid=process.pid, boot_id=boot_id())
        log.info("run %s: found its worker %s", folder.name, process.pid)
    return True


def _bury(floor: Floor, history: History) -> bool:
    """Write down the end of a worker that nobody saw; False where there was none."""
    folder = floor.lab.work(history.run_id)
    other_boot = history.boot_id is not None and history.boot_id != boot_id()
    message = RESTARTED if other_boot else DIED
    if history.worker is not None:
        dead = history.outcome is None
        tail = log_tail([folder / "worker.log"]) if dead else ()
        floor.ledger.note(folder, "worker_exited", message=message if dead else None, log_tail=tail)
        log.warning("run %s: its worker %s is gone", history.run_id, history.worker)
        if dead and history.stop is None:
            floor.interrupted[history.run_id] = message
        return True
    if history.interrupted:
        floor.interrupted[history.run_id] = history.interrupted
    elif other_boot and history.failed and history.outcome is None and history.exit_code in ENDED_WITH_THE_MACHINE:
        floor.interrupted[history.run_id] = RESTARTED
    return False


def _take_up_queue(floor: Floor, histories: Iterable[History]) -> None:
    """The order is that of the times of asking, as far as the clock went forward."""
    for history in sorted(histories, key=lambda history: (history.queued_at or "", history.run_id)):
        if history.waiting:
            try:
                floor.wait(history.run_id, history.priority)
            except IdemtuiError as error:
                log.error("run %s cannot be started: %s", history.run_id, error)
                floor.ledger.note(floor.lab.work(history.run_id), "worker_exited", exit_code=127, message=str(error))
        elif history.waits_for_room:
            floor.for_room.add(history.run_id)
