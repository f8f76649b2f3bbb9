"""Consumers at their edges: cancels, callers and messages that nobody might have seen to."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress

import pytest

from fluid import (
    BatchConsumer,
    ConsumerClosed,
    FluidError,
    Mailbox,
    MessagesFailed,
    QueueConsumer,
    QueueConsumerWorker,
    WorkerState,
)
from tests.scenarios.cast import Planned
from tests.worker.fakes import deaf, now
from tests.worker.group_cast import end_of
from tests.worker.queue_cast import Recorder, account, bury, hang, task_of

each_kind = pytest.mark.parametrize(
    "options",
    [{}, {"concurrency": 2}, {"key": lambda _message: 0}, {"key": str, "concurrency": 2}],
    ids=["plain", "pool", "keyed", "keyed pool"],
)


async def nothing(_messages: object) -> None:
    """Handles a message, or a batch, without any ado."""


async def test_the_other_consumer_of_a_mailbox_hears_of_what_only_the_first_had_heard_of() -> None:
    """A message wakes one of them; that one waits for more to come, and is cancelled meanwhile."""
    mailbox: Mailbox[int] = Mailbox()
    first = BatchConsumer(nothing, name="first", age=5, mailbox=mailbox)
    second = BatchConsumer(nothing, name="second", age=5, mailbox=mailbox)
    await first.startup()
    async with second:
        await asyncio.sleep(1)
        mailbox.send(1)
        await asyncio.sleep(1)
        task_of(first).cancel()
        assert isinstance(await end_of(first.wait_for_shutdown()), asyncio.CancelledError)
        await asyncio.sleep(5)
        account(mailbox, accepted=1, handled=1)


@pytest.mark.parametrize("steps", range(6))
async def test_a_cancel_that_comes_with_the_end_of_a_limited_handler_is_not_lost(
    steps: int,
) -> None:
    """Whoever has cancelled, like a task group on its stack, waits for the end of the consumer."""
    loop = asyncio.get_running_loop()

    def cancel_after(steps: int) -> None:
        if steps:
            loop.call_soon(cancel_after, steps - 1)
        else:
            task_of(consumer).cancel()

    async def handle(message: object) -> None:
        await asyncio.sleep(0)
        if message == 1:
            cancel_after(steps)

    consumer = Recorder(handle, handler_timeout=5)
    await consumer.startup()
    for message in range(9):
        consumer.send(message)
    assert isinstance(await end_of(consumer.wait_for_shutdown()), asyncio.CancelledError)
    assert consumer.worker_state is WorkerState.FAILED
    assert now() == 0
    handled = len(consumer.handled)
    assert consumer.handled == [*range(handled)]
    account(consumer, accepted=9, handled=handled, queued=9 - handled)


@each_kind
async def test_callers_are_told_when_a_handler_refuses_to_end(options) -> None:
    """Those who wait for it, and those who wait behind it."""
    consumer = QueueConsumerWorker(deaf, stopping_grace_period=1, **options)
    await consumer.startup()
    callers = [asyncio.ensure_future(consumer.request(number)) for number in range(3)]
    await asyncio.sleep(1)
    await consumer.shutdown()
    assert consumer.worker_exit is not None
    assert consumer.worker_exit.abandoned
    for caller in callers:
        assert isinstance(await end_of(caller), ConsumerClosed)
    await asyncio.sleep(3600)
    assert not consumer.worker_mailbox.requests


async def test_a_stop_iteration_reaches_a_caller_as_a_cause() -> None:
    """No future takes one: it would end the consumer, and the caller would wait for ever."""

    async def handle(_batch: list[object]) -> None:
        raise MessagesFailed({0: StopIteration("over")})

    async with BatchConsumer(handle, age=0) as consumer:
        error = await end_of(consumer.worker_mailbox.request(1))
        assert isinstance(error, FluidError)
        assert isinstance(error.__cause__, StopIteration)
    account(consumer, accepted=1, dead=1)


async def test_a_pause_waits_for_a_look_that_goes_on() -> None:
    """The look would end with "nothing to see", and the pause be noticed hundreds later."""
    mailbox: Mailbox[int] = Mailbox()
    thread = threading.Thread(target=mailbox.pause)
    with mailbox._lock:  # as attend() holds it
        thread.start()
        thread.join(0.05)
        assert not mailbox.is_paused
    thread.join()
    assert mailbox.is_paused


def test_a_getter_in_a_loop_that_the_mailbox_has_left_still_comes_back() -> None:
    """Its time-out found nothing to take back, and it waited for ever."""
    mailbox: Mailbox[int] = Mailbox()

    class Leaver(QueueConsumer[int]):
        async def run(self) -> None:
            self.straggler = asyncio.ensure_future(self.get_message(timeout=0.05))
            await asyncio.sleep(0)

    async def first() -> asyncio.Task[int | None]:
        leaver = Leaver(mailbox=mailbox)
        await leaver.startup()
        await leaver.wait_for_shutdown()
        return leaver.straggler

    async def second() -> None:
        async with Recorder(mailbox=mailbox):
            pass

    with asyncio.Runner() as runner:
        straggler = runner.run(first())
        thread = threading.Thread(target=lambda: asyncio.run(second()))
        thread.start()
        thread.join()

        async def third() -> int | None:
            return await asyncio.wait_for(straggler, 5)

        assert runner.run(third()) is None


def test_room_is_not_kept_for_a_producer_whose_loop_is_gone() -> None:
    """Nobody would ever get any, in the loop that the mailbox is used in next."""
    mailbox: Mailbox[int] = Mailbox(maxsize=1)

    async def fill() -> asyncio.Task[None]:
        mailbox.send(1)
        producer = asyncio.ensure_future(mailbox.put(2))
        await asyncio.sleep(0)
        return producer

    loop = asyncio.new_event_loop()
    producer = loop.run_until_complete(fill())
    loop.close()

    async def use() -> None:
        async with Recorder(mailbox=mailbox):
            await asyncio.sleep(0)
            await asyncio.wait_for(mailbox.put(3), 5)

    asyncio.run(use())
    bury(producer)
    account(mailbox, accepted=2, handled=2)


@pytest.mark.parametrize("extra", [{}, {"handler_timeout": 5}], ids=["unlimited", "limited"])
@each_kind
async def test_a_handler_that_raises_generator_exit_ends_the_consumer_as_a_cancel_does(
    options, extra
) -> None:
    """It is what tearing a coroutine down looks like from inside: the message goes back."""

    async def handle(_message: object) -> None:
        raise GeneratorExit

    consumer = Recorder(handle, **options, **extra)
    consumer.send(1)
    await end_of(consumer.startup())
    assert isinstance(await end_of(consumer.wait_for_shutdown()), GeneratorExit)
    account(consumer, accepted=1, queued=1)


async def test_a_pool_that_is_torn_down_gives_its_messages_back() -> None:
    consumer = Recorder(hang, concurrency=2)
    await consumer.startup()
    consumer.send(1)
    await asyncio.sleep(1)
    (busy,) = (task for task in asyncio.all_tasks() if task.get_name() == "recorder 1")
    busy.get_coro().close()
    account(consumer, accepted=1, queued=1)
    task_of(consumer).cancel()
    await end_of(consumer.wait_for_shutdown())


async def test_a_straggler_that_has_just_ended_was_not_left_behind() -> None:
    """A supervisor would give up for nothing."""

    ended = asyncio.get_running_loop().create_future()

    async def handle(message: int) -> None:
        if message == 2:
            raise Planned("handler")
        while (left := 5 - now()) > 0:
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(left)
        ended.set_result(None)

    async def see_to(message: object, error: BaseException, _attempts: int) -> None:
        if message == 2:
            await ended
            raise error

    consumer = Recorder(handle, handler_timeout=1, on_dead_letter=see_to)
    await consumer.startup()
    consumer.send(1)
    consumer.send(2)
    assert isinstance(await end_of(consumer.wait_for_shutdown()), Planned)
    assert now() == 5
    assert consumer.worker_exit is not None
    assert not consumer.worker_exit.abandoned
