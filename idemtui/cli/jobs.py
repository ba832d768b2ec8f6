"""Jobs on the command line: queueing one, following it to its end, listing and showing them."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.jobs.spec import JobSpec
    from store.client import Client
    from store.lab import Lab

Facts = dict[str, Any]
JOBS = """
SELECT job_id, kind, name, status, done, total, message, error, created_at, started_at, finished_at, log_tail
FROM jobs ORDER BY created_at, job_id
"""
LOOK_SECONDS = 0.5
ENDED = ("finished", "failed", "cancelled", "paused")


def submit_job(lab: Lab, spec: JobSpec, *, again: bool = False, priority: int = 0) -> Facts:
    """Queue a job: job_id, name, answer. `again` makes a new one where the lab holds one of the same settings."""
    from engine.jobs.spec import job_identity
    from idemtui.cli.secrets import tell_missing, values_of
    from idemtui.server.start import ensure_server

    while again and lab.work(spec.job_id).exists():
        spec = spec.model_copy(update={"again": spec.again + 1})
        spec = spec.model_copy(update={"job_id": job_identity(spec)})
    with ensure_server(lab) as client:
        status = client.command("status")
        where = {"threads": status["threads"], "device": status["device"]}
        placed = spec.model_copy(update={"execution": spec.execution.model_copy(update=where)})
        needed = spec.execution.secrets
        answer = client.command(
            "submit_job", spec=placed.model_dump(mode="json"), priority=priority, secrets=values_of(needed)
        )
        tell_missing(client, needed)
    return answer


def follow_job(lab: Lab, job_id: str, tell: Callable[[str], object]) -> Facts:
    """Wait for the job's end; `tell` gets a line whenever it is further than before. Ctrl-C leaves the job going."""
    from idemtui.cli.reading import rows, served_client

    said = ""
    with served_client(lab) as client:
        while True:
            client.changes()
            found = rows(client, f"SELECT * FROM ({JOBS}) WHERE job_id = $job", job=job_id)
            if found:
                line = progress_words(found[0])
                if line != said:
                    tell(line)
                said = line
                if found[0]["status"] in ENDED:
                    return found[0]
            time.sleep(LOOK_SECONDS)


def finish_job(lab: Lab, queued: Facts, *, detach: bool, as_json: bool) -> Facts | None:
    """Follow a queued job, or say where it is; its row once it ended, None where that is not waited for."""
    from idemtui.cli.verbs import print_answers

    if detach:
        if not as_json:
            print_answers([{"run_id": queued["job_id"], **queued}])
        return None
    name = queued["name"]
    try:
        return follow_job(lab, queued["job_id"], lambda line: None if as_json else _say(f"{name}: {line}"))
    except KeyboardInterrupt:
        sys.stderr.write(f"idemtui: the job {queued['job_id']} goes on without this terminal; `ls --jobs` shows it.\n")
        raise


def _say(line: str) -> None:
    from idemtui.text import one_line

    sys.stdout.write(f"{one_line(line)}\n")
    sys.stdout.flush()


def progress_words(job: Facts) -> str:
    """`running 40/100`, `failed: why`."""
    share = "" if job["total"] is None else f" {job['done']}/{job['total']}"
    why = f": {job['message']}" if job["message"] and job["status"] != "finished" else ""
    return f"{job['status']}{share}{why}"


def list_jobs(client: Client, *, as_json: bool) -> None:
    """`ls --jobs`."""
    from idemtui.cli.output import print_json, print_table
    from idemtui.cli.reading import rows
    from idemtui.cli.standing import lab_status, standing, status_cell

    status = lab_status(client)
    jobs = [{**job, **standing({**job, "run_id": job["job_id"]}, status)} for job in rows(client, JOBS)]
    if as_json:
        print_json(jobs)
        return
    shown = [
        {
            "id": job["job_id"],
            "job": job["name"],
            "kind": job["kind"],
            "status": status_cell(job),
            "done": "–" if job["total"] is None else f"{job['done']}/{job['total']}",
            "message": job["message"] if job["status"] != "finished" else None,
        }
        for job in jobs
    ]
    columns = ("id", "job", "kind", "status", "done", "message")
    print_table(columns, shown, empty="No jobs yet: `idemtui seed` writes seed data.", spare=("message",))


def show_job(client: Client, job: Facts, *, as_json: bool) -> None:
    """`show JOB`: where it stands, what it was asked for, what came of it."""
    import json

    from idemtui.cli.output import cell, print_json
    from idemtui.cli.reading import rows
    from idemtui.cli.show import last_lines, print_log, standing_words, troubled
    from idemtui.cli.spending import spent_on, spent_words
    from idemtui.cli.standing import lab_status, standing
    from idemtui.text import one_line

    facts = {**job, **standing(job, lab_status(client))}
    spec = json.loads(rows(client, "SELECT spec FROM jobs WHERE job_id = $job", job=job["run_id"])[0]["spec"])
    if troubled(facts) and not facts.get("log_tail"):
        facts["log_tail"] = last_lines(client.lab.work(job["run_id"]) / "worker.log")
    spent = spent_on(client, job["run_id"])
    if as_json:
        own = {key: value for key, value in facts.items() if key not in ("run_id", "study", "cell")}
        print_json({"job_id": job["run_id"], **own, "spent": spent, "spec": spec})
        return
    progress = "" if job["total"] is None else f", {job['done']} of {job['total']} done"
    settings = "  ".join(f"{key} {cell(value)}" for key, value in spec["settings"].items() if value is not None)
    sys.stdout.write(f"{one_line(job['name'])}  ({job['run_id']}, {job['kind']})\n")
    sys.stdout.write(f"{standing_words(facts)}{progress}\n{settings}\n")
    print_log(facts)
    sys.stdout.write("".join(f"judging: {one_line(line)}\n" for line in spent_words(spent)))
    if job["kind"] == "calibrate":
        from idemtui.cli.calibrate import print_doses

        print_doses(client, job["run_id"], spec["settings"])
