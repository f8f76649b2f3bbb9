"""What users write, for the type checker alone: nothing here is ever run."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, assert_type
from zoneinfo import ZoneInfo

from fluid import (
    Account,
    AsyncConsumer,
    Backoff,
    BatchConsumer,
    ChildSpec,
    DynamicSupervisor,
    Fire,
    HasWorkers,
    Mailbox,
    MessageProducer,
    MessagesFailed,
    Missed,
    Overlap,
    PeriodicWorker,
    Pipeline,
    QueueConsumer,
    QueueConsumerWorker,
    RateLimit,
    Retry,
    Supervisor,
    SupervisorGaveUp,
    Worker,
    WorkerExit,
    WorkerFunction,
    Workers,
    WorkerState,
    cron,
    every,
    run,
)
from fluid.events import FireFailed, FiresMissed, WorkerEvent, WorkerFailed
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


class Mailer(QueueConsumerWorker[str]):
    async def on_message(self, message: str) -> int:
        return len(message)

    async def on_dead_letter(self, message: str, error: BaseException, attempts: int) -> None:
        print(message, error, attempts)


class Rows(BatchConsumer[int]):
    async def on_batch(self, batch: list[int]) -> None:
        raise MessagesFailed({0: ValueError(batch[0])})


async def store(batch: list[str]) -> None:
    print(len(batch))


async def keep(message: str, error: BaseException, attempts: int) -> None:
    print(message, error, attempts)


def first_letter(message: str) -> str:
    return message[:1]


def consumers() -> Pipeline:
    retry = Retry(on=(OSError, TimeoutError), attempts=3, backoff=Backoff(1), keeps_order=False)
    limited = RateLimit(100, per=60, burst=20)
    mailer = Mailer(name="mailer", concurrency=8, retry=retry, rate_limit=limited)
    assert_type(mailer.worker_mailbox, Mailbox[str])
    keyed = QueueConsumerWorker(handle, concurrency=4, key=first_letter, on_dead_letter=keep)
    rows = Rows(size=10, age=0.5, handler_timeout=30, on_dead_letter=None)
    batches = BatchConsumer(store, size=10, retry=Retry(OSError))
    assert_type(batches, BatchConsumer[str])
    dispatching = AsyncConsumer(Orders(), concurrency=2, key=str, retry=retry)
    return Pipeline(mailer, keyed, dispatching, batches, rows)


async def ask(consumer: QueueConsumerWorker[str]) -> None:
    consumer.pause()
    consumer.resume()
    answer: int = await consumer.request("hello")
    print(answer, (await consumer.status())["handling"]["oldest_age"])


class Cleaner(PeriodicWorker):
    schedule = every(60, first="after")
    overlap = Overlap.QUEUE_ONE
    missed = Missed.all(3)
    errors = Backoff(1)
    seed = 7

    async def on_fire(self) -> None:
        self.beat()


class Reporter(PeriodicWorker):
    schedule = cron("30 2 * * MON-FRI", tz=ZoneInfo("Europe/Berlin"))
    errors = "continue"

    async def on_fire(self, fire: Fire) -> None:
        assert_type(fire.number, int)
        assert_type(fire.due, datetime)
        assert_type(fire.missed, int)


async def report(fire: Fire) -> int:
    return fire.number


async def report_to(address: str, fire: Fire) -> None:
    print(address, fire.due)


async def timers() -> Workers:
    new_year = datetime(2030, 1, 1, tzinfo=UTC)
    options = PeriodicWorker(
        tick,
        every(timedelta(minutes=15), first="aligned", jitter=10, until=new_year, max_fires=100),
        name="options",
        stopping_grace_period=3,
        overlap=Overlap.concurrent(4),
        missed=Missed.SKIP,
        errors="continue",
        seed=7,
    )
    nightly = PeriodicWorker(report, cron("@daily", tz="local"))
    nightly.reschedule(every(5))
    print(nightly.schedule, (await nightly.status())["timer"]["next_fire"])
    return Workers(options, nightly, PeriodicWorker(partial(report_to, "me"), every(1)), Cleaner())


def wrong_timers() -> None:
    PeriodicWorker(tick, 5)  # type: ignore[arg-type]
    PeriodicWorker(tick(), every(5))  # type: ignore[arg-type]
    PeriodicWorker(print, every(5))  # type: ignore[arg-type]
    PeriodicWorker(tick, every(5), overlap="skip")  # type: ignore[arg-type]
    PeriodicWorker(tick, every(5), missed=3)  # type: ignore[arg-type]
    PeriodicWorker(tick, every(5), errors="raise")  # type: ignore[arg-type]
    PeriodicWorker(tick, every(5), "name")  # type: ignore[call-arg]
    every("5")  # type: ignore[arg-type]
    every(5, first="later")  # type: ignore[arg-type]
    every(5, until="2030-01-01")  # type: ignore[arg-type]
    cron(5)  # type: ignore[arg-type]
    cron("@daily", "UTC")  # type: ignore[call-arg]


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
    elif isinstance(event, FireFailed):
        assert_type(event.delay, float | None)
    elif isinstance(event, FiresMissed):
        assert_type(event.count, int)


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


class Connection(Worker):
    def __init__(self, host: str, *, port: int = 80) -> None:
        super().__init__(name=host)
        self.port = port

    async def run(self) -> None:
        while await self.sleep(1):
            self.beat()


async def supervise() -> None:
    spec = ChildSpec(
        lambda: Connection("db", port=5432),
        id="db",
        restart="transient",
        significant=True,
        stopping_grace_period=0,
        backoff=Backoff(initial=5),
    )
    connections = DynamicSupervisor(Connection, restart="temporary", heartbeat_timeout=5)
    app = Supervisor(
        Ticker,
        Ticker(name="other"),
        spec,
        connections,
        strategy="rest_for_one",
        auto_shutdown="any_significant",
    )
    try:
        async with app as entered:
            assert_type(entered, Supervisor)
            assert_type(await app.add_child(Ticker), Worker)
            assert_type(await app.restart_child("db"), Worker)
            assert_type(await app.stop_child("db"), WorkerExit | None)
            assert_type(await connections.start_child("one.example", port=8080), Connection)
            assert_type(app.tree(), str)
            for child in app.children():
                assert_type(child.worker, Worker)
                assert_type(child.restart_in, float | None)
            app.set_limits(max_restarts=app.limits().max_restarts + 1)
    except SupervisorGaveUp as error:
        for end in error.history:
            assert_type(end.uptime, float | None)


async def send(order: dict[str, str]) -> None:
    print(order["id"])


async def tick() -> None:
    await asyncio.sleep(0)


run(Workers(Ticker(), name="app"))
