"""The lab in a few words above its runs: what is wrong, devices, workers, queue and disk."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from rich.cells import cell_len
from rich.text import Text

from idemtui.console.facts import Glance
from idemtui.console.lab_facts import Device, Server, Worker
from idemtui.device_words import gauge_words, gigabytes, other_words, together, used_words
from idemtui.text import one_line

Word = tuple[str, str]
"""Words and their style; nothing is said by the style alone."""
GAP = "   "
MOST_LINES = 5


def strip_text(server: Server | None, glance: Glance, width: int, tall: bool) -> Text:
    """One line where the screen is short, else up to MOST_LINES; what is wrong comes first."""
    if server is None:
        return Text("")
    words = [*_warnings(server, tall), *(_long(server, glance) if tall else _short(server))]
    return _flow(words, width, MOST_LINES if tall else 1)


def _warnings(server: Server, tall: bool) -> Iterable[Word]:
    if server.disk_low:
        kept = f", {server.reserve_megabytes} MB are kept back: runs pause until there is more" if tall else ""
        yield f"! disk low: {disk(server)}{kept}", "bold red"
    if server.interrupted:
        yield f"! {len(server.interrupted)} interrupted: I chooses", "bold yellow"
    silent = sum(worker.silent_minutes is not None for worker in server.workers)
    if silent:
        yield f"! {silent} silent", "bold yellow"


def _short(server: Server) -> Iterable[Word]:
    counted = Counter(device.state for device in server.devices)
    if len(server.devices) == 1:
        device = server.devices[0]
        reason = f": {one_line(device.reason, 40)}" if device.state in ("taken", "held") else ""
        yield f"{_named(device, 12)} {device.state}{reason}", _tone(device)
        yield from ((word, "") for word in [_short_gauges(device)] if word)
    elif server.devices:
        yield "devices " + ", ".join(f"{n} {state}" for state, n in counted.items()), ""
        yield from ((word, "") for word in [together([device.figures for device in server.devices])] if word)
    yield _number(len(server.workers), "worker"), ""
    yield f"{len(server.waiting)} waiting", ""
    if server.free_gigabytes is not None and not server.disk_low:
        yield disk(server), "dim"


def _short_gauges(device: Device) -> str:
    """`61/80 GB used, 90 %`: the memory's share and how busy it is."""
    busy = device.figures.get("utilization")
    return ", ".join(word for word in (used_words(device.figures), "" if busy is None else f"{busy} %") if word)


def _named(device: Device, most: int) -> str:
    """A GPU by its number and name, which its UUID does not add to."""
    if device.name.startswith("GPU "):
        return one_line(device.name, most)
    return device.device


def _long(server: Server, glance: Glance) -> Iterable[Word]:
    for device in server.devices:
        yield _device(device, server, glance), _tone(device)
    yield from ((_idle(worker), "dim") for worker in server.workers if not worker.run_id)
    yield f"{len(server.waiting)} waiting{_reasons(server)}", ""
    yield f"{_number(server.slots, 'slot')}", "dim"
    if server.free_gigabytes is not None and not server.disk_low:
        yield disk(server), "dim"
    yield f"server {server.version}, process {server.pid}", "dim"


def _reasons(server: Server) -> str:
    counted = Counter(one_line(waiting.reason, 60) for waiting in server.waiting)
    if len(counted) == 1:
        return "".join(f": {reason}" for reason in counted if reason)
    return "".join(f"; {n} {reason}" for reason, n in counted.items())


def _device(device: Device, server: Server, glance: Glance) -> str:
    called = _named(device, 40)
    words = f"{called if called != device.device else f'{called} {one_line(device.name, 40)}'.strip()} {device.state}"
    gauges, others = gauge_words(device.figures), other_words(device.figures)
    words += f", {gauges}" if gauges else ""
    words += f", beside {others}" if others else ""
    if device.state in ("taken", "held"):
        told = others and "left alone" in device.reason
        return words if told else f"{words}: {one_line(device.reason, 60)}"
    here = [worker for worker in server.workers if worker.run_id and device.device in worker.device.split(",")]
    names = ", ".join(_busy(worker, glance, device) for worker in here)
    note = f" ({one_line(device.reason, 60)})" if device.reason else ""
    return f"{words}: {names}{note}" if names else f"{words}{note}"


def _busy(worker: Worker, glance: Glance, device: Device) -> str:
    run = glance.run(worker.run_id)
    name = one_line(run.name, 24) if run else worker.run_id
    notes = [f"process {worker.pid}"]
    taken = next((p["memory"] for p in device.figures.get("processes") or () if p["pid"] == worker.pid), None)
    if taken is not None:
        notes.append(f"{gigabytes(taken)} GB")
    if worker.adopted:
        notes.append("of an earlier server")
    if worker.silent_minutes is not None:
        notes.append(f"no event for {worker.silent_minutes} min")
    return f"{name} ({', '.join(notes)})"


def _idle(worker: Worker) -> str:
    return f"process {worker.pid} keeps {one_line(worker.model, 24)} loaded"


def disk(server: Server) -> str:
    """The room that is left."""
    free = server.free_gigabytes
    return "" if free is None else f"{free:g} GB free" if free >= 1 else f"{1000 * free:.0f} MB free"


def _tone(device: Device) -> str:
    return {"taken": "yellow", "held": "yellow", "free": "dim"}.get(device.state, "")


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}" + ("" if count == 1 else "s")


def _flow(words: Iterable[Word], width: int, most: int) -> Text:
    """Words in lines of `width` cells; what does not fit is left out, the last line cut with …."""
    text, left, lines = Text(" ", no_wrap=True, overflow="ellipsis", end=""), width - 1, 1
    for word, style in words:
        needed = cell_len(word) + (0 if left == width - 1 else len(GAP))
        if needed > left and left < width - 1:
            if lines == most:
                break
            text.append("\n ")
            left, lines, needed = width - 1, lines + 1, cell_len(word)
        text.append(GAP if needed > cell_len(word) else "")
        text.append(word, style)
        left -= needed
    return text
