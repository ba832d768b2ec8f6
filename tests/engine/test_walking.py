"""One run folder worked on by the real worker with fake models: how it stops, fails, and goes on."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from engine.children import close_after
from engine.commands import append_command
from engine.errors import ProcessError, TrainingError
from engine.events import (
    AdapterTrained,
    Event,
    RunCancelled,
    RunFailed,
    RunFinished,
    RunPaused,
    RunStarted,
    SamplesDrawn,
    TrainStepped,
)
from engine.fakes import FakeSampler, FakeTrainer
from engine.journal import Journal
from engine.kept_models import KeptModels
from engine.log import StopAsked
from engine.safe_point import Stopping
from engine.score_events import SamplesJudged
from engine.spec import Execution
from engine.walking import GPU_FAILED, attempt
from tests.engine.chains import make_spec, write_pack
from tests.engine.fake_parts import FakeParts, work_on
from tests.engine.workers import events, results, write_run


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    return write_pack(tmp_path / "pack").folder


@pytest.fixture
def run(tmp_path: Path, pack: Path) -> Path:
    return write_run(tmp_path / "runs/0123456789", make_spec(pack))


@pytest.fixture
def whole(tmp_path: Path, pack: Path, parts: FakeParts) -> list[Event]:
    """The results of a run that nothing disturbed."""
    folder = write_run(tmp_path / "whole", make_spec(pack))
    assert work_on(folder) == 0
    parts.sampler, parts.trainer = FakeSampler(), FakeTrainer()
    return results(folder)


class AskingTrainer(FakeTrainer):
    """Asks something of its run at a step of its training."""

    def __init__(self, run: Path, ask: str, job: int = 2) -> None:
        super().__init__()
        self.run, self.ask, self.job = run, ask, job

    def _train(self, job: Any) -> Any:
        if len(self.jobs) == self.job:
            append_command(self.run, self.ask)  # type: ignore[arg-type]
        return super()._train(job)


class HeldTrainer(AskingTrainer):
    """Lets go of processes whose memory the driver does not give back."""

    def _train(self, job: Any) -> Any:
        try:
            return super()._train(job)
        except StopAsked as asked:
            close_after(asked, _held)
            raise


def _held() -> None:
    raise ProcessError("shards were killed, but GPU 0 (process 7) still counts memory to it", "Held")


@pytest.mark.parametrize("ask", ["pause_requested", "cancel_requested"])
def test_memory_that_stays_held_is_a_note_of_the_pause(run: Path, parts: FakeParts, ask: str) -> None:
    parts.trainer = HeldTrainer(run, ask)
    assert work_on(run) == 0
    end = events(run)[-1]
    assert isinstance(end, RunPaused | RunCancelled)
    said = end.message if isinstance(end, RunPaused) else end.reason
    assert said.endswith("ed by its user; shards were killed, but GPU 0 (process 7) still counts memory to it")


def test_a_pause_in_a_training_leaves_nothing_half_done(run: Path, whole: list[Event], parts: FakeParts) -> None:
    parts.trainer = AskingTrainer(run, "pause_requested")
    assert work_on(run) == 0
    assert events(run)[-1] == RunPaused(cause="asked", message="paused by its user", pid=os.getpid())
    assert isinstance(events(run)[-2], TrainStepped)
    assert not (run / "cycles/02").exists()
    assert work_on(run) == 0, "still paused: one more word, nothing done"
    assert isinstance(events(run)[-1], RunPaused)
    append_command(run, "queued")
    parts.trainer = FakeTrainer()
    assert work_on(run) == 0
    assert isinstance(events(run)[-1], RunFinished)
    assert results(run) == whole
    assert len(parts.trainer.jobs) == 2, "the interrupted training from its start, and the last"


def test_a_cancel_wins_over_a_pause_and_is_recorded(run: Path, parts: FakeParts) -> None:
    append_command(run, "pause_requested")
    append_command(run, "cancel_requested")
    assert work_on(run) == 0
    assert events(run) == [RunCancelled(reason="cancelled by its user", pid=os.getpid())]
    assert parts.sampler.batches == 0


def free(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=count))


def test_a_nearly_full_disk_pauses_until_there_is_room(
    run: Path, whole: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IDEMTUI_DISK_RESERVE_MB", "300")
    free(monkeypatch, 299_000_000)
    assert work_on(run) == 0
    message = f"299 MB free on {run}, 300 MB are kept free; it goes on when there is room"
    assert events(run) == [RunPaused(cause="disk", message=message, pid=os.getpid())]
    free(monkeypatch, 301_000_000)
    assert work_on(run) == 0
    assert results(run) == whole


def test_a_training_asks_for_room_for_its_adapter(run: Path, parts: FakeParts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDEMTUI_DISK_RESERVE_MB", "1")
    free(monkeypatch, 1_000_100)
    assert work_on(run) == 0
    paused = events(run)[-1]
    assert isinstance(paused, RunPaused)
    assert "1 MB are kept free and the next adapter may take 1 MB" in paused.message
    assert [job.output.parent.name for job in parts.trainer.jobs] == ["00"], "an adapter of 64 bytes wants 192"


def test_a_reserve_that_is_no_number_is_refused(
    run: Path, parts: FakeParts, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("IDEMTUI_DISK_RESERVE_MB", "lots")
    assert work_on(run) == 2
    assert "IDEMTUI_DISK_RESERVE_MB = 'lots'; allowed: a whole number" in capfd.readouterr().err


class FullDisk:
    """A journal's file on a disk with room for `lines` more lines, of which the last is torn."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, lines: int) -> None:
        self.lines, self.write = lines, Journal._write
        monkeypatch.setattr(Journal, "_write", lambda journal, data, durable: self._write(journal, data, durable))

    def _write(self, journal: Journal, data: bytes, durable: bool) -> None:
        self.lines -= 1
        if self.lines < 0:
            with journal.path.open("ab") as file:
                file.write(data[: len(data) // 2])
            raise OSError(errno.ENOSPC, "No space left on device")
        self.write(journal, data, durable)


@pytest.mark.parametrize("lines", [0, 3, 12, 30])
def test_a_full_disk_is_75_and_leaves_no_torn_line(
    run: Path, whole: list[Event], lines: int, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with monkeypatch.context() as full:
        FullDisk(full, lines)
        assert work_on(run) == 75
    assert len(events(run)) == lines
    assert (run / "events.jsonl").read_bytes().count(b"\n") == lines
    assert (run / "events.jsonl").read_bytes()[-1:] in (b"", b"\n")
    assert "its disk or quota is full; it goes on when there is room" in capfd.readouterr().err
    assert work_on(run) == 0
    assert results(run) == whole


def test_a_full_disk_with_room_for_one_line_says_so_in_the_journal(
    run: Path, parts: FakeParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full(FakeTrainer):
        def train(self, jobs: Any) -> Any:
            from engine.disk import naming_full_disk

            with naming_full_disk(jobs[0].output):
                raise OSError(errno.EDQUOT, "Disk quota exceeded")

    parts.trainer = Full()
    assert work_on(run) == 0
    paused = events(run)[-1]
    assert isinstance(paused, RunPaused)
    assert (paused.cause, "cycles/00/adapter: its disk or quota is full" in paused.message) == ("disk", True)


def test_a_changed_spec_is_refused(run: Path, parts: FakeParts) -> None:
    parts.trainer = AskingTrainer(run, "pause_requested")
    assert work_on(run) == 0
    started = next(event for event in events(run) if isinstance(event, RunStarted))
    assert len(started.spec_sha256) == 64
    append_command(run, "queued")
    spec = run / "spec.json"
    frozen = spec.read_text()
    spec.write_text(frozen.replace('"learning_rate":0.001', '"learning_rate":0.002'))
    assert work_on(run) == 1
    failed = events(run)[-1]
    assert isinstance(failed, RunFailed)
    assert failed.message.startswith("spec.json changed since the run was begun (sha256 ")
    spec.write_text(frozen)
    assert work_on(run) == 0
    assert isinstance(events(run)[-1], RunFinished)


class Broken(FakeSampler):
    def __init__(self, error: BaseException, after: int = 0) -> None:
        super().__init__()
        self.error, self.after = error, after

    def draw(self, *args: Any, **options: Any) -> Any:
        if self.batches >= self.after:
            raise self.error
        return super().draw(*args, **options)


class HeldModels(KeptModels):
    """Holds a vLLM whose memory the driver does not give back."""

    def __init__(self) -> None:
        super().__init__()
        self._served["m"] = SimpleNamespace(close=_held)  # type: ignore[assignment]


def test_memory_that_stays_held_does_not_keep_a_failure_from_its_journal(
    run: Path, parts: FakeParts, capfd: pytest.CaptureFixture[str]
) -> None:
    parts.sampler = Broken(TrainingError("blew up"))
    assert attempt(run, Stopping(), HeldModels()) == 1
    assert isinstance(events(run)[-1], RunFailed)
    with HeldModels():
        pass
    assert capfd.readouterr().err.count("GPU 0 (process 7) still counts memory") == 2


class TorchError(RuntimeError):
    pass


@pytest.mark.parametrize(
    ("error", "after", "told"),
    [
        (MemoryError(), 0, "out of memory on cpu at M_init, sample_eval; lower one of eval.batch_size (now 4), "),
        (TorchError("CUDA out of memory. Tried to"), 4, "at M_1, sample_train; lower one of sample.batch_size"),
        (TorchError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling"), 0, "out of memory on cpu at M_init"),
    ],
)
def test_out_of_memory_says_where_and_what_to_lower(
    run: Path, parts: FakeParts, error: BaseException, after: int, told: str
) -> None:
    parts.sampler = Broken(error, after)
    assert work_on(run) == 1
    failed = events(run)[-1]
    assert isinstance(failed, RunFailed)
    assert failed.error == "OutOfMemoryError"
    assert told in failed.message
    assert "\n" not in failed.message


def test_a_gpu_that_fails_says_where_and_ends_the_process(
    run: Path, parts: FakeParts, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def dead() -> None:
        raise TorchError("CUDA error: an illegal memory access was encountered")

    monkeypatch.setattr("torch.cuda.empty_cache", dead)
    parts.sampler = Broken(TorchError("CUDA error: an illegal memory access was encountered\nCompile with"), 4)
    assert work_on(run) == GPU_FAILED
    failed = events(run)[-1]
    assert isinstance(failed, RunFailed)
    assert failed.message.startswith(
        "CUDA error: an illegal memory access was encountered on cpu at M_1, sample_train; "
    )
    assert capfd.readouterr().err.endswith("idemtui: CUDA error: an illegal memory access was encountered\n")


def test_secrets_reach_neither_log_nor_journal(
    tmp_path: Path,
    pack: Path,
    parts: FakeParts,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_abcdefgh")
    monkeypatch.setenv("LAB_PASS", "open sesame")
    spec = make_spec(pack).model_copy(update={"execution": Execution(threads=1, secrets=("LAB_PASS",))})
    run = write_run(tmp_path / "run", spec)
    for error in (ValueError("401 for hf_abcdefgh, open sesame"), TrainingError("asked with hf_abcdefgh, open sesame")):
        parts.sampler = Broken(error)
        assert work_on(run) == 1
        said = capfd.readouterr().err + (run / "events.jsonl").read_text() + (run / "spec.json").read_text()
        assert "with ***, ***" in said or "for ***, ***" in said
        assert "hf_abcdefgh" not in said
        assert "open sesame" not in said


def stop_after_cycle(run: Path, parts: FakeParts, cycle: int) -> None:
    """A run that has trained `cycle` and was stopped before it went on."""
    parts.trainer = AskingTrainer(run, "pause_requested", job=cycle + 1)
    assert work_on(run) == 0
    append_command(run, "queued")
    parts.trainer = FakeTrainer()


def test_an_adapter_that_nothing_needs_may_be_gone(run: Path, whole: list[Event], parts: FakeParts) -> None:
    stop_after_cycle(run, parts, 1)
    shutil.rmtree(run / "cycles/00")
    assert work_on(run) == 0
    assert results(run) == whole


def test_an_adapter_that_is_needed_may_not_be_gone(run: Path, parts: FakeParts) -> None:
    stop_after_cycle(run, parts, 1)
    shutil.rmtree(run / "cycles/01")
    assert work_on(run) == 1
    failed = events(run)[-1]
    assert isinstance(failed, RunFailed)
    assert "is gone: the adapter of cycle 1 is needed to go on" in failed.message


def test_what_a_killed_worker_left_half_written_is_cleared_away(run: Path, parts: FakeParts) -> None:
    left = run / "cycles/00/.adapter.partial"
    left.mkdir(parents=True)
    (left / "adapter_model.safetensors").write_bytes(b"half")
    assert work_on(run) == 0
    assert not left.exists()


def test_a_clock_that_jumps_back_changes_nothing(
    run: Path, whole: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    from datetime import UTC, datetime, timedelta

    class Backwards:
        now_is = datetime(2030, 1, 1, tzinfo=UTC)

        @classmethod
        def now(cls, zone: object) -> datetime:
            cls.now_is -= timedelta(hours=1)
            return cls.now_is

    monkeypatch.setattr("engine.journal.datetime", Backwards)
    assert work_on(run) == 0
    assert results(run) == whole
    stages = [event for event in events(run) if event.type == "stage_finished"]
    assert all(event.seconds >= 0 and event.memory > 1_000_000 for event in stages)


def test_training_killed_at_any_step_is_trained_once(
    run: Path, whole: list[Event], parts: FakeParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kill is an end between any two lines of the journal."""
    kinds = (SamplesDrawn, SamplesJudged, AdapterTrained)
    ends = [place for place, event in enumerate(whole) if isinstance(event, kinds)]
    for _ in ends:
        with monkeypatch.context() as cut:
            FullDisk(cut, 7)
            if work_on(run) == 0:
                break
        parts.trainer, parts.sampler = FakeTrainer(), FakeSampler()
    work_on(run)
    assert results(run) == whole
    adapters = [event.cycle for event in events(run) if isinstance(event, AdapterTrained)]
    assert adapters == [0, 1, 2, 3]
