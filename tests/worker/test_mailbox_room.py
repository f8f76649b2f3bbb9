"""A mailbox with a limit: who gets in, in which order, and who is turned away."""

from __future__ import annotations

import asyncio
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from math import inf, nan

import pytest

from fluid import ConsumerClosed, FluidError, FluidValueError, Mailbox, MailboxFull, WrongLoopError
from tests.worker.fakes import now
from tests.worker.queue_cast import Keeper, Recorder, Taker, account, bury, hang, taking, task_of


@pytest.mark.parametrize("maxsize", [-1, 1.0, 1.5, True, False, None, "1", nan, inf])
def test_a_limit_is_a_whole_number_zero_or_more(maxsize) -> None:
    """B09"""
    with pytest.raises(FluidValueError, match="maxsize"):
        Mailbox(maxsize=maxsize)


def test_a_limit_belongs_to_the_mailbox_if_there_is_one() -> None:
    with pytest.raises(FluidValueError, match=r"Mailbox\(maxsize=3\)"):
        Recorder(mailbox=Mailbox(), maxsize=3)


def test_without_a_limit_there_is_always_room() -> None:
    """B04"""
    mailbox: Mailbox[object] = Mailbox()
    for number in range(10_000):
        mailbox.send(number)
    account(mailbox, accepted=10_000, queued=10_000)


@pytest.mark.parametrize("maxsize", [1, 2, 7])
async def test_a_full_mailbox_refuses_what_is_sent_without_waiting(maxsize: int) -> None:
    """B01, B09"""
    consumer = Recorder(hang, maxsize=maxsize, stopping_grace_period=0)
    for number in range(maxsize):
        consumer.send(number)
    with pytest.raises(MailboxFull, match=rf"{maxsize} messages? waits?"):
        consumer.send("one too many")
    account(consumer, accepted=maxsize, queued=maxsize)
    async with consumer:
        await asyncio.sleep(1)  # one is in hand now, and does not wait any more
        consumer.send("one more")
        with pytest.raises(MailboxFull):
            consumer.send("one too many")


async def test_a_wake_up_takes_no_room() -> None:
    mailbox: Mailbox[object] = Mailbox(maxsize=1)
    mailbox.send(1)
    mailbox.send(None)
    await mailbox.put(None)
    account(mailbox, accepted=1, queued=1)


async def test_put_waits_for_room_and_gets_it_as_soon_as_a_message_is_taken() -> None:
    """B01"""
    consumer = Recorder(taking(10), maxsize=1)
    async with consumer:
        await consumer.put("first")
        await consumer.put("second")
        assert now() < 1
        await consumer.put("third")
        assert now() == 10


async def test_put_has_a_time_limit_like_every_wait_and_its_message_is_not_inside() -> None:
    """B01"""
    consumer = Recorder(taking(4), maxsize=1)
    async with consumer:
        consumer.send(0)
        await asyncio.sleep(1)
        consumer.send(1)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(2):
                await consumer.put("late")
    assert consumer.handled == [0, 1]


@pytest.mark.parametrize("kind", [Recorder, Taker])
async def test_a_thousand_putters_get_in_first_come_first_served(kind) -> None:
    """B02"""
    consumer = kind(taking(0), maxsize=1)
    async with consumer:
        await asyncio.gather(*(consumer.put(number) for number in range(1000)))
    assert consumer.handled == list(range(1000))


async def test_nobody_gets_in_before_those_who_wait() -> None:
    consumer = Recorder(taking(1), maxsize=1)
    async with consumer:
        for number in range(2):
            await consumer.put(number)
        waiting = [asyncio.ensure_future(consumer.put(number)) for number in (2, 3)]
        for _ in range(20):
            await asyncio.sleep(0.1)
            if consumer.queue_size() == 0:
                with pytest.raises(MailboxFull):
                    consumer.send("barger")
        await asyncio.gather(*waiting)
    assert consumer.handled == [0, 1, 2, 3]


async def test_a_cancelled_putter_leaves_nothing_behind() -> None:
    """B03"""
    consumer = Recorder(taking(1), maxsize=1)
    async with consumer:
        await consumer.put(0)
        await consumer.put(1)
        putters = [asyncio.ensure_future(consumer.put(number)) for number in (2, 3, 4)]
        await asyncio.sleep(0.5)
        putters[1].cancel()
        await asyncio.wait(putters)
    assert consumer.handled == [0, 1, 2, 4]
    account(consumer, accepted=4, handled=4)


@pytest.mark.parametrize("steps", range(6))
async def test_room_that_was_promised_to_a_cancelled_putter_goes_to_the_next(steps: int) -> None:
    """B03"""
    mailbox: Mailbox[object] = Mailbox(maxsize=1)
    consumer = Taker(mailbox=mailbox)
    mailbox.send(0)
    putters = [asyncio.ensure_future(mailbox.put(number)) for number in (1, 2)]
    await asyncio.sleep(0)
    async with consumer:
        for _ in range(steps):
            await asyncio.sleep(0)
        putters[0].cancel()
        await asyncio.wait(putters)
    assert 2 in consumer.handled
    assert (1 in consumer.handled) is not putters[0].cancelled()
    assert mailbox.account().adds_up


async def test_a_stop_ends_every_wait_for_room_and_nothing_of_it_was_accepted() -> None:
    """U04"""
    consumer = Keeper(hang, maxsize=1, stopping_grace_period=0)
    await consumer.startup()
    await consumer.put(0)
    await consumer.put(1)
    putters = [asyncio.ensure_future(consumer.put(number)) for number in range(2, 12)]
    await asyncio.sleep(1)
    consumer.gracefully_stop()
    await asyncio.wait(putters)
    assert [type(putter.exception()) for putter in putters] == [ConsumerClosed] * 10
    await consumer.wait_for_shutdown()
    assert consumer.kept == [0, 1]


async def test_a_crash_does_not_end_a_wait_for_room() -> None:
    async def fail(_message) -> None:
        await asyncio.sleep(1)
        raise ValueError("no")

    mailbox: Mailbox[object] = Mailbox(maxsize=1)
    first = Recorder(fail, mailbox=mailbox)
    await first.startup()
    await mailbox.put(0)
    await mailbox.put(1)
    putter = asyncio.ensure_future(mailbox.put(2))
    with pytest.raises(ValueError, match="no"):
        await first.wait_for_shutdown()
    await asyncio.sleep(1)
    assert not putter.done()
    second = Recorder(mailbox=mailbox)
    async with second:
        await putter
    assert second.handled == [1, 2]


async def test_what_on_undelivered_takes_makes_room_for_nobody() -> None:
    consumer = Keeper(hang, maxsize=1, stopping_grace_period=0)
    async with consumer:
        await consumer.put(0)
    with pytest.raises(ConsumerClosed):
        await consumer.put(1)


# --- threads -------------------------------------------------------------------------------------


async def test_put_threadsafe_refuses_to_block_a_loop() -> None:
    consumer = Recorder()
    with pytest.raises(FluidError, match="await put"):
        consumer.put_threadsafe(1)


@pytest.mark.parametrize("timeout", [-1, nan, "1", True])
def test_put_threadsafe_takes_a_duration(timeout) -> None:
    with pytest.raises(FluidValueError, match="timeout of put_threadsafe"):
        Mailbox[int](maxsize=1).put_threadsafe(1, timeout)


@pytest.mark.real
def test_put_threadsafe_gives_up_in_time_and_its_message_is_not_inside() -> None:
    """B01"""
    mailbox: Mailbox[object] = Mailbox(maxsize=1)
    mailbox.put_threadsafe(1)
    for timeout in (0, 0.01):
        with pytest.raises(TimeoutError, match=f"no room for {timeout:g} seconds"):
            mailbox.put_threadsafe(2, timeout)
    account(mailbox, accepted=1, queued=1)


@pytest.mark.real
@pytest.mark.parametrize("timeout", [None, inf, 30])
async def test_put_threadsafe_blocks_its_thread_until_there_is_room(timeout) -> None:
    consumer = Recorder(taking(0.001), maxsize=1)

    def produce() -> None:
        for number in range(50):
            consumer.put_threadsafe(number, timeout)

    async with consumer:
        await asyncio.to_thread(produce)
    assert consumer.handled == list(range(50))


@pytest.mark.real
async def test_coroutines_and_threads_share_the_room_and_the_limit_holds() -> None:
    """B08"""
    sizes = []

    async def handle(_message) -> None:
        sizes.append(consumer.queue_size())
        if len(sizes) % 7 == 0:
            await asyncio.sleep(0)

    consumer = Recorder(handle, maxsize=3)

    def produce(producer: int) -> None:
        for number in range(200):
            consumer.put_threadsafe((producer, number))

    async def produce_here() -> None:
        for number in range(200):
            await consumer.put(("here", number))

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        async with consumer:
            threads = [asyncio.to_thread(produce, producer) for producer in range(8)]
            await asyncio.gather(produce_here(), *threads)
    finally:
        sys.setswitchinterval(before)
    assert max(sizes) <= 3
    assert sorted(map(str, consumer.handled)) == sorted(
        str((producer, number)) for producer in [*range(8), "here"] for number in range(200)
    )
    for producer in [*range(8), "here"]:
        mine = [number for who, number in consumer.handled if who == producer]
        assert mine == list(range(200))


async def test_room_that_a_consumer_makes_while_somebody_lines_up_is_noticed() -> None:
    """B02: the consumer takes without the lock, and sees nobody wait yet."""

    class Interrupted(Mailbox[object]):
        def look_again(self) -> None:
            if self.messages:
                self.messages.popleft()
                self.handled += 1
            super().look_again()

    mailbox = Interrupted(maxsize=1)
    async with Recorder(hang, mailbox=mailbox, stopping_grace_period=0):
        await mailbox.put(0)
        async with asyncio.timeout(1):
            await mailbox.put(1)


@pytest.mark.real
async def test_a_stop_ends_the_wait_of_a_thread() -> None:
    """U04"""
    consumer = Recorder(hang, maxsize=1, stopping_grace_period=0)
    await consumer.startup()
    consumer.send(0)
    await asyncio.sleep(0)
    consumer.send(1)
    with ThreadPoolExecutor(4) as pool:
        blocked = [pool.submit(consumer.put_threadsafe, number) for number in range(4)]
        while len(consumer.worker_mailbox._room.tickets) < 4:
            await asyncio.sleep(0.001)
        consumer.gracefully_stop()
        errors = [await asyncio.to_thread(future.exception) for future in blocked]
    assert [type(error) for error in errors] == [ConsumerClosed] * 4
    await consumer.wait_for_shutdown()


@pytest.mark.real
def test_a_stop_ends_the_wait_of_a_thread_even_if_the_loop_is_closed() -> None:
    loop = asyncio.new_event_loop()
    consumer = Recorder(hang, maxsize=1)
    loop.run_until_complete(consumer.startup())
    loop.run_until_complete(asyncio.sleep(0))
    task = task_of(consumer)
    loop.close()
    consumer.put_threadsafe(0)
    with ThreadPoolExecutor(1) as pool:
        blocked = pool.submit(consumer.put_threadsafe, 1)
        while not consumer.worker_mailbox._room.tickets:
            pass
        consumer.gracefully_stop()
        assert type(blocked.exception(10)) is ConsumerClosed
    bury(task)


@pytest.mark.real
async def test_put_and_join_belong_to_the_loop_of_the_consumer() -> None:
    consumer = Recorder(maxsize=1)
    errors = []

    async def elsewhere() -> None:
        for wait in (consumer.put(1), consumer.join()):
            with pytest.raises(WrongLoopError, match="recorder") as caught:
                await wait
            errors.append(caught.value)

    async with consumer:
        await asyncio.to_thread(asyncio.run, elsewhere())
    assert len(errors) == 2


@pytest.mark.real
async def test_a_put_before_the_start_is_let_in_by_whichever_loop_the_consumer_gets() -> None:
    mailbox: Mailbox[object] = Mailbox(maxsize=1)
    mailbox.send(0)
    putter = asyncio.ensure_future(mailbox.put(1))
    await asyncio.sleep(0)
    consumer = Recorder(mailbox=mailbox)

    async def consume() -> None:
        async with consumer:
            while len(consumer.handled) < 2:
                await asyncio.sleep(0.001)

    thread = threading.Thread(target=asyncio.run, args=(consume(),))
    thread.start()
    await asyncio.wait_for(putter, 10)
    await asyncio.to_thread(thread.join)
    assert consumer.handled == [0, 1]
