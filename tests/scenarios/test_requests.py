"""Requests: whoever asks gets what the handler returns or raises, or is told that nobody will."""

from __future__ import annotations

import asyncio
import gc

import pytest

from fluid import (
    Account,
    Backoff,
    BatchConsumer,
    FluidError,
    Mailbox,
    QueueConsumerWorker,
    Retry,
)
from tests.scenarios.cast import Planned
from tests.scenarios.handling_cast import (
    ALWAYS,
    Batcher,
    Handler,
    Ledger,
    asked,
    looked_at,
    send_all,
)
from tests.worker.fakes import now
from tests.worker.group_cast import end_of
from tests.worker.queue_cast import Taker

# --- what comes of it ----------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"concurrency": 3}, {"key": str}], ids=repr)
async def test_whoever_asks_gets_what_the_handler_returns(options) -> None:
    """Q11"""
    async with Handler(Ledger(takes=1), **options) as consumer:
        assert await consumer.request("a") == "A"
        assert now() == 1
    assert consumer.worker_exit.account["handled"] == 1


@pytest.mark.parametrize("options", [{}, {"concurrency": 3}, {"key": str}], ids=repr)
async def test_whoever_asks_gets_what_the_handler_raises_and_the_consumer_goes_on(options) -> None:
    """Q11"""
    ledger = Ledger({"a": ALWAYS}, takes=1)
    async with Handler(ledger, on_dead_letter=ledger.bury, **options) as consumer:
        with pytest.raises(Planned, match="a"):
            await consumer.request("a")
        assert await consumer.request("b") == "B"
    assert ledger.dead == []
    assert consumer.worker_exit.account["dead"] == 1


async def test_requests_and_messages_are_handled_in_the_order_in_which_they_came() -> None:
    async with Handler(ledger := Ledger()) as consumer:
        consumer.send("a")
        request = await asked(consumer, "b")
        consumer.send("c")
        assert await request == "B"
    assert ledger.handled == [*"abc"]


async def test_a_request_is_tried_again_and_its_caller_waits_for_that() -> None:
    """Q02, Q11"""
    ledger = Ledger({"a": 2, "b": ALWAYS}, takes=1)
    retry = Retry(attempts=3, backoff=Backoff(1, factor=1, jitter=0))
    async with Handler(ledger, retry=retry) as consumer:
        assert await consumer.request("a") == "A"
        assert now() == 5
        with pytest.raises(Planned):
            await consumer.request("b")
        assert ledger.attempts["b"] == 3


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt()], ids=repr)
async def test_what_asks_for_the_end_of_the_process_ends_the_consumer_and_not_the_caller(
    error: BaseException,
) -> None:
    async def handle(_message: str) -> None:
        raise error

    consumer = QueueConsumerWorker(handle)
    await consumer.startup()
    with pytest.raises(FluidError) as caught:
        await consumer.request("a")
    assert caught.value.__cause__ is error
    assert await end_of(consumer.wait_for_shutdown()) is error
    assert consumer.worker_mailbox.account() == Account(1, 0, 1, 0, 0, 0, 0)


async def test_a_cancelled_error_of_the_handlers_does_not_cancel_the_caller() -> None:
    async def handle(_message: str) -> None:
        future = asyncio.get_running_loop().create_future()
        future.cancel()
        await future

    async with QueueConsumerWorker(handle) as consumer:
        with pytest.raises(FluidError, match="CancelledError") as caught:
            await consumer.request("a")
        assert isinstance(caught.value.__cause__, asyncio.CancelledError)
        assert consumer.is_ready()


# --- a loop that has never heard of requests -----------------------------------------------------


async def test_the_first_request_reaches_a_consumer_in_the_middle_of_a_slice() -> None:
    """It is answered in its turn, and nobody is handled twice or out of order."""

    async def handle(message: int) -> int:
        seen.append(message)
        if message == 100:
            await asked_for.wait()
        return message + 1

    seen: list[int] = []
    asked_for = asyncio.Event()
    consumer = QueueConsumerWorker(handle)
    async with consumer:
        wrong = looked_at(consumer)
        for number in range(200):
            consumer.send(number)
        while seen[-1:] != [100]:
            await asyncio.sleep(0)
        asyncio.get_running_loop().call_soon(asked_for.set)
        assert await consumer.request(200) == 201
        assert now() == 0
    assert seen == [*range(201)]
    assert not wrong


async def test_the_first_request_reaches_an_idle_consumer() -> None:
    async with Handler(Ledger()) as consumer:
        consumer.send("a")
        await asyncio.sleep(100)
        assert await consumer.request("b") == "B"


async def test_several_plain_consumers_of_one_mailbox_answer_in_turn() -> None:
    """Q15: also the one that was busy when the first request came."""
    mailbox: Mailbox[str] = Mailbox()
    ledgers = [Ledger(takes=1) for _ in range(3)]
    workers = [Handler(ledger, mailbox=mailbox) for ledger in ledgers]
    async with workers[0], workers[1], workers[2]:
        wrong = looked_at(workers[0])
        mailbox.send("x")
        await asyncio.sleep(0.5)
        answers = await asyncio.gather(*(workers[0].request(letter) for letter in "abcdef"))
        assert answers == [*"ABCDEF"]
        assert now() == 3
    assert all(ledger.handled for ledger in ledgers)
    assert mailbox.unaware == 0
    assert not wrong


# --- a caller that is gone -----------------------------------------------------------------------


async def test_a_caller_that_is_gone_before_the_error_leaves_it_to_the_consumer() -> None:
    """Q11: as that of any message, which ends a consumer that has no hook."""
    ledger = Ledger({"a": ALWAYS}, takes=2)
    consumer = Handler(ledger, mailbox=Mailbox())
    await consumer.startup()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1):
            await consumer.request("a")
    assert isinstance(await end_of(consumer.wait_for_shutdown()), Planned)
    assert consumer.worker_mailbox.account().dead == 1


async def test_with_a_hook_an_error_that_no_caller_hears_is_a_dead_letter() -> None:
    """Q11"""
    ledger = Ledger({"a": ALWAYS}, takes=2)
    async with Handler(ledger, on_dead_letter=ledger.bury) as consumer:
        request = await asked(consumer, "a")
        request.cancel()
    assert ledger.dead == [("a", "Planned", 1)]


async def test_an_error_that_meets_a_cancel_in_one_step_is_the_cause_of_the_cancel() -> None:
    """It was the caller's already, so nobody else hears of it."""

    async def handle(_message: str) -> None:
        asyncio.get_running_loop().call_soon(request.cancel)
        raise Planned("in the same step")

    async with QueueConsumerWorker(handle) as consumer:
        request = asyncio.ensure_future(consumer.request("a"))
        with pytest.raises(asyncio.CancelledError) as caught:
            await request
    assert isinstance(caught.value.__cause__, Planned)


# --- other ways to take it -----------------------------------------------------------------------


async def test_a_run_of_ones_own_takes_the_message_of_a_request() -> None:
    """What has been settled is answered, without a result."""
    async with Taker() as consumer:
        assert await consumer.worker_mailbox.request("a") is None
    assert consumer.handled == ["a"]


async def test_a_batch_answers_each_of_its_requests() -> None:
    ledger = Ledger({"b": ALWAYS}, takes=1)
    async with Batcher(ledger, size=3, on_dead_letter=ledger.bury) as consumer:
        requests = [asyncio.ensure_future(consumer.worker_mailbox.request(m)) for m in "abc"]
        answers = await asyncio.gather(*requests, return_exceptions=True)
    assert [type(answer) for answer in answers] == [type(None), Planned, type(None)]
    assert ledger.dead == []


async def test_a_batch_that_ends_the_consumer_tells_all_who_wait_for_it() -> None:
    async def fail(_batch: list[str]) -> None:
        raise Planned("all of it")

    consumer = BatchConsumer(fail, size=3)
    await consumer.startup()
    mailbox = consumer.worker_mailbox
    send_all(consumer, "a")
    requests = [asyncio.ensure_future(mailbox.request(letter)) for letter in "bc"]
    for request in requests:
        assert isinstance(await end_of(request), Planned)
    assert isinstance(await end_of(consumer.wait_for_shutdown()), Planned)
    assert mailbox.account().dead == 3


async def test_a_request_that_has_failed_leaves_nothing_for_the_collector() -> None:
    async def fail(message: int) -> None:
        raise ValueError(message)

    async with QueueConsumerWorker(fail) as consumer:
        for _ in range(2):  # the first one makes the consumer listen to requests
            gc.collect()
            with pytest.raises(ValueError, match="1"):
                await consumer.request(1)
        assert gc.collect() < 10  # what pytest.raises itself leaves
