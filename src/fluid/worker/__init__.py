"""Workers: the base, and the kinds that come with fluid."""

from .account import Account
from .base import HasWorkers, MessageProducer, Worker
from .consumers import AsyncConsumer, BatchConsumer, QueueConsumerWorker
from .exit import WorkerExit
from .function import WorkerFunction
from .group import Workers
from .mailbox import Mailbox
from .queue import QueueConsumer

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
    "Workers",
]
