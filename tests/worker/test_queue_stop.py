"""A consumer that has to stop: what it still accepts, what it still handles, what is left."""

from __future__ import annotations

import asyncio
import signal
import threading
from contextlib import suppress
from math import inf

import pytest

from fluid import ConsumerClosed, Mailbox, QueueConsumerWorker, Workers, WorkerState
from fluid.errors import StartTimeoutError
from fluid.events import Fate
from tests.worker.fakes import now
from tests.worker.queue_cast import Keeper, Recorder, Taker, account, bury, hang, taking, task_of

KINDS = [Recorder, Taker]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("count", [0, 1, 50])
async def test_what_was_accepted_before_a_stop_is_handled_in_order(kind, count: int) -> None:
    """U01, PEERS 26"""
    consumer = kind(taking(0.1))
    async with consumer:
        for number in range(count):
            consumer.send(number)
    assert consumer.handled == list(range(count))
    assert consumer.worker_state is WorkerState.STOPPED
    account(consumer, **({"accepted": count, "handled": count} if count else {}))


async def test_send_and_put_are_refused_from_the_very_request_to_stop() -> None:
    """U03"""
    consumer = Recorder()
    await consumer.startup()
    consumer.gracefully_stop()
    with pytest.raises(
        ConsumerClosed, match="consumer .recorder. accepts no more .* has to stop before it$"
    ):
        consumer.send(1)
    with pytest.raises(ConsumerClosed):
        await consumer.put(1)
    with pytest.raises(ConsumerClosed):
        consumer.send(None)
    await consumer.wait_for_shutdown()
    with pytest.raises(ConsumerClosed):
        consumer.send(1)
    account(consumer)


@pytest.mark.parametrize("steps", range(8))
async def test_a_send_that_races_a_stop_is_refused_or_handled(steps: int) -> None:
    """U03"""
    consumer = Recorder(taking(0))
    await consumer.startup()
    stop = asyncio.ensure_future(consumer.shutdown())
    accepted = 0
    for _ in range(steps):
        with suppress(ConsumerClosed):
            consumer.send(accepted)
            accepted += 1
        await asyncio.sleep(0)
    await stop
    assert consumer.handled == list(range(accepted))


async def test_a_stop_of_one_that_never_started_does_not_close_it() -> None:
    consumer = Recorder()
    consumer.send("early")
    consumer.gracefully_stop()
    consumer.send("late")
    async with consumer:
        pass
    assert consumer.handled == ["early", "late"]


async def test_follow_ups_of_its_own_handler_are_accepted_while_it_drains() -> None:
    """U06"""
    consumer: Recorder

    async def count_down(message) -> None:
        await asyncio.sleep(0.1)
        if message:
            consumer.send(message - 1)

    consumer = Recorder(count_down)
    await consumer.startup()
    consumer.send(3)
    consumer.gracefully_stop()
    await consumer.wait_for_shutdown()
    assert consumer.handled == [3, 2, 1, 0]


async def test_follow_ups_by_put_do_not_wait_for_room_while_it_drains() -> None:
    """U06"""
    consumer: Recorder

    async def double(message) -> None:
        if message < 4:
            await asyncio.sleep(1)
            await consumer.put(2 * message)
            await consumer.put(2 * message + 1)

    consumer = Recorder(double, maxsize=1)
    await consumer.startup()
    consumer.send(1)
    consumer.gracefully_stop()
    await consumer.wait_for_shutdown()
    assert sorted(consumer.handled) == [1, 2, 3, 4, 5, 6, 7]


async def test_a_queue_that_feeds_itself_is_cut_by_the_grace() -> None:
    """U07"""
    consumer: Keeper

    async def feed(message) -> None:
        consumer.send(message)
        await asyncio.sleep(0.1)

    consumer = Keeper(feed, stopping_grace_period=2)
    await consumer.startup()
    consumer.send("again")
    await consumer.shutdown()
    assert now() == 2
    assert consumer.worker_state is WorkerState.FORCE_STOPPED
    assert consumer.kept == ["again", "again"]  # the one in hand, and its follow-up


async def test_when_the_grace_is_over_the_message_in_hand_is_the_first_of_what_is_left() -> None:
    """U02, Q04"""
    consumer = Keeper(taking(1), stopping_grace_period=2.5)
    async with consumer:
        for number in range(5):
            consumer.send(number)
    assert consumer.handled == [0, 1]
    assert consumer.kept == [2, 3, 4]
    assert [(report.count, report.fate) for report in consumer.reports] == [(3, Fate.RETURNED)]
    account(consumer, accepted=5, handled=2, returned=3)
    assert consumer.worker_exit.account["returned"] == 3
    assert consumer.worker_exit.code == 1


async def test_what_nobody_takes_is_counted_as_dropped_and_reported() -> None:
    """U02"""
    consumer = Recorder(hang, stopping_grace_period=0)
    async with consumer:
        consumer.send("lost")
        await asyncio.sleep(1)
    assert [(report.count, report.fate) for report in consumer.reports] == [(1, Fate.DROPPED)]
    account(consumer, accepted=1, dropped=1)


async def test_on_undelivered_runs_before_on_shutdown_in_the_same_cleanup_period() -> None:
    diary: list[object] = []

    class Slow(Keeper):
        async def on_undelivered(self, messages) -> None:
            account(self, accepted=2, in_hand=2)
            await asyncio.sleep(3)
            diary.append(len(messages))

        async def on_shutdown(self) -> None:
            diary.append("on_shutdown")
            await asyncio.sleep(3)
            diary.append("never")

    consumer = Slow(hang, stopping_grace_period=0)
    await consumer.startup()
    consumer.send(1)
    consumer.send(2)
    await asyncio.sleep(1)
    with pytest.raises(TimeoutError):
        await consumer.shutdown()
    assert diary == [2, "on_shutdown"]
    assert now() == pytest.approx(1 + 5, abs=0.1)
    account(consumer, accepted=2, returned=2)


async def test_an_on_undelivered_that_raises_fails_the_worker_and_its_messages_are_dropped() -> (
    None
):
    error = OSError("disk full")

    class Failing(Recorder):
        async def on_undelivered(self, messages) -> None:
            messages.clear()
            raise error

    consumer = Failing(hang, stopping_grace_period=0)
    await consumer.startup()
    consumer.send(1)
    consumer.send(2)
    await asyncio.sleep(1)
    with pytest.raises(OSError, match="disk full"):
        await consumer.shutdown()
    assert [(report.count, report.fate) for report in consumer.reports] == [(2, Fate.DROPPED)]
    account(consumer, accepted=2, dropped=2)


async def test_an_on_undelivered_that_overruns_is_cut_and_its_messages_are_dropped() -> None:
    class Stuck(Recorder):
        async def on_undelivered(self, messages) -> None:
            await asyncio.sleep(inf)

    consumer = Stuck(hang, stopping_grace_period=0)
    await consumer.startup()
    consumer.send(1)
    await asyncio.sleep(1)
    with pytest.raises(TimeoutError):
        await consumer.shutdown()
    account(consumer, accepted=1, dropped=1)


async def test_a_handler_that_ignores_the_cancel_keeps_its_message_and_begins_no_other() -> None:
    async def finish(_message) -> None:
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(inf)

    consumer = Keeper(finish, stopping_grace_period=1)
    async with consumer:
        for number in range(3):
            consumer.send(number)
    assert (consumer.handled, consumer.kept) == ([0], [1, 2])
    assert consumer.worker_state is WorkerState.FORCE_STOPPED


async def test_a_quick_consumer_begins_no_other_message_after_a_cancel_either() -> None:
    async def finish(message) -> None:
        if message == 12:  # in the middle of those that are handled without a look at the clock
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(inf)

    consumer = Keeper(finish, stopping_grace_period=1)
    async with consumer:
        for number in range(16):
            consumer.send(number)
        await asyncio.sleep(1)
        assert consumer.handled == list(range(12))
    assert consumer.handled == list(range(13))
    assert consumer.kept == [13, 14, 15]


async def test_what_an_abandoned_consumer_leaves_is_reported_and_stays() -> None:
    release = asyncio.Event()

    async def deaf(_message) -> None:
        while not release.is_set():
            with suppress(asyncio.CancelledError):
                await release.wait()

    consumer = Keeper(deaf, stopping_grace_period=0)
    async with consumer:
        for number in range(3):
            consumer.send(number)
        await asyncio.sleep(1)
    assert consumer.worker_exit.abandoned
    assert [(report.count, report.fate) for report in consumer.reports] == [(3, Fate.DROPPED)]
    account(consumer, accepted=3, in_hand=1, queued=2)
    with pytest.raises(ConsumerClosed):
        consumer.send(4)

    release.set()
    await asyncio.sleep(1)
    assert (consumer.handled, consumer.kept) == ([0], [1, 2])
    account(consumer, accepted=3, handled=1, returned=2)


async def test_a_stop_during_start_up_hands_back_what_was_sent_before() -> None:
    class Slow(Keeper):
        async def on_startup(self) -> None:
            await asyncio.sleep(10)

    consumer = Slow()
    consumer.send(1)
    start = asyncio.ensure_future(consumer.startup())
    await asyncio.sleep(1)
    consumer.gracefully_stop()
    await asyncio.wait([start])
    assert start.exception() is not None
    assert consumer.kept == [1]
    account(consumer, accepted=1, returned=1)


async def test_a_start_that_overruns_hands_back_what_was_sent_before() -> None:
    class Slow(Keeper):
        start_timeout = 1.0

        async def on_startup(self) -> None:
            await asyncio.sleep(10)

    consumer = Slow()
    consumer.send(1)
    with pytest.raises(StartTimeoutError):
        await consumer.startup()
    assert consumer.kept == [1]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_crash_leaves_the_mailbox_open_and_the_queued_messages_in_it(kind) -> None:
    async def fail_on_two(message) -> None:
        if message == 2:
            raise ValueError("no twos")

    mailbox: Mailbox[object] = Mailbox()
    first = kind(fail_on_two, mailbox=mailbox)
    await first.startup()
    for number in range(1, 5):
        first.send(number)
    with pytest.raises(ValueError, match="no twos"):
        await first.wait_for_shutdown()
    assert not mailbox.is_closed
    first.send(5)
    account(mailbox, accepted=5, handled=1, dead=1, queued=3)

    second = kind(mailbox=mailbox)
    async with second:
        pass
    assert second.handled == [3, 4, 5]
    account(mailbox, accepted=5, handled=4, dead=1)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_foreign_cancel_puts_the_message_in_hand_back_and_leaves_the_mailbox_open(
    kind,
) -> None:
    """Q04, Q13"""
    consumer = kind(hang)
    await consumer.startup()
    consumer.send(0)
    consumer.send(1)
    await asyncio.sleep(1)
    task_of(consumer).cancel()
    with pytest.raises(asyncio.CancelledError):
        await consumer.wait_for_shutdown()
    account(consumer, accepted=2, queued=2)
    assert list(consumer.worker_mailbox.messages) == [0, 1]
    assert not consumer.worker_mailbox.is_closed


async def test_a_new_consumer_opens_the_mailbox_that_a_stop_has_closed() -> None:
    mailbox: Mailbox[object] = Mailbox()
    async with Recorder(mailbox=mailbox):
        pass
    assert mailbox.is_closed
    second = Recorder(mailbox=mailbox)
    async with second:
        mailbox.send(1)
    assert second.handled == [1]


async def test_a_pipeline_stopped_sink_last_loses_nothing() -> None:
    """U05"""
    sink = Recorder(taking(0.01), name="sink")

    async def forward(message) -> None:
        await asyncio.sleep(0.01)
        sink.send(message)

    source = Recorder(forward, name="source")
    group = Workers(sink, source, stop_in_reverse=True)
    async with group:
        for number in range(50):
            source.send(number)
    assert sink.handled == list(range(50))


@pytest.mark.parametrize("maxsize", [0, 2])
async def test_a_stop_of_a_group_closes_its_consumers(maxsize: int) -> None:
    consumer = Recorder(maxsize=maxsize)
    async with Workers(consumer) as group:
        group.gracefully_stop()
        await asyncio.sleep(0.1)
        with pytest.raises(ConsumerClosed):
            consumer.send(1)


@pytest.mark.real
async def test_a_signal_may_ask_for_a_stop_while_its_own_thread_holds_the_lock() -> None:
    consumer = Recorder()
    await consumer.startup()
    before = signal.signal(signal.SIGUSR1, lambda *_: consumer.gracefully_stop())
    try:
        with consumer.worker_mailbox._lock:
            signal.raise_signal(signal.SIGUSR1)
        with pytest.raises(ConsumerClosed):
            consumer.send(1)
        await consumer.wait_for_shutdown()
    finally:
        signal.signal(signal.SIGUSR1, before)


@pytest.mark.real
def test_after_its_loop_was_closed_a_consumer_keeps_what_is_sent_for_the_next() -> None:
    """X04"""
    loop = asyncio.new_event_loop()
    dead = QueueConsumerWorker(hang, name="dead")

    async def start() -> None:
        await dead.startup()
        await asyncio.sleep(0)

    loop.run_until_complete(start())
    task = task_of(dead)
    loop.close()
    dead.send(1)
    thread = threading.Thread(target=dead.send, args=(2,))
    thread.start()
    thread.join()
    dead.gracefully_stop()
    with pytest.raises(ConsumerClosed):
        dead.send(3)

    async def revive() -> Recorder:
        async with Recorder(mailbox=dead.worker_mailbox) as consumer:
            pass
        return consumer

    assert asyncio.run(revive()).handled == [1, 2]
    bury(task)
