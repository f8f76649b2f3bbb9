"""Rate limits: when handlers begin, alone and in a pool, and how a stop ends the wait for it."""

from __future__ import annotations

import asyncio

import pytest

from fluid import AsyncConsumer, Backoff, RateLimit, Retry
from fluid.testing import Simulation
from fluid.utils.dispatcher import AsyncDispatcher
from tests.exploring import explored
from tests.scenarios.cast import LATE, Watch, faults_of, stop_at_last
from tests.scenarios.handling_cast import ALWAYS, TAKES, Handler, Ledger, looked_at, send_all
from tests.scenarios.stop_cast import late
from tests.scenarios.supervised_cast import supervisor_of
from tests.worker.fakes import now
from tests.worker.group_cast import end_of


async def test_handlers_begin_at_their_rate_however_short_they_are() -> None:
    ledger = Ledger(takes=0)
    async with Handler(ledger, rate_limit=RateLimit(4)) as consumer:
        send_all(consumer, "abcde")
        await consumer.join()
    assert ledger.began == [0, 0.25, 0.5, 0.75, 1]
    assert ledger.handled == [*"abcde"]


async def test_handlers_that_take_longer_than_that_wait_for_nothing() -> None:
    ledger = Ledger(takes=3)
    async with Handler(ledger, rate_limit=RateLimit(1, per=2)) as consumer:
        send_all(consumer, "abc")
        await consumer.join()
    assert ledger.began == [0, 3, 6]


async def test_after_a_rest_as_many_begin_at_once_as_the_burst_allows() -> None:
    ledger = Ledger(takes=0)
    limit = RateLimit(1, per=2, burst=3)
    async with Handler(ledger, rate_limit=limit) as consumer:
        for _ in range(2):
            send_all(consumer, "abcde")
            await consumer.join()
            await asyncio.sleep(100)
    assert ledger.began == [0, 0, 0, 2, 4, 104, 104, 104, 106, 108]


async def test_the_loops_of_a_pool_share_one_limit() -> None:
    ledger = Ledger(takes=5)
    async with Handler(ledger, concurrency=3, rate_limit=RateLimit(1, burst=2)) as consumer:
        send_all(consumer, "abcdef")
        await consumer.join()
    assert ledger.began == [0, 0, 1, 5, 5, 6]


async def test_keys_share_it_too() -> None:
    ledger = Ledger(takes=0)
    async with Handler(ledger, concurrency=2, key=str, rate_limit=RateLimit(1)) as consumer:
        send_all(consumer, "aabb")
        await consumer.join()
    assert ledger.began == [0, 1, 2, 3]


async def test_another_attempt_counts_as_a_beginning() -> None:
    ledger = Ledger({"a": 2}, takes=0)
    retry = Retry(backoff=Backoff(initial=0))
    async with Handler(ledger, rate_limit=RateLimit(1, per=3), retry=retry) as consumer:
        send_all(consumer, "ab")
        await consumer.join()
    assert ledger.calls == [(0, "a"), (3, "a"), (6, "a"), (9, "b")]


async def test_a_request_waits_for_its_turn_like_a_message() -> None:
    async with Handler(Ledger(takes=0), rate_limit=RateLimit(1, per=3)) as consumer:
        consumer.send("a")
        assert await consumer.request("b") == "B"
        assert now() == 3


async def test_the_time_limit_of_a_handler_begins_with_the_handler() -> None:
    ledger = Ledger(takes=1)
    limits = {"rate_limit": RateLimit(1, per=9), "handler_timeout": 2}
    async with Handler(ledger, **limits) as consumer:
        send_all(consumer, "ab")
        await consumer.join()
    assert ledger.handled == ["a", "b"]


async def test_a_dispatcher_is_limited_by_the_message() -> None:
    class Words(AsyncDispatcher[str]):
        def event_type(self, message: str) -> str:
            return "word"

    words, ledger = Words(), Ledger(takes=0)
    for tag in "first", "second":
        words.register_handler(f"word.{tag}", ledger.try_)
    async with AsyncConsumer(words, rate_limit=RateLimit(1)) as consumer:
        send_all(consumer, "ab")
        await consumer.join()
    assert sorted(ledger.began) == [0, 0, 1, 1]


@pytest.mark.parametrize("options", [{}, {"concurrency": 2}, {"key": str}], ids=repr)
async def test_a_stop_handles_what_may_begin_in_time_and_hands_back_the_rest_at_once(
    options,
) -> None:
    """U02, U08: the grace is from 0.5 to 4.5; the next one could begin at 6."""
    ledger = Ledger(takes=0)
    limits = {"rate_limit": RateLimit(1, per=2), "stopping_grace_period": 4}
    async with Handler(ledger, **limits, **options) as consumer:
        send_all(consumer, "abcdef")
        await asyncio.sleep(0.5)
    assert ledger.began == [0, 2, 4]
    assert sorted(ledger.left) == [*"def"]
    assert now() == 4


@pytest.mark.parametrize("concurrency", [1, 3])
async def test_a_restart_is_no_way_around_the_limit(concurrency: int) -> None:
    """And those who waited for their turn when it failed have not used it up."""
    ledger = Ledger({"a": ALWAYS, "b": ALWAYS}, takes=0)
    limit = RateLimit(1, per=10)
    consumer = Handler(ledger, concurrency=concurrency, rate_limit=limit)
    send_all(consumer, "abcd")
    async with supervisor_of(consumer):
        await consumer.join()
    assert ledger.began == [0, 10, 20, 30]
    assert sorted(ledger.handled) == ["c", "d"]


async def test_a_force_ends_the_wait() -> None:
    ledger = Ledger(takes=0)
    async with Handler(ledger, rate_limit=RateLimit(1, per=100)) as consumer:
        send_all(consumer, "ab")
        await asyncio.sleep(1)
        consumer._worker.force()
    assert (ledger.handled, ledger.left) == (["a"], ["b"])
    assert now() == 1


@pytest.mark.parametrize("concurrency", [1, 2])
@explored(faults="offered", swept=True)
async def test_whatever_strikes_no_more_begin_than_the_limit_allows_and_nothing_is_lost(
    sim: Simulation, concurrency: int
) -> None:
    """Q01, Q04"""
    ledger = Ledger({"b": 1, "d": ALWAYS})
    consumer = Handler(
        ledger,
        concurrency=concurrency,
        rate_limit=RateLimit(1, per=2 * TAKES, burst=2),
        retry=Retry(attempts=2, backoff=Backoff(TAKES, jitter=0)),
        on_dead_letter=ledger.bury,
        stopping_grace_period=3 * TAKES,
    )
    watch, wrong = Watch(consumer), looked_at(consumer)
    faults_of(sim, consumer)
    send_all(consumer, "abcdef")
    if await end_of(consumer.startup()) is None:
        await asyncio.sleep(14 * TAKES)
    await stop_at_last(consumer)
    watch.assert_it_ended_well()
    assert not wrong
    ledger.assert_nothing_is_lost(consumer, "abcdef")
    began = ledger.began
    if late(sim) < LATE:  # timers that are late make up for it
        for first, third in zip(began, began[3:], strict=False):
            assert third - first >= 4 * TAKES - 1e-6
    sim.sometimes("something was left", bool(ledger.left))
    sim.sometimes("something died", bool(ledger.dead))
