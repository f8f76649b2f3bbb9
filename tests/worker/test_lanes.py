"""Keys, seen closely: turns, ages of queues, room, memory, and key functions that misbehave."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Callable

import pytest

from fluid import Backoff, Mailbox, QueueConsumerWorker, Retry
from fluid.worker.lanes import AHEAD, Lane
from fluid.worker.plain import SLICE_SECONDS
from tests.worker.fakes import now
from tests.worker.group_cast import end_of
from tests.worker.queue_cast import Keeper, Recorder, account, hang, taking


def first(message: object) -> object:
    """Returns the first part of a message, its key."""
    return message[0]  # type: ignore[index]


# --- turns ---------------------------------------------------------------------------------------


async def test_a_newcomer_waits_for_one_more_message_of_a_hot_key_at_the_most() -> None:
    consumer = Recorder(taking(1), key=first, concurrency=1)
    async with consumer:
        for number in range(10):
            consumer.send(("hot", number))
        await asyncio.sleep(0.5)
        consumer.send(("new", 0))
        await asyncio.sleep(3)
        assert consumer.handled == [("hot", 0), ("hot", 1), ("new", 0)]
        consumer.pause()


async def test_a_newcomer_behind_a_thousand_messages_of_a_hot_key_waits_for_a_few_dozen() -> None:
    """In one place at a time, sixteen are sorted for each one that is handled."""
    consumer = Recorder(key=first, concurrency=1)
    for number in range(1000):
        consumer.send(("hot", number))
    consumer.send(("new", 0))
    async with consumer:
        await consumer.join()
    assert consumer.handled.index(("new", 0)) == 1000 // AHEAD + 1


async def test_where_a_place_is_free_a_newcomer_waits_for_none_of_them() -> None:
    consumer = Recorder(taking(1), key=first, concurrency=2)
    for number in range(1000):
        consumer.send(("hot", number))
    consumer.send(("new", 0))
    async with consumer:
        await asyncio.sleep(1.5)
        assert consumer.handled == [("hot", 0), ("new", 0)]
        consumer.pause()


async def test_keys_take_turns() -> None:
    consumer = Recorder(key=first, concurrency=1)
    for key in "abc":
        for number in range(3):
            consumer.send((key, number))
    async with consumer:
        await consumer.join()
    assert consumer.handled == [(key, number) for number in range(3) for key in "abc"]


@pytest.mark.parametrize("key", [None, first], ids=["bare", "keyed"])
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


async def test_sorting_ten_thousand_messages_of_a_busy_key_gives_way() -> None:
    asked = 0

    def key(_message: object) -> int:
        nonlocal asked
        asked += 1
        return 1

    consumer = Recorder(hang, key=key, concurrency=2, stopping_grace_period=0)
    async with consumer:
        for number in range(10_000):
            consumer.send(number)
        while asked < 10_000:
            before = asked
            await asyncio.sleep(0)
            assert asked - before <= 600
    account(consumer, accepted=10_000, dropped=10_000)


# --- room and joins ------------------------------------------------------------------------------


async def test_what_waits_behind_its_key_takes_room_in_the_mailbox() -> None:
    """B01"""
    consumer = Recorder(taking(1), key=first, concurrency=3, maxsize=3)
    async with consumer:
        putters = [asyncio.ensure_future(consumer.put(("a", number))) for number in range(6)]
        await asyncio.sleep(0.5)
        account(consumer, accepted=4, queued=3, in_hand=1)
        assert [putter.done() for putter in putters] == [True] * 4 + [False] * 2
        await asyncio.sleep(1)
        account(consumer, accepted=5, handled=1, queued=3, in_hand=1)
        await consumer.join()
    assert consumer.handled == [("a", number) for number in range(6)]


async def test_join_waits_for_a_message_that_others_have_overtaken() -> None:
    async def handle(message: object) -> None:
        await asyncio.sleep(message[1])  # type: ignore[index]

    consumer = Recorder(handle, key=first, concurrency=3)
    async with consumer:
        consumer.send(("a", 5))
        consumer.send(("a", 1))
        joined = asyncio.ensure_future(consumer.join())
        for number in range(20):
            consumer.send((number, 0.1))
        await asyncio.sleep(5.5)
        account(consumer, accepted=22, handled=21, in_hand=1)
        assert not joined.done()
        await joined
        assert now() == 6


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


async def test_join_waits_for_both_of_two_consumers_of_which_one_keeps_messages_aside() -> None:
    mailbox: Mailbox[object] = Mailbox()

    async def handle(message: object) -> None:
        await asyncio.sleep(message)  # type: ignore[arg-type]

    retrying = Recorder(handle, mailbox=mailbox, concurrency=2, retry=Retry(OSError))
    plain = Recorder(handle, mailbox=mailbox)
    async with plain:
        mailbox.send(5)
        await asyncio.sleep(0.1)
        async with retrying:
            mailbox.send(1)
            await asyncio.sleep(0.1)
            await mailbox.join()
            assert now() == 5
    account(mailbox, accepted=2, handled=2)


# --- key functions -------------------------------------------------------------------------------


@pytest.mark.parametrize("concurrency", [1, 3])
async def test_a_message_without_a_key_has_failed(concurrency: int) -> None:
    """As if its handler had raised: the key function did, or its result cannot be a key."""
    died = []

    async def bury(message: object, error: BaseException, attempts: int) -> None:
        died.append((message, type(error), attempts))

    consumer = Recorder(key=lambda m: m["key"], concurrency=concurrency, on_dead_letter=bury)
    async with consumer:
        consumer.send({"key": 1})
        consumer.send({})
        consumer.send({"key": []})
        consumer.send({"key": 2})
    assert died == [({}, KeyError, 1), ({"key": []}, TypeError, 1)]
    assert consumer.handled == [{"key": 1}, {"key": 2}]
    account(consumer, accepted=4, handled=2, dead=2)


async def test_without_a_hook_it_ends_the_consumer() -> None:
    consumer = Keeper(key=lambda m: m["key"], concurrency=2)
    await consumer.startup()
    consumer.send({})
    consumer.send({"key": 1})
    assert isinstance(await end_of(consumer.wait_for_shutdown()), KeyError)
    assert consumer.worker_mailbox.account().dead == 1
    assert consumer.worker_mailbox.account().adds_up


@pytest.mark.parametrize("wrong", [SystemExit, KeyboardInterrupt, asyncio.CancelledError])
async def test_a_key_function_that_wants_to_end_the_process_ends_the_consumer(wrong) -> None:
    def key(_message: object) -> object:
        raise wrong

    consumer = Recorder(key=key, concurrency=2)
    await consumer.startup()
    consumer.send(1)
    assert type(await end_of(consumer.wait_for_shutdown())) is wrong
    account(consumer, accepted=1, dead=1)


@pytest.mark.parametrize("key", [None, 0, "", (), float("nan")], ids=repr)
async def test_any_hashable_value_is_a_key(key: object) -> None:
    consumer = Recorder(taking(1), key=lambda _: key, concurrency=3)
    async with consumer:
        for number in range(3):
            consumer.send(number)
        await consumer.join()
        assert now() == 3
    assert consumer.handled == [0, 1, 2]


async def test_a_key_function_that_looks_at_the_account_finds_that_it_adds_up() -> None:
    def key(message: object) -> object:
        found = consumer.worker_mailbox.account()
        assert found.adds_up, found
        assert min(found) >= 0, found
        return message

    consumer = Recorder(taking(1), key=key, concurrency=2)
    async with consumer:
        for number in range(5):
            consumer.send(number % 2)
    account(consumer, accepted=5, handled=5)


async def test_a_key_function_that_sends_has_sent() -> None:
    def key(message: int) -> int:
        if message < 3:
            consumer.send(message + 1)
        return 0

    consumer = Recorder(key=key, concurrency=2)
    async with consumer:
        consumer.send(0)
        await consumer.join()
    assert consumer.handled == [0, 1, 2, 3]


# --- memory --------------------------------------------------------------------------------------


def lanes_in_memory() -> int:
    """Returns how many lanes there are."""
    gc.collect()
    return sum(type(each) is Lane for each in gc.get_objects())


@pytest.mark.usefixtures("little_to_collect")
@pytest.mark.parametrize("keeps_order", [True, False])
async def test_keys_that_have_no_message_any_more_take_no_memory(*, keeps_order: bool) -> None:
    """Ten thousand messages, half of which fail once, over ten thousand keys."""
    failed = set()

    async def handle(message: object) -> None:
        if message % 2 and message not in failed:  # type: ignore[operator]
            failed.add(message)
            raise OSError

    retry = Retry(OSError, backoff=Backoff(1, jitter=0), keeps_order=keeps_order)
    consumer = QueueConsumerWorker(handle, key=lambda message: message, concurrency=8, retry=retry)
    async with consumer:
        for number in range(10_000):
            consumer.send(number)
        await consumer.join()
        await asyncio.sleep(1)
        assert len(failed) == 5_000
        assert not consumer.worker_mailbox.parcels
        assert not consumer.worker_mailbox.aside
        assert lanes_in_memory() == 0
    account(consumer, accepted=10_000, handled=10_000)


async def test_a_keyed_message_that_was_handled_is_not_kept_alive() -> None:
    class Message:
        pass

    consumer = QueueConsumerWorker(taking(0), key=type, concurrency=2)
    async with consumer:
        for _ in range(3):
            consumer.send(message := Message())
        await asyncio.sleep(1)
        reference = weakref.ref(message)
        del message
        gc.collect()
        assert reference() is None


# --- requests ------------------------------------------------------------------------------------


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
