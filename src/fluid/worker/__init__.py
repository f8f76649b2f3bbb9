"""Workers: the base, and the kinds that come with fluid."""

from .base import HasWorkers, MessageProducer, Worker
from .consumers.account import Account
from .consumers.kinds import AsyncConsumer, BatchConsumer, QueueConsumerWorker
from .consumers.mailbox import Mailbox
from .consumers.queue import QueueConsumer
from .exit import WorkerExit
from .function import WorkerFunction
from .group import Workers

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
