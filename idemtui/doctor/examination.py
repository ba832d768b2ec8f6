"""The doctor: everything that can be told of a lab from outside, in a few seconds, without starting or changing it."""

from __future__ import annotations

from collections.abc import Callable

from idemtui.doctor.check import Check
from idemtui.doctor.folder import check_disk, check_folder, check_settings
from idemtui.doctor.gpu import check_gpus
from idemtui.doctor.hub import check_hub
from idemtui.doctor.logout import check_logout, check_reboot, read_login
from idemtui.doctor.memory import Memory, check_database, check_journals
from idemtui.doctor.models import check_models
from idemtui.doctor.patient import Patient, examine_server
from idemtui.doctor.serving import check_lock, check_server, check_socket
from idemtui.doctor.work import check_devices, check_interrupted, check_queue, check_secrets, check_workers
from store.lab import Lab


def examine(lab: Lab) -> list[Check]:
    """All checks; one that fails itself is a finding, not an end. Of no lab, or another user's, the machine's alone."""
    folder = _tried("lab folder", lambda: check_folder(lab))
    login = read_login()
    machine: list[tuple[str, Callable[[], Check]]] = [("gpus", check_gpus), ("hub", check_hub)]
    if folder.level == "bad":
        machine.append(("logout", lambda: check_logout(Patient(lab, None, "dead"), login)))
        return [folder, *(_tried(name, check) for name, check in machine)]
    patient = examine_server(lab)
    memory = Memory(patient)
    checks: list[tuple[str, Callable[[], Check]]] = [
        ("disk", lambda: check_disk(patient)),
        ("lock", lambda: check_lock(patient)),
        ("socket", lambda: check_socket(patient)),
        ("server", lambda: check_server(patient)),
        ("settings", lambda: check_settings(patient)),
        ("workers", lambda: check_workers(patient, memory.names)),
        ("database", lambda: check_database(patient, memory)),
        ("journals", lambda: check_journals(patient, memory)),
        *machine,
        ("models", lambda: check_models(lab)),
        ("logout", lambda: check_logout(patient, login)),
        ("reboot", lambda: check_reboot(lab, login)),
    ]
    if patient.served:
        checks[5:5] = [
            ("queue", lambda: check_queue(patient, memory.names)),
            ("devices", lambda: check_devices(patient)),
            ("interrupted", lambda: check_interrupted(patient)),
            ("secrets", lambda: check_secrets(patient)),
        ]
    return [folder, *(_tried(name, check) for name, check in checks)]


def _tried(name: str, check: Callable[[], Check]) -> Check:
    try:
        return check()
    except OSError as error:
        return Check(name, "bad", f"could not be looked at: {error}")
