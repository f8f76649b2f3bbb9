"""What status() says of the times of messages, held against a stamp on each of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fluid import Backoff, BatchConsumer, QueueConsumer, QueueConsumerWorker, RateLimit, Retry
from fluid.testing import run
from tests.scenarios.handling_cast import ALWAYS, Batcher, Handler, Ledger, send_all
from tests.worker.fakes import now

Handle = Callable[[Any], Awaitable[None]]


async def times_of(consumer: QueueConsumer[Any]) -> dict[str, Any]:
    """Returns what status() says about handling."""
    facts: dict[str, Any] = (await consumer.status())["handling"]
    return facts


# --- exact ---------------------------------------------------------------------------------------


async def test_the_waits_and_the_work_of_a_slow_consumer_are_summed_up() -> None:
    """B07: ten messages at once, a second each: 0 + 1 + ... + 9 seconds, to within a slice."""
    async with Handler(Ledger(takes=1)) as consumer:
        send_all(consumer, "abcdefghij")
        await consumer.join()
        facts = await times_of(consumer)
    assert facts["seconds_waited"] == pytest.approx(45, abs=1)
    assert facts["seconds_handled"] == pytest.approx(10)
    assert facts["oldest_age"] == 0


async def test_the_oldest_message_is_as_old_as_its_wait_so_far() -> None:
    """B07"""
    async with Handler(Ledger(takes=10)) as consumer:
        send_all(consumer, "abc")
        await asyncio.sleep(5)
        status = await consumer.status()
        assert status["queue_size"] == 2
        assert status["handling"]["oldest_age"] == 5
        await asyncio.sleep(10)
        assert (await times_of(consumer))["oldest_age"] == 15


async def test_a_message_that_has_just_come_to_an_idle_consumer_is_not_old() -> None:
    """Though nobody has looked for an hour."""
    async with Handler(Ledger()) as consumer:
        await asyncio.sleep(3600)
        consumer.send("a")
        facts = await times_of(consumer)
        assert (facts["oldest_age"], facts["seconds_waited"]) == (0, 0)
        await consumer.join()
        assert (await times_of(consumer))["seconds_waited"] == 0


@pytest.mark.parametrize("options", [{}, {"concurrency": 2}, {"key": str}], ids=repr)
async def test_what_waits_during_a_pause_grows_old(options) -> None:
    """Q14, B07"""
    async with Handler(Ledger(takes=0), **options) as consumer:
        await asyncio.sleep(100)
        consumer.pause()
        await asyncio.sleep(100)
        for letter in "ab":
            consumer.send(letter)
            await asyncio.sleep(10)
        facts = await times_of(consumer)
        assert facts["paused"]
        assert facts["oldest_age"] == pytest.approx(20)
        consumer.resume()
        await consumer.join()
        facts = await times_of(consumer)
        assert not facts["paused"]
        assert facts["seconds_waited"] == pytest.approx(20 + 10, abs=5)


async def test_what_waits_for_a_batch_to_fill_is_waiting() -> None:
    """B07"""
    async with Batcher(Ledger(takes=0), size=3, age=60) as consumer:
        await asyncio.sleep(100)
        for letter in "ab":
            consumer.send(letter)
            await asyncio.sleep(10)
        assert (await times_of(consumer))["oldest_age"] == pytest.approx(20)
        consumer.send("c")
        await consumer.join()
        assert (await times_of(consumer))["seconds_waited"] == pytest.approx(30, abs=5)


async def test_time_in_a_rate_limit_or_before_another_try_in_its_place_counts_as_work() -> None:
    """The message is in hand, and those behind it wait."""
    ledger = Ledger({"a": 1}, takes=1)
    retry = Retry(backoff=Backoff(3, jitter=0))
    async with Handler(ledger, retry=retry, rate_limit=RateLimit(1, per=6)) as consumer:
        consumer.send("a")
        await consumer.join()
        facts = await times_of(consumer)
    assert ledger.began == [0, 6]
    assert facts["seconds_handled"] == pytest.approx(7)
    assert facts["seconds_waited"] == 0


async def test_failures_and_retries_are_counted_by_the_attempt() -> None:
    """B07"""
    ledger = Ledger({"a": 2, "b": ALWAYS}, takes=0)
    retry = Retry(attempts=3, backoff=Backoff(initial=0))
    async with Handler(ledger, retry=retry, on_dead_letter=ledger.bury) as consumer:
        send_all(consumer, "abc")
        await consumer.join()
        facts = await times_of(consumer)
    assert (facts["failed"], facts["retried"], facts["abandoned"]) == (5, 4, 0)


# --- held against stamps -------------------------------------------------------------------------

KINDS: dict[str, Callable[[Handle], QueueConsumer[Any]]] = {
    "plain": QueueConsumerWorker,
    "pool": lambda handle: QueueConsumerWorker(handle, concurrency=3),
    "batch": lambda handle: BatchConsumer(handle, size=4, age=0.2),
}
LONGEST = 2.0
"""Seconds that a handler takes at most, which is how long a slice may last."""

arrivals = st.lists(
    st.tuples(st.sampled_from([0, 0, 0.0005, 0.1, 1, 30]), st.sampled_from([0, 0.01, 0.5, 2])),
    max_size=30,
)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=40, deadline=None)
@given(arrivals=arrivals)
def test_the_age_is_never_too_low_and_all_times_are_right_to_within_a_slice(
    kind: str, arrivals: list[tuple[float, float]]
) -> None:
    """B07"""
    run(lambda: _held_against_stamps(KINDS[kind], arrivals))


async def _held_against_stamps(
    make: Callable[[Handle], QueueConsumer[Any]], arrivals: list[tuple[float, float]]
) -> None:
    sent: list[float] = []
    taken: dict[int, float] = {}

    async def handle(given: Any) -> None:
        numbers = given if isinstance(given, list) else [given]
        taken.update((number, now()) for number in numbers)
        await asyncio.sleep(arrivals[numbers[0]][1])

    async with make(handle) as consumer:
        for number, (pause, _) in enumerate(arrivals):
            await asyncio.sleep(pause)
            sent.append(now())
            consumer.send(number)
            facts = await times_of(consumer)
            waiting = [at for other, at in enumerate(sent) if other not in taken]
            age = now() - min(waiting, default=now())
            assert age - 1e-6 <= facts["oldest_age"] <= age + LONGEST + 1e-6
        await consumer.join()
        facts = await times_of(consumer)
    waits = sum(taken[number] - at for number, at in enumerate(sent))
    assert abs(facts["seconds_waited"] - waits) <= LONGEST * len(sent)
    took = sum(seconds for _, seconds in arrivals)
    assert facts["seconds_handled"] <= took + 1e-6
    if not isinstance(consumer, BatchConsumer):
        assert facts["seconds_handled"] == pytest.approx(took)
