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
from .on_demand import on_demand as _on_demand
from .rules.lifecycle import WorkerState
from .worker import (
    HasWorkers,
    MessageProducer,
    Worker,
    WorkerExit,
    WorkerFunction,
    Workers,
)

if TYPE_CHECKING:
    from .rules.backoff import Backoff
    from .rules.rate import RateLimit
    from .rules.retry import Retry
    from .rules.schedules.cron import cron
    from .rules.schedules.every import every
    from .rules.schedules.policies import Missed, Overlap
    from .rules.schedules.schedule import Schedule
    from .runtime import run
    from .worker import (
        Account,
        AsyncConsumer,
        BatchConsumer,
        Fire,
        Mailbox,
        PeriodicWorker,
        QueueConsumer,
        QueueConsumerWorker,
    )
    from .worker.pipeline import Pipeline
    from .worker.supervision import ChildSpec, DynamicSupervisor, Supervisor
else:
    from .worker import _CONSUMERS, _TIMERS

    __getattr__ = _on_demand(
        __name__,
        {
            **_CONSUMERS,
            **_TIMERS,
            "Backoff": "fluid.rules.backoff",
            "ChildSpec": "fluid.worker.supervision",
            "DynamicSupervisor": "fluid.worker.supervision",
            "Missed": "fluid.rules.schedules.policies",
            "Overlap": "fluid.rules.schedules.policies",
            "Pipeline": "fluid.worker.pipeline",
            "RateLimit": "fluid.rules.rate",
            "Retry": "fluid.rules.retry",
            "Schedule": "fluid.rules.schedules.schedule",
            "Supervisor": "fluid.worker.supervision",
            "cron": "fluid.rules.schedules.cron",
            "every": "fluid.rules.schedules.every",
            "run": "fluid.runtime",
        },
    )


def __dir__() -> list[str]:
    """Returns the names in here, with those that nobody has asked for yet; editors ask for it."""
    return sorted({*globals(), *__all__})


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
    "Fire",
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
    "Missed",
    "Overlap",
    "OverrunError",
    "PeriodicWorker",
    "Pipeline",
    "QueueConsumer",
    "QueueConsumerWorker",
    "RateLimit",
    "Retry",
    "Schedule",
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
    "cron",
    "every",
    "run",
]
