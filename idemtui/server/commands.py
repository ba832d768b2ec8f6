"""What clients may ask of the server, besides reading: each command takes and gives plain JSON objects."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from engine.ancestry import check_parent
from engine.errors import UsageError
from idemtui.server.annotating import Annotating
from idemtui.server.asking import Asking
from idemtui.server.cleaning import Cleaning
from idemtui.server.given import Secrets
from idemtui.server.holds import Holds, named_device
from idemtui.server.queue import Queue
from idemtui.server.removing import Removing
from idemtui.server.submission import WORK_ID, freeze_job, freeze_specs, others, parse_job, parse_specs
from store.lab import Lab

Fields = dict[str, Any]


@dataclass(frozen=True)
class Commands:
    """The handlers, by name in `mapping`."""

    lab: Lab
    asking: Asking
    queue: Queue
    secrets_given: Secrets
    holds: Holds
    removing: Removing
    cleaning: Cleaning
    annotating: Annotating
    status: Callable[[Fields], Fields]
    stop_server: Callable[[], None]
    remember: Callable[[], None]
    """Lets the database catch up with what a command wrote, so that its client sees it in the next answer."""
    keep: str
    """The usual policy of `clean`."""

    @property
    def mapping(self) -> dict[str, Callable[[Fields], Fields]]:
        """Name → handler, as `store.service` takes them."""
        asked = (
            self.submit, self.submit_job, self.pause, self.cancel, self.resume, self.retry, self.prioritize,
            self.remove, self.clean, self.secrets, self.hold, self.release, self.annotate,
        )  # fmt: skip
        return {
            "status": self.status,
            "stop": self.stop,
            **{handler.__name__: self._remembered(handler) for handler in asked},
        }

    def _remembered(self, handler: Callable[[Fields], Fields]) -> Callable[[Fields], Fields]:
        def answer(fields: Fields) -> Fields:
            said = handler(fields)
            self.remember()
            return said

        return answer

    def submit(self, fields: Fields) -> Fields:
        """`specs`: resolved specs; `again`: new runs of the same settings → `runs`: run_id, name, answer."""
        documents, priority = fields.get("specs"), _priority(fields, 0)
        if not isinstance(documents, list) or not documents:
            raise UsageError("submit: `specs` has to be a list with at least one resolved spec.")
        specs = parse_specs(documents)
        coming = {spec.run_id for spec in specs}
        for spec in specs:
            if spec.parent_run_id not in coming:
                check_parent(self.lab.runs, spec)
        self._take_secrets(fields)
        if fields.get("again"):
            specs = others(specs, self.lab)
        freeze_specs(specs, self.lab)
        asked = [(spec, self.asking.enqueue(spec.run_id, priority)) for spec in specs]
        return {"runs": [{"run_id": spec.run_id, "name": spec.name, "answer": answer} for spec, answer in asked]}

    def submit_job(self, fields: Fields) -> Fields:
        """`spec`: a resolved job → job_id, name, answer."""
        spec, priority = parse_job(fields.get("spec")), _priority(fields, 0)
        self._take_secrets(fields)
        freeze_job(spec, self.lab)
        return {"job_id": spec.job_id, "name": spec.name, "answer": self.asking.enqueue(spec.job_id, priority)}

    def pause(self, fields: Fields) -> Fields:
        """`run_id` → run_id, answer, when."""
        return self.asking.pause(self._held(fields.get("run_id")))

    def cancel(self, fields: Fields) -> Fields:
        """`run_id` → run_id, answer, when."""
        return self.asking.cancel(self._held(fields.get("run_id")))

    def resume(self, fields: Fields) -> Fields:
        """`run_id`, or `all` for every run that ended early and that no person stopped → `runs`: run_id, answer."""
        self._take_secrets(fields)
        run_ids = self.asking.ended_early() if fields.get("all") else [self._held(fields.get("run_id"))]
        return {"runs": [{"run_id": run_id, "answer": self.asking.enqueue(run_id)} for run_id in run_ids]}

    def retry(self, fields: Fields) -> Fields:
        """`run_id`, or `all` for every run that failed → `runs`: run_id, answer."""
        self._take_secrets(fields)
        run_ids = self.asking.failed() if fields.get("all") else [self._held(fields.get("run_id"))]
        return {"runs": [{"run_id": run_id, "answer": self.asking.retry(run_id)} for run_id in run_ids]}

    def prioritize(self, fields: Fields) -> Fields:
        """`run_id`, `priority` → run_id, answer."""
        run_id = self._held(fields.get("run_id"))
        return {"run_id": run_id, "answer": self.asking.prioritize(run_id, _priority(fields))}

    def remove(self, fields: Fields) -> Fields:
        """`run_ids`, `dry_run` → removed, refused, bytes."""
        run_ids = fields.get("run_ids")
        if not isinstance(run_ids, list) or not run_ids:
            raise UsageError("remove: `run_ids` has to be a list with at least one run id.")
        held = [self._held(run_id) for run_id in run_ids]
        return self.removing.remove(held, dry_run=bool(fields.get("dry_run")))

    def clean(self, fields: Fields) -> Fields:
        """`keep`, `dry_run` → runs, bytes."""
        return self.cleaning.clean(str(fields.get("keep") or self.keep), dry_run=bool(fields.get("dry_run")))

    def annotate(self, fields: Fields) -> Fields:
        """`author`, `notes`: labels, marks and remarks → written: how many lines."""
        return self.annotating.annotate(fields.get("author"), fields.get("notes"))

    def secrets(self, fields: Fields) -> Fields:
        """`values` → names of all that were given."""
        self._take_secrets({"secrets": fields.get("values")})
        return {"names": self.secrets_given.names}

    def hold(self, fields: Fields) -> Fields:
        """`device` (`cpu`, a GPU's number or UUID): start nothing more there → device, running: run ids."""
        device = named_device(str(fields.get("device")), self.queue.devices())
        self.holds.hold(device)
        workers = self.queue.state().workers
        running = [row["run_id"] for row in workers if device in row["device"].split(",") and row["run_id"] is not None]
        return {"device": device, "running": running}

    def release(self, fields: Fields) -> Fields:
        """`device`, or `all` that are held → devices that are free again."""
        held = self.holds.devices
        if not fields.get("all"):
            named = named_device(str(fields.get("device")), self.queue.devices())
            held = [device for device in held if device == named]
        self.holds.release(held)
        return {"devices": held}

    def stop(self, _: Fields) -> Fields:
        """End the server, not its workers → pid, workers that live on."""
        self.stop_server()
        return {"pid": os.getpid(), "workers": self.queue.state().running}

    def _take_secrets(self, fields: Fields) -> None:
        changed = self.secrets_given.give(fields.get("secrets") or {})
        if changed:
            self.queue.use_new_secrets(changed)

    def _held(self, run_id: object) -> str:
        named = isinstance(run_id, str) and WORK_ID.fullmatch(run_id)
        if not named or not (self.lab.work(str(run_id)) / "spec.json").is_file():
            raise UsageError(f"no run {run_id!r} in {self.lab.root}; `idemtui ls` and `ls --jobs` name what it holds.")
        return str(run_id)


def _priority(fields: Fields, usual: int | None = None) -> int:
    value = fields.get("priority", usual)
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) > 1_000_000:
        raise UsageError(f"priority = {value!r}: a whole number is needed; 0 is usual, higher goes first.")
    return value
