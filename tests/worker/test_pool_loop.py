"""The loops of a pool: what they share with the plain one, and when they give way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from fluid import AsyncConsumer, Backoff, Mailbox, QueueConsumerWorker, Retry
from fluid.utils.dispatcher import AsyncDispatcher
from fluid.worker.consumers.plain import SLICE_SECONDS
from tests.worker.fakes import now
from tests.worker.group_cast import end_of
from tests.worker.queue_cast import Recorder, Untouchable, account, taking

each_way = pytest.mark.parametrize(
    "options",
    [{}, {"key": type}, {"retry": Retry(OSError)}, {"handler_timeout": 100}],
    ids=["bare", "keyed", "retrying", "limited"],
)


@each_way
async def test_nobody_looks_into_a_message(options) -> None:
    """Q17"""
    consumer = Recorder(taking(1), concurrency=2, stopping_grace_period=0, **options)
    async with consumer:
        for _ in range(3):
            await consumer.put(Untouchable())
        await asyncio.sleep(1.5)
    assert len(consumer.handled) == (1 if "key" in options else 2)
    assert consumer.worker_mailbox.account().adds_up


@each_way
@pytest.mark.parametrize("message", [0, "", [], {}, False], ids=repr)
async def test_a_falsy_message_is_a_message_and_a_wake_up_is_none(options, message) -> None:
    """Q18"""
    consumer = Recorder(concurrency=2, **options)
    async with consumer:
        consumer.send(None)
        consumer.send(message)
    assert consumer.handled == [message]


@each_way
async def test_a_handler_that_is_not_async_is_explained(options) -> None:
    consumer = QueueConsumerWorker(str, concurrency=2, **options)  # type: ignore[arg-type]
    await consumer.startup()
    consumer.send(1)
    error = await end_of(consumer.wait_for_shutdown())
    assert isinstance(error, TypeError)
    assert "async def" in error.__notes__[0]


@each_way
async def test_the_handler_is_read_for_each_message(options) -> None:
    found = []

    async def old(_message: object) -> None:
        found.append("old")
        consumer.on_message = new

    async def new(_message: object) -> None:
        found.append("new")

    consumer = QueueConsumerWorker(old, concurrency=2, **options)
    async with consumer:
        for number in range(3):
            consumer.send(number)
            await consumer.join()
    assert found == ["old", "new", "new"]


@each_way
async def test_a_dispatcher_may_have_a_pool(options) -> None:
    class Words(AsyncDispatcher[str]):
        def event_type(self, message: str) -> str:
            return message

    words = Words()
    words.register_handler("go", taking(1))
    options = options | ({"key": id} if "key" in options else {})
    consumer = AsyncConsumer(words, concurrency=3, **options)
    async with consumer:
        for message in "go", "stay", "".join(("g", "o")):
            consumer.send(message)
        await consumer.join()
        assert now() == 1
    account(consumer, accepted=3, handled=3)


@each_way
async def test_follow_ups_of_a_handler_find_all_places_while_the_pool_drains(options) -> None:
    """U06: a place that is idle stays as long as a handler may send something."""

    async def handle(message: object) -> None:
        await asyncio.sleep(1)
        if message == 0:
            for follow_up in ("a", [], {}, 0.5):  # each of a type of its own
                consumer.send(follow_up)

    consumer = Recorder(handle, concurrency=4, **options)
    await consumer.startup()
    consumer.send(0)
    await asyncio.sleep(0.5)
    await consumer.shutdown()
    assert now() == 2
    account(consumer, accepted=5, handled=5)


@each_way
async def test_a_handler_may_ask_its_own_pool_to_stop(options) -> None:
    async def handle(message: object) -> None:
        await asyncio.sleep(1)
        if message == "stop":
            await consumer.shutdown()

    consumer = Recorder(handle, concurrency=2, **options)
    await consumer.startup()
    for message in "stop", 1, 2.0:
        consumer.send(message)
    await consumer.wait_for_shutdown()
    assert now() == 2
    account(consumer, accepted=3, handled=3)


# --- slices --------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [None, str], ids=["bare", "keyed"])
@pytest.mark.parametrize("size", [2, 5])
async def test_handlers_that_never_wait_hold_the_loop_for_five_milliseconds_together(
    key: Callable[[object], object] | None, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop, spent = asyncio.get_running_loop(), 0.0
    monkeypatch.setattr(loop, "time", lambda time=loop.time: time() + spent)

    async def block(_message: object) -> None:
        nonlocal spent
        spent += 0.0005

    consumer = Recorder(block, key=key, concurrency=size)
    longest = 0.0
    async with consumer:
        for number in range(400):
            consumer.send((number, number))
        while consumer.queue_size():
            before = now()
            await asyncio.sleep(0)
            longest = max(longest, now() - before)
    assert longest <= SLICE_SECONDS + size * 0.0005 + 1e-9
    account(consumer, accepted=400, handled=400)


@pytest.mark.parametrize("again", [False, True])
async def test_handlers_that_all_fail_without_a_wait_give_way_after_each_message(
    *, again: bool
) -> None:
    """Neither dead letters nor retries keep the loop from everybody else."""

    async def fail(_message: object) -> None:
        raise ValueError

    async def bury(*_: object) -> None:
        """Hears of it."""

    retry = Retry(ValueError, attempts=2, backoff=Backoff(0)) if again else None
    consumer = Recorder(fail, concurrency=3, retry=retry, on_dead_letter=bury)
    async with consumer:
        for number in range(300):
            consumer.send(number)
        before = 300
        while consumer.queue_size():
            await asyncio.sleep(0)
            assert before - consumer.queue_size() <= 3
            before = consumer.queue_size()
        await consumer.join()
    account(consumer, accepted=300, dead=300)


# --- joins and requests --------------------------------------------------------------------------


async def test_join_waits_for_what_goes_back_when_later_messages_are_settled_already() -> None:
    """A pool does not put back in order: what is settled behind a message does not count for it."""

    async def handle(message: object) -> None:
        await asyncio.sleep(message)  # type: ignore[arg-type]
        if message == 1:
            raise ValueError

    mailbox: Mailbox[object] = Mailbox()
    pool = Recorder(handle, concurrency=4, mailbox=mailbox)
    mailbox.send(100)
    mailbox.send(0.5)
    joined = asyncio.ensure_future(mailbox.join())
    await pool.startup()
    await asyncio.sleep(0)
    mailbox.send(101)
    mailbox.send(1)
    assert isinstance(await end_of(pool.wait_for_shutdown()), ValueError)
    await asyncio.sleep(1)
    account(mailbox, accepted=4, handled=1, dead=1, queued=2)
    assert not joined.done()
    async with Recorder(taking(1), mailbox=mailbox):
        await joined
    account(mailbox, accepted=4, handled=3, dead=1)


async def test_the_first_request_to_a_pool_does_not_wait_for_its_slowest_handler() -> None:
    """Which may wait for what a later message does."""

    async def handle(message: float) -> float:
        await asyncio.sleep(message)
        return message

    consumer = QueueConsumerWorker(handle, concurrency=3, stopping_grace_period=0)
    mailbox = consumer.worker_mailbox
    async with consumer:
        consumer.send(1000)
        await asyncio.sleep(1)
        assert await asyncio.gather(*map(consumer.request, (1, 2))) == [1, 2]
        assert now() == 3
        assert mailbox.unaware == 1
        await asyncio.sleep(1000)
        assert await asyncio.gather(*map(consumer.request, (1, 2, 3))) == [1, 2, 3]
        assert not mailbox.unaware
    account(mailbox, accepted=6, handled=6)


async def test_a_pool_that_never_had_a_request_leaves_no_trace_of_that() -> None:
    async with QueueConsumerWorker(taking(1), concurrency=3) as consumer:
        consumer.send(1)
        await asyncio.sleep(0.5)
        assert consumer.worker_mailbox.unaware == 3
    assert not consumer.worker_mailbox.unaware
