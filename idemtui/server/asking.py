"""What people ask of runs: to queue, to pause, to cancel, to go on, to go first. Written down before anything moves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.commands import CommandType
from engine.errors import UsageError
from engine.locks import holder_pid
from idemtui.server.floor import Floor
from idemtui.server.history import History, read_history
from idemtui.server.safe_points import next_safe_point

Answer = dict[str, Any]


class Asking:
    """Each question takes run ids that the lab holds; safe to call from any thread."""

    def __init__(self, floor: Floor, changed: Callable[[], None] = lambda: None) -> None:
        """`changed` is called after something was asked, so that a sleeping keeper looks again."""
        self._floor, self._changed = floor, changed

    def enqueue(self, run_id: str, priority: int | None = None) -> str:
        """Ask for a run: queued | continued | already queued, running or finished; its old priority where None."""
        floor = self._floor
        with floor.lock:
            history = self._history(run_id)
            if history.outcome == "finished":
                return "already finished"
            if self._works(run_id) and history.stop is None:
                return "already running"
            if run_id in floor.waiting:
                return "already queued"
            urgency = history.priority if priority is None else priority
            floor.wait(run_id, urgency)
            try:
                floor.ledger.ask(floor.lab.work(run_id), "queued", priority=urgency)
            except BaseException:
                floor.waiting.pop(run_id)
                raise
        self._changed()
        begun = history.starts or history.stop or (floor.lab.work(run_id) / "events.jsonl").exists()
        return "continued" if begun else "queued"

    def pause(self, run_id: str) -> Answer:
        """Take a run out of the queue, or have its worker stop at the next safe point and let go of everything."""
        return self._stop(run_id, "pause_requested", now="paused", soon="pausing")

    def cancel(self, run_id: str) -> Answer:
        """Take a run out of the queue, or have its worker stop at the next safe point."""
        return self._stop(run_id, "cancel_requested", now="cancelled", soon="stopping")

    def _stop(self, run_id: str, type_: CommandType, *, now: str, soon: str) -> Answer:
        floor = self._floor
        with floor.lock:
            history, works = self._history(run_id), self._works(run_id)
            said = self._already(history, now, soon, works=works)
            if said is None:
                floor.ledger.ask(floor.lab.work(run_id), type_)
                floor.forget(run_id)
        if said is None:
            self._changed()
            said = soon if works else now
        return {"run_id": run_id, "answer": said, "when": next_safe_point(floor.lab.work(run_id)) if works else None}

    def _already(self, history: History, now: str, soon: str, *, works: bool) -> str | None:
        """Why there is nothing to stop."""
        if history.outcome == "finished":
            return "already finished"
        asked = {"pause": "paused", "cancel": "cancelled"}.get(history.stop or "")
        if asked == now:
            return f"already {soon if works else now}"
        if works or history.run_id in self._floor.waiting or asked is not None:
            return None
        return "already failed" if history.outcome == "failed" else None

    def ended_early(self) -> list[str]:
        """Runs that ended before their chain did and that no person stopped."""
        with self._floor.lock:
            running = self._floor.running()
            resting = [h for h in self._floor.histories() if h.resting and h.stop is None]
            return [history.run_id for history in resting if self._rests(history.run_id, running)]

    def failed(self) -> list[str]:
        """Runs that failed, in whichever way."""
        with self._floor.lock:
            running = self._floor.running()
            return [h.run_id for h in self._floor.histories() if h.failed and self._rests(h.run_id, running)]

    def retry(self, run_id: str) -> str:
        """Ask again for a run that failed; UsageError for any other."""
        with self._floor.lock:
            history = self._history(run_id)
            if not history.failed or not self._rests(run_id, self._floor.running()):
                state = history.outcome or (f"{history.stop} asked for" if history.stop else "queued or under way")
                raise UsageError(f"retry: run {run_id} did not fail ({state}); `idemtui resume` goes on with others.")
            return self.enqueue(run_id)

    def prioritize(self, run_id: str, priority: int) -> str:
        """Move a waiting run; it keeps its place among those of its new priority."""
        floor = self._floor
        with floor.lock:
            history = self._history(run_id)
            if self._works(run_id):
                return "already running"
            if history.outcome == "finished":
                return "already finished"
            run = floor.waiting.get(run_id)
            if run is None:
                raise UsageError(f"prioritize: run {run_id} does not wait; `idemtui resume {run_id}` queues it.")
            floor.ledger.ask(floor.lab.work(run_id), "queued", priority=priority)
            run.priority = priority
        self._changed()
        return "moved"

    def _history(self, run_id: str) -> History:
        return read_history(self._floor.lab.work(run_id))

    def _works(self, run_id: str) -> bool:
        """Whether a process is at it, ours or not."""
        if self._floor.worker_of(run_id) is not None:
            return True
        return holder_pid(self._floor.lab.work(run_id) / "worker.lock") is not None

    def _rests(self, run_id: str, running: dict[str, int]) -> bool:
        return run_id not in running and run_id not in self._floor.waiting
