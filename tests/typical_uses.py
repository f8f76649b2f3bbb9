"""What users write, for the type checker alone: nothing here is ever run."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, assert_type

from fluid import (
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
    WorkerState,
    run,
)
from fluid.events import WorkerEvent, WorkerFailed
from fluid.utils.dispatcher import AsyncDispatcher, Event


class Ticker(Worker):
    start_timeout = 5.0

    async def run(self) -> None:
        while await self.sleep(1):
            reply = await self.wait_or_stop(answer())
            assert_type(reply, int | None)
            either = await self.wait_or_stop(answer(), default="stopped")
            assert_type(either, int | str)


async def answer() -> int:
    return 42


async def handle(message: str) -> None:
    print(message)


class Batcher(QueueConsumer[bytes]):
    async def run(self) -> None:
        while self.is_running() or self.queue_size():
            assert_type(await self.get_message(), bytes | None)

    async def on_undelivered(self, messages: Sequence[bytes]) -> None:
        print(len(messages))


class Orders(AsyncDispatcher[dict[str, str]]):
    def event_type(self, message: dict[str, str]) -> str:
        return message["type"]


class Service(HasWorkers):
    def get_workers(self) -> Sequence[Worker]:
        return [Ticker()]


def feed(producer: MessageProducer[str]) -> None:
    producer.send("hello")
    producer.send(None)


def listen(event: WorkerEvent) -> None:
    if isinstance(event, WorkerFailed):
        assert_type(event.exception, BaseException)
        assert_type(event.duration, float)


async def main() -> None:
    mailbox: Mailbox[str] = Mailbox(maxsize=10)
    consumer = QueueConsumerWorker(handle, mailbox=mailbox, name="greeter")
    feed(consumer)
    feed(mailbox)
    assert_type(consumer.worker_mailbox, Mailbox[str])
    assert_type(mailbox.account(), Account)
    orders = Orders()
    orders.register_handler(Event("order"), send)
    group = Workers(
        consumer,
        AsyncConsumer(orders),
        WorkerFunction(tick, heartbeat=1),
        Batcher(maxsize=5),
        *Service().get_workers(),
        stop_in_reverse=True,
    )
    unsubscribe = group.subscribe(listen)
    async with group as entered:
        assert_type(entered, Workers)
        assert_type(group.worker_state, WorkerState)
        assert_type(await group.status(), dict[str, Any])
        group.add_workers(Ticker(stopping_grace_period=3))
    unsubscribe()
    assert_type(group.worker_exit, WorkerExit | None)


async def send(order: dict[str, str]) -> None:
    print(order["id"])


async def tick() -> None:
    await asyncio.sleep(0)


run(Workers(Ticker(), name="app"))
