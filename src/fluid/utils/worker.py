"""The documented import path of the workers."""

from typing import TYPE_CHECKING

from ..on_demand import on_demand as _on_demand
from ..rules.lifecycle import WorkerState
from ..worker import (
    HasWorkers,
    MessageProducer,
    Worker,
    WorkerExit,
    WorkerFunction,
    Workers,
)

if TYPE_CHECKING:
    from ..worker import (
        Account,
        AsyncConsumer,
        BatchConsumer,
        Mailbox,
        QueueConsumer,
        QueueConsumerWorker,
    )
else:
    from ..worker import _CONSUMERS

    __getattr__ = _on_demand(__name__, _CONSUMERS)

__all__ = [
    "Account",
    "AsyncConsumer",
    "BatchConsumer",
    "HasWorkers",
    "Mailbox",
    "MessageProducer",
    "QueueConsumer",
    "QueueConsumerWorker",
    "Worker",
    "WorkerExit",
    "WorkerFunction",
    "WorkerState",
    "Workers",
]
