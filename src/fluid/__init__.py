"""fluid: asyncio workers that end in bounded time, lose nothing silently, and can be seen.

Write a class with ``async def run(self)``; fluid starts it, watches it and stops it::

    from fluid import Worker, Workers, run

The names below are all there is to import for everyday use; the events are in
:mod:`fluid.events`, the tools for tests in :mod:`fluid.testing`.
"""

from typing import TYPE_CHECKING

from .errors import (
    ChildEnd,
    ChildExists,
    ChildNotFound,
    CleanupTimeoutError,
    ConsumerClosed,
    FluidError,
    FluidValueError,
    GroupClosed,
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
    from .rules.restart import AutoShutdown, Restart, Strategy
    from .rules.retry import Retry
    from .rules.schedules.cron import Cron, cron
    from .rules.schedules.every import Every, every
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
    from .worker.consumers.kinds import HandlingConsumer
    from .worker.pipeline import Pipeline
    from .worker.slot import ChildState
    from .worker.supervision import (
        ChildCounts,
        ChildInfo,
        ChildSpec,
        DynamicSupervisor,
        RestartLimits,
        Supervisor,
    )
else:
    from .worker import _CONSUMERS, _TIMERS

    __getattr__ = _on_demand(
        __name__,
        {
            **_CONSUMERS,
            **_TIMERS,
            "AutoShutdown": "fluid.rules.restart",
            "Backoff": "fluid.rules.backoff",
            "ChildCounts": "fluid.worker.supervision",
            "ChildInfo": "fluid.worker.supervision",
            "ChildSpec": "fluid.worker.supervision",
            "ChildState": "fluid.worker.slot",
            "Cron": "fluid.rules.schedules.cron",
            "DynamicSupervisor": "fluid.worker.supervision",
            "Every": "fluid.rules.schedules.every",
            "HandlingConsumer": "fluid.worker.consumers.kinds",
            "Missed": "fluid.rules.schedules.policies",
            "Overlap": "fluid.rules.schedules.policies",
            "Pipeline": "fluid.worker.pipeline",
            "RateLimit": "fluid.rules.rate",
            "Restart": "fluid.rules.restart",
            "RestartLimits": "fluid.worker.supervision",
            "Retry": "fluid.rules.retry",
            "Schedule": "fluid.rules.schedules.schedule",
            "Strategy": "fluid.rules.restart",
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
    "AutoShutdown",
    "Backoff",
    "BatchConsumer",
    "ChildCounts",
    "ChildEnd",
    "ChildExists",
    "ChildInfo",
    "ChildNotFound",
    "ChildSpec",
    "ChildState",
    "CleanupTimeoutError",
    "ConsumerClosed",
    "Cron",
    "DynamicSupervisor",
    "Every",
    "Fire",
    "FluidError",
    "FluidValueError",
    "GroupClosed",
    "HandlerTimeoutError",
    "HandlerTypeError",
    "HandlingConsumer",
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
    "Restart",
    "RestartLimits",
    "Retry",
    "Schedule",
    "StartTimeoutError",
    "Strategy",
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
