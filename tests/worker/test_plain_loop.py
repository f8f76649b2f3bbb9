"""The plain loop: one message after the other, and never for too long without a break."""

from __future__ import annotations

import asyncio
import gc
import weakref
from math import inf
from time import thread_time

import pytest

from fluid import AsyncConsumer, FluidValueError, Mailbox, QueueConsumerWorker
from fluid.utils.dispatcher import AsyncDispatcher
from tests.worker.fakes import now
from tests.worker.queue_cast import Recorder, Untouchable, account, hang, taking, task_of


@pytest.mark.parametrize("count", [0, 1, 2, 1000])
async def test_messages_are_handled_one_at_a_time_in_order(count: int) -> None:
    at_work = 0

    async def handle(_message) -> None:
        nonlocal at_work
        at_work += 1
        assert at_work == 1
        await asyncio.sleep(0.01)
        at_work -= 1

    consumer = Recorder(handle)
    async with consumer:
        for number in range(count):
            consumer.send(number)
        await consumer.join()
    assert consumer.handled == list(range(count))


async def test_messages_sent_before_the_start_come_first() -> None:
    consumer = Recorder()
    consumer.send("before")
    async with consumer:
        consumer.send("after")
    assert consumer.handled == ["before", "after"]


async def test_an_idle_consumer_takes_no_steps() -> None:
    consumer = Recorder()
    async with consumer:
        await asyncio.sleep(0.1)
        assert len(consumer.worker_mailbox.getters) == 1
        waiting = consumer.worker_mailbox.getters[0]
        await asyncio.sleep(10**5)
        assert consumer.worker_mailbox.getters[0] is waiting


async def test_a_wake_up_is_skipped() -> None:
    """Q18"""
    consumer = Recorder()
    async with consumer:
        consumer.send(None)
        await asyncio.sleep(1)
        consumer.send(1)
        consumer.send(None)
    assert consumer.handled == [1]


@pytest.mark.parametrize("message", [0, "", [], {}, False, 0.0], ids=repr)
async def test_a_falsy_message_is_a_message(message) -> None:
    """Q18"""
    consumer = Recorder()
    async with consumer:
        consumer.send(message)
    assert consumer.handled == [message]


@pytest.mark.parametrize("maxsize", [0, 3])
async def test_nobody_looks_into_a_message(maxsize: int) -> None:
    """Q17"""
    consumer = Recorder(taking(1), maxsize=maxsize, stopping_grace_period=0)
    async with consumer:
        for _ in range(3):
            await consumer.put(Untouchable())
        await asyncio.sleep(1.5)
    account(consumer, accepted=3, handled=1, dropped=2)


async def test_the_handler_is_read_for_each_message() -> None:
    first, second = [], []

    async def handle_first(message) -> None:
        first.append(message)
        consumer.on_message = handle_second

    async def handle_second(message) -> None:
        second.append(message)

    consumer = QueueConsumerWorker(handle_first)
    async with consumer:
        for number in range(3):
            consumer.send(number)
    assert (first, second) == ([0], [1, 2])


async def test_the_dispatcher_is_read_for_each_message() -> None:
    class ByWord(AsyncDispatcher[str]):
        def event_type(self, message: str) -> str:
            return message

    found = []
    old, new = ByWord(), ByWord()

    async def switch(message: str) -> None:
        found.append("old")
        consumer.dispatcher = new

    async def note(message: str) -> None:
        found.append("new")

    old.register_handler("go", switch)
    new.register_handler("go", note)
    consumer = AsyncConsumer(old)
    async with consumer:
        for _ in range(3):
            consumer.send("go")
    assert found == ["old", "new", "new"]


# --- handlers that fail --------------------------------------------------------------------------


async def test_a_message_whose_handler_raised_is_dead_and_ends_the_worker() -> None:
    error = ValueError("bad message")

    async def fail(_message) -> None:
        raise error

    consumer = Recorder(fail)
    await consumer.startup()
    consumer.send(1)
    consumer.send(2)
    with pytest.raises(ValueError, match="bad message") as caught:
        await consumer.wait_for_shutdown()
    assert caught.value is error
    account(consumer, accepted=2, dead=1, queued=1)


async def test_a_handler_that_lets_a_cancel_of_something_else_out_has_failed() -> None:
    """A restarted worker would meet the message again, and again."""

    async def wait_for_what_was_cancelled(_message) -> None:
        future = asyncio.get_running_loop().create_future()
        future.cancel()
        await future

    consumer = Recorder(wait_for_what_was_cancelled)
    await consumer.startup()
    consumer.send(1)
    with pytest.raises(asyncio.CancelledError):
        await consumer.wait_for_shutdown()
    account(consumer, accepted=1, dead=1)


@pytest.mark.parametrize("handler", [None, 1, "print"])
def test_a_handler_is_a_function(handler) -> None:
    with pytest.raises(FluidValueError, match="on_message"):
        QueueConsumerWorker(handler)


async def test_a_handler_that_is_not_async_is_explained() -> None:
    consumer = QueueConsumerWorker(print)  # type: ignore[arg-type]
    await consumer.startup()
    consumer.send("")
    with pytest.raises(TypeError) as caught:
        await consumer.wait_for_shutdown()
    assert "async def" in caught.value.__notes__[0]


async def test_the_same_mistake_inside_a_handler_is_not_blamed_on_the_handler() -> None:
    async def handle(_message) -> None:
        await None  # type: ignore[misc]

    consumer = QueueConsumerWorker(handle)
    await consumer.startup()
    consumer.send("")
    with pytest.raises(TypeError) as caught:
        await consumer.wait_for_shutdown()
    assert not hasattr(caught.value, "__notes__")


async def test_a_handled_message_is_not_kept_alive() -> None:
    class Message:
        pass

    consumer = QueueConsumerWorker(taking(0))
    async with consumer:
        for _ in range(3):
            consumer.send(message := Message())
        await asyncio.sleep(1)
        reference = weakref.ref(message)
        del message
        gc.collect()
        assert reference() is None


# --- slices --------------------------------------------------------------------------------------


async def steps_beside(consumer: Recorder) -> list[int]:
    """Returns how many messages were handled in each step of the loop."""
    sizes, before = [], 0
    while consumer.queue_size() or before < len(consumer.handled):
        await asyncio.sleep(0)
        sizes.append(len(consumer.handled) - before)
        before = len(consumer.handled)
    return [size for size in sizes if size]


async def test_quick_messages_get_slices_of_256() -> None:
    consumer = Recorder()
    async with consumer:
        for number in range(1000):
            consumer.send(number)
        assert await steps_beside(consumer) == [256, 256, 256, 232]


@pytest.mark.parametrize(
    ("cost_ms", "expected"), [(0.5, 10), (1, 5), (2, 3), (4, 2), (6, 1), (50, 1)]
)
async def test_slow_messages_get_slices_of_five_milliseconds(
    cost_ms: float, expected: int, monkeypatch
) -> None:
    loop, spent = asyncio.get_running_loop(), 0.0
    monkeypatch.setattr(loop, "time", lambda time=loop.time: time() + spent)

    async def block(_message) -> None:
        nonlocal spent
        spent += cost_ms / 1000

    consumer = Recorder(block)
    async with consumer:
        for number in range(50):
            consumer.send(number)
        sizes = await steps_beside(consumer)
    assert max(sizes) == expected
    assert sum(sizes) == 50


async def test_messages_that_are_slow_all_of_a_sudden_delay_the_loop_by_fifteen_of_them_at_most(
    monkeypatch,
) -> None:
    loop, spent = asyncio.get_running_loop(), 0.0
    monkeypatch.setattr(loop, "time", lambda time=loop.time: time() + spent)

    async def block(message) -> None:
        nonlocal spent
        if message >= 100:
            spent += 0.01

    consumer = Recorder(block)
    async with consumer:
        for number in range(150):
            consumer.send(number)
        sizes = await steps_beside(consumer)
    assert sizes[0] <= 100 + 16
    assert set(sizes[1:]) == {1}


@pytest.mark.real
async def test_300_000_messages_never_hold_the_loop_for_long() -> None:
    consumer = QueueConsumerWorker(taking_no_time)
    async with consumer:
        for number in range(300_000):
            consumer.send(number)
        slices, before = [], thread_time()
        while consumer.queue_size():
            await asyncio.sleep(0)
            slices.append(thread_time() - before)
            before = thread_time()
    slices.sort()
    assert slices[len(slices) // 2] < 0.005
    assert slices[-1] < 0.02


async def taking_no_time(_message) -> None:
    """Handles a message by doing nothing."""


# --- two consumers on one mailbox ----------------------------------------------------------------


async def test_two_consumers_share_the_work() -> None:
    mailbox: Mailbox[object] = Mailbox()
    pair = [Recorder(taking(1), mailbox=mailbox) for _ in range(2)]
    async with pair[0], pair[1]:
        for number in range(6):
            mailbox.send(number)
        await mailbox.join()
        assert now() == 3
    assert sorted(pair[0].handled + pair[1].handled) == list(range(6))
    account(mailbox, accepted=6, handled=6)


async def test_one_of_two_consumers_that_stops_leaves_the_queue_to_the_other() -> None:
    mailbox: Mailbox[object] = Mailbox()
    leaving, staying = (Recorder(taking(1), mailbox=mailbox) for _ in range(2))
    await staying.startup()
    await leaving.startup()
    for number in range(10):
        mailbox.send(number)
    await asyncio.sleep(0.5)
    await leaving.shutdown()
    assert now() == pytest.approx(1, abs=0.1)
    mailbox.send(10)
    await mailbox.join()
    assert len(leaving.handled) == 1
    await staying.shutdown()
    account(mailbox, accepted=11, handled=11)


async def test_two_consumers_that_both_stop_close_the_mailbox_and_drain_it_together() -> None:
    mailbox: Mailbox[object] = Mailbox()
    pair = [Recorder(taking(1), mailbox=mailbox) for _ in range(2)]
    for consumer in pair:
        await consumer.startup()
    for number in range(6):
        mailbox.send(number)
    for consumer in pair:
        consumer.gracefully_stop()
    assert mailbox.is_closed
    for consumer in pair:
        await consumer.wait_for_shutdown()
    assert now() == 3
    account(mailbox, accepted=6, handled=6)


async def test_of_two_consumers_that_are_cut_the_last_one_hands_back_what_is_left() -> None:
    mailbox: Mailbox[object] = Mailbox()
    first = Recorder(hang, mailbox=mailbox, stopping_grace_period=1)
    last = Recorder(hang, mailbox=mailbox, stopping_grace_period=2)
    for consumer in (first, last):
        await consumer.startup()
    for number in range(6):
        mailbox.send(number)
    for consumer in (first, last):
        consumer.gracefully_stop()
    await first.wait_for_shutdown()
    assert not first.reports
    await last.wait_for_shutdown()
    assert [report.count for report in last.reports] == [6]
    account(mailbox, accepted=6, dropped=6)


async def test_a_consumer_that_cleans_up_takes_nothing_more_so_the_other_one_is_the_last() -> None:
    class Tidying(Recorder):
        async def on_shutdown(self) -> None:
            await asyncio.sleep(3)

    mailbox: Mailbox[object] = Mailbox()
    first = Tidying(hang, mailbox=mailbox, stopping_grace_period=0)
    last = Recorder(hang, mailbox=mailbox, stopping_grace_period=1)
    for consumer in (first, last):
        await consumer.startup()
    for number in range(6):
        mailbox.send(number)
    await asyncio.sleep(0.1)
    for consumer in (first, last):
        consumer.gracefully_stop()
    await last.wait_for_shutdown()
    assert first.is_stopping()
    assert [report.count for report in last.reports] == [6]
    await first.wait_for_shutdown()


async def test_when_one_of_two_consumers_dies_the_other_goes_on_and_takes_what_it_returned() -> (
    None
):
    """Q15"""
    mailbox: Mailbox[object] = Mailbox()
    tasks: list[asyncio.Task[None]] = []

    async def note_task(_message) -> None:
        tasks.append(task_of(dying))
        await asyncio.sleep(inf)

    dying = Recorder(note_task, mailbox=mailbox)
    await dying.startup()
    mailbox.send("in hand")
    await asyncio.sleep(1)
    living = Recorder(mailbox=mailbox)
    await living.startup()
    await asyncio.sleep(1)
    tasks[0].cancel()
    with pytest.raises(asyncio.CancelledError):
        await dying.wait_for_shutdown()
    await mailbox.join()
    await living.shutdown()
    assert living.handled == ["in hand"]
    account(mailbox, accepted=1, handled=1)


async def test_a_consumer_that_dies_between_its_wake_up_and_its_step_passes_it_on() -> None:
    """Q15"""
    mailbox: Mailbox[object] = Mailbox()
    dying, living = (Recorder(mailbox=mailbox) for _ in range(2))
    await dying.startup()
    await asyncio.sleep(1)
    await living.startup()
    await asyncio.sleep(1)
    mailbox.send(1)
    task_of(dying).cancel()
    await mailbox.join()
    assert living.handled == [1]
    await living.shutdown()
    await asyncio.gather(dying.wait_for_shutdown(), return_exceptions=True)


async def test_a_worker_may_run_the_loop_several_times_at_once() -> None:
    class Twice(Recorder):
        async def run(self) -> None:
            await asyncio.gather(super().run(), super().run())

    consumer = Twice(taking(1))
    async with consumer:
        for number in range(6):
            consumer.send(number)
        await consumer.join()
        assert now() == 3
    account(consumer, accepted=6, handled=6)
