"""fluid: asyncio workers that end in bounded time, lose nothing silently, and can be seen.

Write a class with ``async def run(self)``; fluid starts it, watches it and stops it::

    from fluid import Worker, Workers, run

The names below are all there is to import for everyday use; the events are in
:mod:`fluid.events`, the tools for tests in :mod:`fluid.testing`.
"""

from typing import TYPE_CHECKING

from .errors import (
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
from .rules.lifecycle import WorkerState
from .worker import (
    Account,
    AsyncConsumer,
    HasWorkers,
    Mailbox,
    MessageProducer,
    QueueConsumer,
    QueueConsumerWorker,
    Worker,
    WorkerExit,
    WorkerFunction,
    Workers,
)

if TYPE_CHECKING:
    from .runtime import run

__version__ = "0.1.0"

__all__ = [
    "Account",
    "AsyncConsumer",
    "CleanupTimeoutError",
    "ConsumerClosed",
    "FluidError",
    "FluidValueError",
    "GroupClosedError",
    "HandlerTypeError",
    "HasWorkers",
    "Mailbox",
    "MailboxFull",
    "MessageProducer",
    "QueueConsumer",
    "QueueConsumerWorker",
    "StartTimeoutError",
    "ValidationError",
    "Worker",
    "WorkerCancelled",
    "WorkerDeadlockError",
    "WorkerExit",
    "WorkerFunction",
    "WorkerStartError",
    "WorkerState",
    "Workers",
    "WrongLoopError",
    "run",
]


def __getattr__(name: str) -> object:
    """Loads ``run`` when somebody asks for it: most importers only want the workers."""
    if name == "run":
        from .runtime import run

        return run
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
