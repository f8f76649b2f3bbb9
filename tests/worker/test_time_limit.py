"""The limit to the time of a handler: cancelled, cancelled again, left alone, at exact times."""

from __future__ import annotations

import asyncio
from math import inf

import pytest

from fluid import Backoff, HandlerTimeoutError, QueueConsumerWorker, Retry
from fluid.events import HandlerAbandoned, WorkerEvent
from tests.worker.fakes import deaf_to, now
from tests.worker.group_cast import end_of
from tests.worker.queue_cast import account, task_of

each_size = pytest.mark.parametrize("concurrency", [1, 2])


class Limited(QueueConsumerWorker[str]):
    """Has two seconds for each message, and hears of those that are dead."""

    def __init__(self, **options) -> None:
        super().__init__(**{"handler_timeout": 2, "name": "limited", **options})
        self.began: list[tuple[float, str]] = []
        self.died: list[tuple[float, str, BaseException, int]] = []
        self.events: list[WorkerEvent] = []
        self.subscribe(self.events.append)

    async def on_message(self, message: str) -> None:
        self.began.append((now(), message))
        match message.split():
            case ["takes", seconds]:
                await asyncio.sleep(float(seconds))
            case ["deaf", cancels]:
                await deaf_to(float(cancels))(self)
            case ["returns"]:
                try:
                    await asyncio.sleep(inf)
                except asyncio.CancelledError:
                    await asyncio.sleep(0.5)
            case ["raises"]:
                try:
                    await asyncio.sleep(inf)
                finally:
                    raise OSError(message)

    async def on_dead_letter(self, message: str, error: BaseException, attempts: int) -> None:
        self.died.append((now(), message, error, attempts))


async def after(messages: str, **options) -> Limited:
    """Returns a consumer that has handled messages, which are written with commas between them."""
    consumer = Limited(**options)
    async with consumer:
        for message in messages.split(", "):
            consumer.send(message)
        await consumer.join()
    return consumer


@each_size
async def test_a_handler_that_ends_in_time_notices_nothing(concurrency: int) -> None:
    consumer = await after("takes 1.9, takes 1.9", concurrency=concurrency)
    assert now() == pytest.approx(3.8 / concurrency)
    account(consumer, accepted=2, handled=2)


@each_size
async def test_a_handler_that_takes_too_long_is_cancelled_and_its_message_has_failed(
    concurrency: int,
) -> None:
    """Q10"""
    consumer = await after("takes 9", concurrency=concurrency)
    ((at, message, error, attempts),) = consumer.died
    assert (at, message, attempts) == (2, "takes 9", 1)
    assert isinstance(error, HandlerTimeoutError)
    assert str(error) == "a handler of consumer 'limited' did not end within 2 seconds"
    assert (error.timeout, error.abandoned) == (2, False)
    assert any("on_message" in line for line in error.stack)
    assert error.__cause__ is None
    account(consumer, accepted=1, dead=1)


async def test_without_a_hook_it_ends_the_consumer_as_any_error_does() -> None:
    consumer = QueueConsumerWorker(deaf_to(0), handler_timeout=2)
    await consumer.startup()
    consumer.send(1)
    consumer.send(2)
    with pytest.raises(HandlerTimeoutError):
        await consumer.wait_for_shutdown()
    assert now() == 2
    account(consumer, accepted=2, dead=1, queued=1)


@each_size
async def test_each_attempt_has_the_whole_time(concurrency: int) -> None:
    retry = Retry(TimeoutError, attempts=3, backoff=Backoff(1, factor=1, jitter=0))
    consumer = await after("takes 9", concurrency=concurrency, retry=retry)
    assert [at for at, _ in consumer.began] == [0, 3, 6]
    assert [(at, attempts) for at, _, _, attempts in consumer.died] == [(8, 3)]


@each_size
async def test_a_handler_that_returns_after_all_has_handled_its_message(concurrency: int) -> None:
    consumer = await after("returns", concurrency=concurrency)
    assert now() == 2.5
    account(consumer, accepted=1, handled=1)


@each_size
async def test_an_error_of_its_own_is_what_a_cancelled_handler_fails_with(concurrency: int) -> None:
    consumer = await after("raises", concurrency=concurrency)
    ((at, _, error, _),) = consumer.died
    assert (at, str(error)) == (2, "raises")


@each_size
async def test_a_handler_that_ignores_its_cancel_is_cancelled_again_a_period_later(
    concurrency: int,
) -> None:
    consumer = await after("deaf 1", concurrency=concurrency)
    ((at, _, error, _),) = consumer.died
    assert at == 2 + consumer.cancel_period
    assert isinstance(error, HandlerTimeoutError)
    assert not error.abandoned


@each_size
async def test_a_handler_that_ignores_both_is_left_alone_and_its_place_is_free(
    concurrency: int,
) -> None:
    """Q10"""
    consumer = Limited(concurrency=concurrency, retry=Retry(TimeoutError))
    async with consumer:
        for message in ["deaf inf", "takes 1"] + ["takes 1.5"] * 4:
            consumer.send(message)
        await consumer.join()
        ((at, message, error, attempts),) = consumer.died
        assert (at, message, attempts) == (2 + 2 * consumer.cancel_period, "deaf inf", 1)
        assert isinstance(error, HandlerTimeoutError)
        assert error.abandoned
        assert str(error).endswith("nor when it was cancelled; it still runs")
        account(consumer, accepted=6, handled=5, dead=1)
        assert (await consumer.status())["handling"]["abandoned"] == 1
    assert len(consumer.began) == 6
    assert sum(isinstance(event, HandlerAbandoned) for event in consumer.events) == 1
    assert consumer.worker_exit.abandoned
    await asyncio.sleep(4000)


async def test_a_consumer_whose_stragglers_have_ended_before_it_has_left_nobody_alone() -> None:
    consumer = Limited()
    async with consumer:
        consumer.send("deaf inf")
        await asyncio.sleep(4000)
    assert not consumer.worker_exit.abandoned
    account(consumer, accepted=1, dead=1)


async def test_a_straggler_that_raises_in_the_end_changes_nothing() -> None:
    class Late(Limited):
        async def on_message(self, message: str) -> None:
            await super().on_message(message)
            raise ValueError(message)

    consumer = Late()
    async with consumer:
        consumer.send("deaf inf")
        await asyncio.sleep(4000)
    account(consumer, accepted=1, dead=1)
    assert consumer.worker_exit.exception is None


@each_size
async def test_a_stop_by_force_cancels_a_limited_handler_and_its_message_goes_back(
    concurrency: int,
) -> None:
    consumer = Limited(
        concurrency=concurrency, handler_timeout=inf, stopping_grace_period=1, name="forced"
    )
    await consumer.startup()
    consumer.send("takes 100")
    consumer.send("deaf 1")
    await consumer.shutdown()
    assert now() == 1 + (concurrency - 1) * consumer.cancel_period
    account(consumer, accepted=2, dropped=2)


@each_size
async def test_a_cancel_does_not_prolong_the_time_of_a_handler(concurrency: int) -> None:
    consumer = Limited(concurrency=concurrency)
    await consumer.startup()
    consumer.send("deaf inf")
    await asyncio.sleep(1)
    task_of(consumer).cancel()
    error = await end_of(consumer.wait_for_shutdown())
    assert isinstance(error, asyncio.CancelledError)
    assert now() <= 2 + 2 * consumer.cancel_period
    assert consumer.worker_exit.abandoned
    await asyncio.sleep(4000)
