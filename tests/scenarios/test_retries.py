"""Retries of a consumer that handles one message at a time: which, how often, and when."""

from __future__ import annotations

import asyncio
from math import inf

import pytest

from fluid import AsyncConsumer, Backoff, HandlerTimeoutError, Mailbox, QueueConsumerWorker, Retry
from fluid.utils.dispatcher import AsyncDispatcher
from tests.scenarios.cast import Planned
from tests.scenarios.handling_cast import ALWAYS, Handler, Ledger, each_order, every, send_all
from tests.worker.fakes import deaf_to, now

# --- when ----------------------------------------------------------------------------------------


async def test_a_message_is_tried_again_after_each_wait_and_those_behind_it_wait() -> None:
    """Q02, Q07"""
    ledger = Ledger({"a": 3}, takes=1)
    retry = Retry(backoff=Backoff(initial=2, factor=2, jitter=0))
    async with Handler(ledger, retry=retry) as consumer:
        send_all(consumer, "ab")
        await consumer.join()
    assert ledger.calls == [(0, "a"), (3, "a"), (8, "a"), (17, "a"), (18, "b")]
    assert ledger.handled == ["a", "b"]


async def test_without_order_the_others_go_first() -> None:
    """Q07"""
    ledger = Ledger({"a": 2, "c": 1}, takes=1)
    async with Handler(ledger, retry=every(2.5, keeps_order=False)) as consumer:
        send_all(consumer, "abcd")
        await consumer.join()
    assert ledger.calls == [
        (0, "a"),
        (1, "b"),
        (2, "c"),
        (3, "d"),
        (4, "a"),
        (5.5, "c"),
        (7.5, "a"),
    ]
    assert ledger.handled == [*"bdca"]


@each_order
async def test_a_wait_of_zero_tries_again_at_once(*, keeps_order: bool) -> None:
    ledger = Ledger({"a": 4}, takes=1)
    async with Handler(ledger, retry=every(0, keeps_order=keeps_order)) as consumer:
        consumer.send("a")
    assert ledger.began == [0, 1, 2, 3, 4]


@each_order
async def test_attempts_without_limit_go_on_until_it_succeeds(*, keeps_order: bool) -> None:
    ledger = Ledger({"a": 2000}, takes=0)
    retry = Retry(attempts=inf, backoff=Backoff(1, maximum=9, jitter=0), keeps_order=keeps_order)
    async with Handler(ledger, retry=retry) as consumer:
        consumer.send("a")
        await consumer.join()
    assert ledger.attempts["a"] == 2001


async def test_a_seed_brings_the_same_waits_again() -> None:
    ledgers = [Ledger({"a": 4}, takes=0) for _ in range(3)]
    for ledger, seed in zip(ledgers, (7, 7, 8), strict=True):
        began = now()
        async with Handler(ledger, retry=Retry(seed=seed)) as consumer:
            consumer.send("a")
            await consumer.join()
        ledger.calls = [(at - began, message) for at, message in ledger.calls]
    first, second, other = (ledger.began for ledger in ledgers)
    assert first == second != other


# --- which ---------------------------------------------------------------------------------------


@each_order
@pytest.mark.parametrize(
    ("error", "expected"),
    [(OSError(), 2), (ConnectionError(), 2), (ValueError(), 1), (asyncio.CancelledError(), 1)],
    ids=repr,
)
async def test_only_errors_of_the_named_classes_are_worth_another_try(
    error: BaseException, expected: int, *, keeps_order: bool
) -> None:
    """Q02: a CancelledError that is not the consumer's own is an error of the handler's."""

    async def handle(message: str) -> None:
        if message == "a":
            calls.append(message)
            raise error

    calls: list[str] = []
    ledger = Ledger()
    retry = every(1, on=OSError, attempts=2, keeps_order=keeps_order)
    options = {"retry": retry, "on_dead_letter": ledger.bury}
    async with QueueConsumerWorker(handle, **options) as consumer:
        send_all(consumer, "ab")
    assert len(calls) == expected
    assert ledger.dead == [("a", type(error).__name__, expected)]
    assert consumer.worker_exit.account["handled"] == 1


@each_order
@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt()], ids=repr)
async def test_what_asks_for_the_end_of_the_process_is_not_tried_again(
    error: BaseException, *, keeps_order: bool
) -> None:
    async def handle(_message: str) -> None:
        raise error

    ledger = Ledger()
    retry = every(1, on=Exception, keeps_order=keeps_order)
    consumer = QueueConsumerWorker(handle, retry=retry, on_dead_letter=ledger.bury)
    await consumer.startup()
    send_all(consumer, "ab")
    with pytest.raises(type(error)):
        await consumer.wait_for_shutdown()
    found = consumer.worker_mailbox.account()
    assert (found.dead, found.queued, ledger.dead) == (1, 1, [])


@each_order
async def test_a_handler_that_refused_to_end_in_time_is_not_called_again(
    *, keeps_order: bool
) -> None:
    """Q10: it may still be at work on that message."""
    deaf = deaf_to(2)

    async def handle(_message: str) -> None:
        calls.append(now())
        await deaf(consumer)

    calls: list[float] = []
    ledger = Ledger()
    consumer = QueueConsumerWorker(
        handle,
        handler_timeout=5,
        retry=every(1, on=HandlerTimeoutError, keeps_order=keeps_order),
        on_dead_letter=ledger.bury,
    )
    async with consumer:
        consumer.send("a")
        await asyncio.sleep(20)
    assert calls == [0]
    assert ledger.dead == [("a", "HandlerTimeoutError", 1)]
    await asyncio.sleep(7200)


# --- how often -----------------------------------------------------------------------------------


@each_order
async def test_a_retry_that_is_used_up_is_as_if_there_had_been_none(*, keeps_order: bool) -> None:
    """Q03: the error ends the consumer; what is behind it stays."""
    ledger = Ledger({"a": ALWAYS}, takes=0)
    retry = every(1, attempts=3, keeps_order=keeps_order)
    consumer = Handler(ledger, retry=retry, mailbox=Mailbox())
    await consumer.startup()
    consumer.send("a")
    await asyncio.sleep(1.5)
    send_all(consumer, "" if not keeps_order else "bc")
    with pytest.raises(Planned, match="a"):
        await consumer.wait_for_shutdown()
    assert ledger.began == [0, 1, 2]
    found = consumer.worker_mailbox.account()
    assert (found.dead, found.queued, found.in_hand) == (1, 2 if keeps_order else 0, 0)


@each_order
async def test_with_a_hook_for_dead_letters_the_others_are_not_blocked(
    *, keeps_order: bool
) -> None:
    """Q02, Q03"""
    ledger = Ledger({"a": ALWAYS, "c": ALWAYS}, takes=0)
    retry = every(1, attempts=3, keeps_order=keeps_order)
    async with Handler(ledger, retry=retry, on_dead_letter=ledger.bury) as consumer:
        send_all(consumer, "abcd")
        await consumer.join()
        facts = (await consumer.status())["handling"]
    assert ledger.dead == [("a", "Planned", 3), ("c", "Planned", 3)]
    assert ledger.handled == ["b", "d"]
    assert (facts["failed"], facts["retried"]) == (6, 4)


async def test_a_dispatcher_is_asked_again_as_a_whole() -> None:
    """Q02"""

    class Words(AsyncDispatcher[str]):
        def event_type(self, message: str) -> str:
            return message

    async def flaky(message: str) -> None:
        await ledger.try_(message)

    words, ledger = Words(), Ledger({"a": 1}, takes=0)
    words.register_handler("a", flaky)
    async with AsyncConsumer(words, retry=every(1)) as consumer:
        consumer.send("a")
    assert ledger.began == [0, 1]
