"""The documented import path of the errors."""

from ..errors import (
    CleanupTimeoutError,
    ConsumerClosed,
    FluidError,
    FluidValueError,
    GroupClosedError,
    HandlerTypeError,
    MailboxFull,
    StartTimeoutError,
    ValidationError,
    WorkerCancelled,
    WorkerDeadlockError,
    WorkerStartError,
    WrongLoopError,
)

__all__ = [
    "CleanupTimeoutError",
    "ConsumerClosed",
    "FluidError",
    "FluidValueError",
    "GroupClosedError",
    "HandlerTypeError",
    "MailboxFull",
    "StartTimeoutError",
    "ValidationError",
    "WorkerCancelled",
    "WorkerDeadlockError",
    "WorkerStartError",
    "WrongLoopError",
]
