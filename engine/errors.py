"""Every error a user can cause, in one tree.

    IdemtuiError                 it could not be done            exit 1
    ├── UsageError               the call or a file is wrong     exit 2
    │   ├── SpecError            a study file: file, key, value, what is allowed
    │   ├── PackError            a trait pack's file
    │   ├── ModelError           a model folder or hub id
    │   └── QueryError           SQL that is no single reading statement
    ├── JournalError             a journal that cannot be trusted
    ├── GuardError               a training that silently did nothing
    ├── TrainingError            a training that blew up
    ├── ProcessError             a process of the worker's own keeps its GPU's memory after its end
    │   ├── ServingError         vLLM could not be started, failed, or serves other weights than it should
    │   └── ShardError           a model in several processes, one of which failed
    ├── ServedError              a generator's server that refuses or keeps failing
    ├── JudgeError               a judge's server that refuses, fails or cannot give what is asked of it
    ├── ResumeError              what a run was built on is no longer what it was
    ├── DiskFullError            no room to write what must not be lost    exit 75
    ├── LockedError              another process holds it
    ├── LabError                 the lab folder: permission, version
    └── ServerError              the lab server cannot be reached or refused

Each message is one line: what failed, the offending value, what is allowed, what to do next. Line breaks that come with
an offending value, such as a key of a harmed file, are taken out.
"""

from __future__ import annotations


class IdemtuiError(Exception):
    """Base of every error that ends in one clear line instead of a traceback."""

    exit_code = 1

    def __str__(self) -> str:
        return " ".join(super().__str__().splitlines())


class UsageError(IdemtuiError):
    """The call or a file is wrong."""

    exit_code = 2


class SpecError(UsageError):
    """A study file that cannot be resolved."""


class PackError(UsageError):
    """A trait pack that is missing, broken or too small."""


class ModelError(UsageError):
    """A model that cannot be loaded as asked."""


class QueryError(UsageError):
    """SQL that is not one reading statement, or that DuckDB refuses."""


class JournalError(IdemtuiError):
    """A journal with a line in its middle that cannot be read."""


class GuardError(IdemtuiError):
    """A training that silently did nothing."""


class TrainingError(IdemtuiError):
    """A training whose loss or gradient is no longer a number."""


class ProcessError(IdemtuiError):
    """A process of the worker's own failed at a request, is gone, or its memory stays held.

    `kind` is the name of what it raised, `Ended` where it is gone, `Held` where a GPU still counts memory to it.
    """

    def __init__(self, message: str, kind: str = "") -> None:
        super().__init__(message)
        self.kind = kind


class ServingError(ProcessError):
    """vLLM could not be started, failed, or serves other weights than it should."""


class ShardError(ProcessError):
    """A process that holds a part of a model failed, or is gone."""


class JudgeError(IdemtuiError):
    """A judge's server that refuses, fails or cannot give what is asked of it; the run goes on when it can."""


class ServedError(IdemtuiError):
    """A generator's server that refuses or keeps failing; the job goes on when it can."""


class ResumeError(IdemtuiError):
    """What a run was built on is no longer what it was."""


class DiskFullError(IdemtuiError):
    """No room to write what must not be lost; whoever meets it stops and goes on when there is room."""

    exit_code = 75


class LockedError(IdemtuiError):
    """Another process holds the file or folder."""


class LabError(IdemtuiError):
    """The lab folder cannot be used: permission, version, missing."""


class ServerError(IdemtuiError):
    """The lab server cannot be started or reached, or refused a command."""
