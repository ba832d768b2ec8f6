"""One job being worked on: what a kind is given, and the few things that all kinds do."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from engine.job_events import JobProgressed
from engine.jobs.spec import JobSpec
from engine.kept_models import KeptModels
from engine.log import Log
from engine.secrets import hide_secrets

if TYPE_CHECKING:
    from engine.models import LoadedModel


@dataclass(frozen=True)
class Job:
    """A job whose folder's lock is held; `log.state` is what its journal says was done."""

    spec: JobSpec
    folder: Path
    log: Log
    models: KeptModels

    @property
    def lab(self) -> Path:
        """The lab that it belongs to: its runs are in `runs/`, its judgements in `judgements/`."""
        return self.folder.parent.parent

    def load(self, name: str) -> LoadedModel:
        """A model that the spec names, kept from the job or run before where that is possible."""
        import torch

        torch.set_num_threads(self.spec.execution.threads)
        named = {each for each in (self.spec.model, self.spec.judge) if each is not None}
        self.models.keep_only({name, *named}, self.spec.execution.device)
        self.log.safe_point()
        return self.models.take(name, self.spec.execution.device)

    def say(self, text: str) -> None:
        """Tell the worker's log, without the values of secrets."""
        print(hide_secrets(text, self.spec.execution.secrets), file=sys.stderr, flush=True)

    def progress(self, done: int, total: int) -> None:
        """Tell how far it is, where that is new."""
        if (done, total) != self.log.state.progress:
            self.log.append(JobProgressed(done=done, total=total))
