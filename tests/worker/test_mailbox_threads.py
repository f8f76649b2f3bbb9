"""Messages from other threads: at once, none lost, none doubled, whatever happens meanwhile."""

from __future__ import annotations

import asyncio
import sys
import threading
import time

import pytest

from fluid import ConsumerClosed, Mailbox, WrongLoopError
from tests.worker.queue_cast import Keeper, Recorder, Taker, account, taking, task_of

pytestmark = pytest.mark.real


@pytest.fixture(autouse=True)
def switch_interval():
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.parametrize("kind", [Recorder, Taker])
async def test_a_message_from_a_thread_is_noticed_at_once(kind) -> None:
    """PEERS 27"""
    seen = []

    async def handle(_message) -> None:
        seen.append(time.perf_counter())

    consumer = kind(handle)
    async with consumer:
        await asyncio.sleep(0.05)
        sent = await asyncio.to_thread(lambda: (time.perf_counter(), consumer.send(1))[0])
        await consumer.join()
    assert seen[0] - sent < 0.1


@pytest.mark.parametrize("kind", [Recorder, Taker])
async def test_messages_from_sixteen_threads_are_neither_lost_nor_doubled(kind) -> None:
    """B08, X05"""
    consumer = kind()

    def produce(producer: int) -> None:
        for number in range(500):
            consumer.send((producer, number))

    async with consumer:
        await asyncio.gather(*(asyncio.to_thread(produce, producer) for producer in range(16)))
    for producer in range(16):
        assert [n for who, n in consumer.handled if who == producer] == list(range(500))
    account(consumer, accepted=8000, handled=8000)


@pytest.mark.parametrize("round_", range(10))
async def test_what_threads_send_around_a_stop_is_refused_or_handled(round_: int) -> None:
    """U03, X05"""
    consumer = Keeper()
    accepted: list[list[tuple[int, int]]] = [[] for _ in range(4)]
    refused = threading.Event()

    def produce(producer: int) -> None:
        for number in range(100_000):
            try:
                consumer.send((producer, number))
            except ConsumerClosed:
                refused.set()
                return
            accepted[producer].append((producer, number))

    await consumer.startup()
    threads = [threading.Thread(target=produce, args=(producer,)) for producer in range(4)]
    for thread in threads:
        thread.start()
    await asyncio.sleep(0.001 * round_)
    await asyncio.to_thread(consumer.gracefully_stop)
    await consumer.wait_for_shutdown()
    for thread in threads:
        await asyncio.to_thread(thread.join)
    assert refused.is_set()
    for producer in range(4):
        mine = [message for message in consumer.handled if message[0] == producer]
        assert mine == accepted[producer]
    assert consumer.worker_mailbox.account().adds_up
    assert not consumer.queue_size()


@pytest.mark.parametrize("round_", range(5))
async def test_what_threads_send_while_consumers_come_and_go_is_handled_by_one_of_them(
    round_: int,
) -> None:
    """Q13"""
    mailbox: Mailbox[object] = Mailbox()
    handled = []

    async def crash_now_and_then(message) -> None:
        handled.append(message)
        if len(handled) % 50 == 0:
            raise ValueError("crash")

    def produce(producer: int) -> None:
        for number in range(200):
            mailbox.send((producer, number))

    threads = [threading.Thread(target=produce, args=(producer,)) for producer in range(4)]
    for thread in threads:
        thread.start()
    while len(handled) < 800:
        consumer = Recorder(crash_now_and_then, mailbox=mailbox)
        await consumer.startup()
        await asyncio.gather(consumer.wait_for_shutdown(), return_exceptions=True)
    for thread in threads:
        thread.join()
    assert len(set(handled)) == 800
    account(mailbox, accepted=800, handled=784, dead=16)


def test_a_mailbox_outlives_the_loop_and_the_thread_of_its_consumer() -> None:
    mailbox: Mailbox[object] = Mailbox()
    handled = []

    async def consume_one() -> None:
        consumer = Recorder(mailbox=mailbox)
        await consumer.startup()
        await mailbox.join()
        task_of(consumer).cancel()
        await asyncio.gather(consumer.wait_for_shutdown(), return_exceptions=True)
        handled.extend(consumer.handled)

    for number in range(5):
        mailbox.send(number)
        thread = threading.Thread(target=asyncio.run, args=(consume_one(),))
        thread.start()
        thread.join()
    assert handled == list(range(5))


async def test_a_consumer_on_another_loop_cannot_share_a_mailbox() -> None:
    mailbox: Mailbox[object] = Mailbox()
    stranger = Recorder(mailbox=mailbox, name="stranger")

    async def start_elsewhere() -> None:
        with pytest.raises(WrongLoopError, match="stranger"):
            await stranger.startup()

    async with Recorder(mailbox=mailbox):
        await asyncio.to_thread(asyncio.run, start_elsewhere())
    assert not stranger.has_started()
    async with stranger:
        mailbox.send(1)
    assert stranger.handled == [1]


async def test_a_thread_of_its_own_handler_may_send_follow_ups_while_it_drains() -> None:
    """U06"""
    consumer: Recorder

    async def handle(message) -> None:
        if message:
            await asyncio.to_thread(consumer.send, message - 1)

    consumer = Recorder(handle)
    await consumer.startup()
    consumer.send(3)
    consumer.gracefully_stop()
    await consumer.wait_for_shutdown()
    assert consumer.handled == [3, 2, 1, 0]


async def test_the_account_can_be_asked_for_from_any_thread() -> None:
    consumer = Recorder(taking(0))
    done = threading.Event()

    begun = asyncio.Event()
    loop = asyncio.get_running_loop()

    def look() -> None:
        consumer.worker_mailbox.account()
        loop.call_soon_threadsafe(begun.set)
        while not done.is_set():
            consumer.worker_mailbox.account()

    async with consumer:
        looking = asyncio.ensure_future(asyncio.to_thread(look))
        await begun.wait()
        for number in range(500):
            consumer.send(number)
        await consumer.join()
        done.set()
        await looking
    account(consumer, accepted=500, handled=500)


@pytest.mark.parametrize("kind", [Recorder, Taker])
async def test_join_waits_for_what_a_thread_has_sent_but_the_loop_has_not_fetched(kind) -> None:
    consumer = kind(taking(0))

    async def send_later() -> None:
        consumer.send("later")

    async with consumer:
        await asyncio.sleep(0.01)
        later = asyncio.ensure_future(send_later())
        thread = threading.Thread(target=consumer.send, args=("sooner",))
        thread.start()
        thread.join()
        await consumer.join()
        assert "sooner" in consumer.handled
        await later
