"""fluid: asyncio workers that end in bounded time, lose nothing silently, and can be seen.

Write a class with ``async def run(self)``; fluid starts it, watches it and stops it::

    from fluid import Worker, Workers, run

The names below are all there is to import for everyday use; the events are in
:mod:`fluid.events`, the tools for tests in :mod:`fluid.testing`.
"""

from typing import TYPE_CHECKING

from .errors import (
    ChildExists,
    ChildNotFound,
    CleanupTimeoutError,
    ConsumerClosed,
    FluidError,
    FluidValueError,
    GroupClosedError,
    HandlerTimeoutError,
    HandlerTypeError,
    HeartbeatLostError,
    MailboxFull,
    MessagesFailed,
    OverrunError,
    StartTimeoutError,
    SupervisorGaveUp,
    TooManyChildren,
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
    BatchConsumer,
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
    from .rules.backoff import Backoff
    from .rules.rate import RateLimit
    from .rules.retry import Retry
    from .runtime import run
    from .worker.pipeline import Pipeline
    from .worker.supervision import ChildSpec, DynamicSupervisor, Supervisor

__version__ = "0.1.0"

__all__ = [
    "Account",
    "AsyncConsumer",
    "Backoff",
    "BatchConsumer",
    "ChildExists",
    "ChildNotFound",
    "ChildSpec",
    "CleanupTimeoutError",
    "ConsumerClosed",
    "DynamicSupervisor",
    "FluidError",
    "FluidValueError",
    "GroupClosedError",
    "HandlerTimeoutError",
    "HandlerTypeError",
    "HasWorkers",
    "HeartbeatLostError",
    "Mailbox",
    "MailboxFull",
    "MessageProducer",
    "MessagesFailed",
    "OverrunError",
    "Pipeline",
    "QueueConsumer",
    "QueueConsumerWorker",
    "RateLimit",
    "Retry",
    "StartTimeoutError",
    "Supervisor",
    "SupervisorGaveUp",
    "TooManyChildren",
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

_ON_DEMAND = {
    "Backoff": ".rules.backoff",
    "ChildSpec": ".worker.supervision",
    "DynamicSupervisor": ".worker.supervision",
    "Pipeline": ".worker.pipeline",
    "RateLimit": ".rules.rate",
    "Retry": ".rules.retry",
    "Supervisor": ".worker.supervision",
    "run": ".runtime",
}
"""Where the names come from that not every program needs: loaded when somebody asks for them."""


def __getattr__(name: str) -> object:
    if name not in _ON_DEMAND:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    globals()[name] = found = getattr(import_module(_ON_DEMAND[name], __name__), name)
    return found
