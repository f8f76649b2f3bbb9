"""Batches that fail: as a whole or in part, for the last time or not."""

from __future__ import annotations

import asyncio

import pytest

from fluid import Backoff, BatchConsumer, FluidValueError, MessagesFailed, RateLimit, Retry
from tests.scenarios.cast import Planned
from tests.scenarios.handling_cast import (
    ALWAYS,
    Batcher,
    Ledger,
    batches_of,
    looked_at,
    send_all,
)
from tests.worker.group_cast import end_of

SOON = Backoff(initial=0.5, jitter=0)


async def test_a_batch_that_fails_is_dead_and_ends_the_consumer() -> None:
    """Q09"""

    async def fail(batch: list[str]) -> None:
        raise Planned("".join(batch))

    consumer = BatchConsumer(fail, size=2, age=1)
    await consumer.startup()
    send_all(consumer, "abc")
    with pytest.raises(Planned, match="ab"):
        await consumer.wait_for_shutdown()
    found = consumer.worker_mailbox.account()
    assert (found.dead, found.queued) == (2, 1)
    assert found.adds_up


async def test_only_the_messages_that_are_named_have_failed() -> None:
    """Q09: its error is what ends the consumer, as the handler raised it."""
    ledger = Ledger({"b": ALWAYS})
    consumer = Batcher(ledger, size=3)
    await consumer.startup()
    send_all(consumer, "abc")
    error = await end_of(consumer.wait_for_shutdown())
    assert isinstance(error, MessagesFailed)
    assert list(error.errors) == [1]
    assert ledger.handled == ["a", "c"]
    ledger.assert_nothing_is_lost(consumer, "abc")


async def test_a_name_beyond_the_batch_is_a_failure_of_all_of_it_and_says_so() -> None:
    async def handle(batch: list[str]) -> None:
        raise MessagesFailed({0: Planned(), len(batch): Planned()})

    consumer = BatchConsumer(handle, size=2)
    await consumer.startup()
    send_all(consumer, "ab")
    with pytest.raises(FluidValueError, match="names message 2 of a batch that has 2") as caught:
        await consumer.wait_for_shutdown()
    assert isinstance(caught.value.__cause__, MessagesFailed)
    assert consumer.worker_mailbox.account().dead == 2


async def test_what_failed_is_tried_again_by_itself_before_any_other() -> None:
    """Q09"""
    ledger = Ledger({"b": 1, "d": 2}, takes=1)
    async with Batcher(ledger, size=4, age=0, retry=Retry(backoff=SOON)) as consumer:
        wrong = looked_at(consumer)
        send_all(consumer, "abcdefgh")
        await asyncio.sleep(60)
    assert batches_of(ledger) == [(0, "abcd"), (1.5, "bd"), (3.5, "d"), (4.5, "efgh")]
    assert not wrong
    ledger.assert_nothing_is_lost(consumer, "abcdefgh")


async def test_what_is_settled_is_so_at_once_though_others_wait_for_another_try() -> None:
    ledger = Ledger({"b": 1}, takes=1)
    async with Batcher(ledger, size=3, retry=Retry(backoff=SOON)) as consumer:
        send_all(consumer, "abc")
        await asyncio.sleep(1.2)
        found = consumer.worker_mailbox.account()
        assert (found.handled, found.in_hand) == (2, 1)


async def test_a_batch_may_mix_those_to_try_again_and_the_dead() -> None:
    """Q02, Q09"""

    async def handle(batch: list[str]) -> None:
        calls.append("".join(batch))
        kinds = {"o": OSError("gone"), "v": ValueError("bad")}
        errors = {n: kinds[letter] for n, letter in enumerate(batch) if letter in kinds}
        if errors and len(calls) < 3:
            raise MessagesFailed(errors)

    calls: list[str] = []
    ledger = Ledger()
    retry = Retry(on=OSError, backoff=SOON)
    async with BatchConsumer(handle, size=4, retry=retry, on_dead_letter=ledger.bury) as consumer:
        wrong = looked_at(consumer)
        send_all(consumer, "aovo")
        await consumer.join()
        found = consumer.worker_mailbox.account()
        facts = (await consumer.status())["handling"]
    assert calls == ["aovo", "oo", "oo"]
    assert ledger.dead == [("v", "ValueError", 1)]
    assert (found.handled, found.dead) == (3, 1)
    assert (facts["failed"], facts["retried"]) == (5, 4)
    assert not wrong


async def test_the_dead_of_a_batch_come_one_by_one_in_order() -> None:
    """Q03, Q09"""
    ledger = Ledger({"b": ALWAYS, "d": ALWAYS})
    retry = Retry(attempts=2, backoff=SOON)
    async with Batcher(ledger, size=4, retry=retry, on_dead_letter=ledger.bury) as consumer:
        send_all(consumer, "abcdefgh")
    assert ledger.dead == [("b", "Planned", 2), ("d", "Planned", 2)]
    assert ledger.handled == [*"acefgh"]


@pytest.mark.parametrize("raises", ["its own", "the same"])
async def test_a_hook_that_raises_in_the_middle_leaves_the_others_for_the_next_life(
    raises: str,
) -> None:
    """Q09: whatever it raises, and though the error that it was given is the whole batch's."""

    async def fail(_batch: list[str]) -> None:
        raise Planned("batch")

    async def bury(message: str, error: BaseException, _attempts: int) -> None:
        seen.append(message)
        if message == "b":
            raise error if raises == "the same" else OSError("no more room")

    seen: list[str] = []
    consumer = BatchConsumer(fail, size=4, on_dead_letter=bury)
    await consumer.startup()
    wrong = looked_at(consumer)
    send_all(consumer, "abcde")
    error = await end_of(consumer.wait_for_shutdown())
    assert isinstance(error, Planned if raises == "the same" else OSError)
    assert seen == ["a", "b"]
    assert [*consumer.worker_mailbox.messages] == [*"cde"]
    assert consumer.worker_mailbox.account().dead == 2
    assert not wrong


async def test_a_rate_limit_is_for_the_calls() -> None:
    ledger = Ledger({"b": 1}, takes=0)
    limits = {"rate_limit": RateLimit(1, per=4), "retry": Retry(backoff=SOON)}
    async with Batcher(ledger, size=2, age=0, **limits) as consumer:
        send_all(consumer, "abcd")
        await consumer.join()
    assert batches_of(ledger) == [(0, "ab"), (4, "b"), (8, "cd")]


async def test_a_batch_that_takes_too_long_has_failed_as_a_whole() -> None:
    ledger = Ledger(takes=5)
    options = {"handler_timeout": 1, "on_dead_letter": ledger.bury}
    async with Batcher(ledger, size=2, **options) as consumer:
        send_all(consumer, "ab")
        await asyncio.sleep(20)
    assert ledger.dead == [("a", "HandlerTimeoutError", 1), ("b", "HandlerTimeoutError", 1)]
