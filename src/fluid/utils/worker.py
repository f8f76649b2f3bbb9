"""The documented import path of the workers."""

from ..rules.lifecycle import WorkerState
from ..worker import (
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
