"""What is left of a worker's life when it is over: one frozen record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..record import Record
from ..rules.lifecycle import WorkerState
from ..rules.outcome import describe

if TYPE_CHECKING:
    from datetime import datetime

    from .life import Life


class WorkerExit(Record):
    """How, why and when one incarnation of a worker ended."""

    path: str
    """The worker, as ``worker_path`` says it."""
    state: WorkerState
    """Its final state."""
    reason: str
    """The same text that ``after_shutdown`` got."""
    code: int
    """0 clean, 1 forced, 2 failed."""
    abandoned: bool
    """True if its task refused to end and was left alone."""
    exception: BaseException | None
    """What waiters get raised, if anything."""
    errors: tuple[BaseException, ...]
    """What went wrong on top of that, in order."""
    started_at: datetime
    """When ``startup()`` was called, in UTC."""
    ended_at: datetime
    """When it ended, in UTC."""
    duration: float
    """Seconds between the two on the event loop's clock, which nobody sets."""
    account: Mapping[str, int]
    """What became of its messages; empty where it has none."""

    def as_dict(self) -> dict[str, Any]:
        """Returns the record as JSON-able data, with errors as text.

        This is the only form that ever leaves the process.
        """
        return {
            "path": self.path,
            "state": self.state.value,
            "reason": self.reason,
            "code": self.code,
            "abandoned": self.abandoned,
            "exception": None if self.exception is None else error_as_dict(self.exception),
            "errors": [error_as_dict(error) for error in self.errors],
            "started_at": self.started_at.isoformat(),
            "ended_at": self.ended_at.isoformat(),
            "duration": self.duration,
            "account": dict(self.account),
        }


def error_as_dict(error: BaseException) -> dict[str, str]:
    """Returns an error as its type and its text."""
    return {"type": type(error).__name__, "message": describe(error)}


def record_of(life: Life, path: str) -> WorkerExit:
    """Returns the record of a life that has its outcome."""
    from datetime import UTC, datetime  # here, because a program that never asks need not load it

    assert life.outcome is not None
    return WorkerExit(
        path=path,
        state=life.state,
        reason=life.outcome.reason,
        code=life.outcome.code,
        abandoned=life.facts.abandoned,
        exception=life.outcome.exception,
        errors=life.outcome.errors,
        started_at=datetime.fromtimestamp(life.began_wall, UTC),
        ended_at=datetime.fromtimestamp(life.ended_wall, UTC),
        duration=life.ended_after,
        account=life.account,
    )
