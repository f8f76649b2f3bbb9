"""fluid: asyncio workers that end in bounded time, lose nothing silently, and can be seen.

Write a class with ``async def run(self)``; fluid starts it, watches it and stops it::

    from fluid import Worker, Workers, run

The names below are all there is to import for everyday use; the events are in
:mod:`fluid.events`, the tools for tests in :mod:`fluid.testing`.
"""

from .errors import (
    CleanupTimeoutError,
    ConsumerClosed,
    FluidError,
    FluidValueError,
    GroupClosedError,
    MailboxFull,
    StartTimeoutError,
    ValidationError,
    WorkerCancelled,
    WorkerDeadlockError,
    WorkerStartError,
    WrongLoopError,
)
from .rules.lifecycle import WorkerState
from .runtime import run
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

__version__ = "0.1.0"

__all__ = [
    "Account",
    "AsyncConsumer",
    "CleanupTimeoutError",
    "ConsumerClosed",
    "FluidError",
    "FluidValueError",
    "GroupClosedError",
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
