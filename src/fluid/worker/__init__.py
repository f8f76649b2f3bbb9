"""Workers: the base, and the kinds that come with fluid."""

from typing import TYPE_CHECKING

from ..on_demand import on_demand as _on_demand
from .base import HasWorkers, MessageProducer, Worker
from .exit import WorkerExit
from .function import WorkerFunction
from .group import Workers

if TYPE_CHECKING:
    from .consumers.account import Account
    from .consumers.kinds import AsyncConsumer, BatchConsumer, QueueConsumerWorker
    from .consumers.mailbox import Mailbox
    from .consumers.queue import QueueConsumer
    from .timers.fire import Fire
    from .timers.periodic import PeriodicWorker
else:
    _CONSUMERS = {
        "Account": "fluid.worker.consumers.account",
        "AsyncConsumer": "fluid.worker.consumers.kinds",
        "BatchConsumer": "fluid.worker.consumers.kinds",
        "Mailbox": "fluid.worker.consumers.mailbox",
        "QueueConsumer": "fluid.worker.consumers.queue",
        "QueueConsumerWorker": "fluid.worker.consumers.kinds",
    }
    _TIMERS = {
        "Fire": "fluid.worker.timers.fire",
        "PeriodicWorker": "fluid.worker.timers.periodic",
    }
    __getattr__ = _on_demand(__name__, _CONSUMERS | _TIMERS)

__all__ = [
    "Account",
    "AsyncConsumer",
    "BatchConsumer",
    "Fire",
    "HasWorkers",
    "Mailbox",
    "MessageProducer",
    "PeriodicWorker",
    "QueueConsumer",
    "QueueConsumerWorker",
    "Worker",
    "WorkerExit",
    "WorkerFunction",
    "Workers",
]
