"""Time limits: whatever strikes, and whatever a handler does about its cancel, nothing is lost."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest

from fluid import Backoff, HandlerTimeoutError, Retry
from fluid.testing import Simulation
from tests.exploring import explored
from tests.scenarios.cast import Watch, faults_of, stop_at_last
from tests.scenarios.conservation_cast import checked_at_every_step
from tests.scenarios.message_cast import TAKES
from tests.scenarios.pool_cast import Pooled, key_of
from tests.worker.fakes import deaf
from tests.worker.group_cast import end_of

LIMIT = 2 * TAKES

each_kind = pytest.mark.parametrize("kind", ["plain", "bare", "keyed", "retrying"])


def options_of(kind: str) -> dict[str, Any]:
    """Returns the options of a kind of consumer."""
    again = Retry(TimeoutError, 2, Backoff(TAKES, factor=1, jitter=0))
    return {
        "plain": {"concurrency": 1},
        "bare": {"concurrency": 2},
        "keyed": {"concurrency": 2, "key": key_of},
        "retrying": {"concurrency": 2, "key": key_of, "retry": again},
    }[kind]


class Slow(Pooled):
    """Its messages say how it minds a cancel; it writes down what it knows of their fates."""

    cancel_period = 2 * TAKES

    def __init__(self, kind: str, **options: Any) -> None:
        super().__init__(**{"handler_timeout": LIMIT, **options_of(kind), **options})
        self.running: Counter[str] = Counter()
        self.done: list[str] = []
        self.dead: list[str] = []

    async def on_message(self, message: str) -> None:
        self.running[message] += 1
        try:
            await self.work(message)
        finally:
            self.running[message] -= 1
        self.done.append(message)

    async def work(self, message: str) -> None:
        match message.partition("-")[2]:
            case "quick":
                await asyncio.sleep(TAKES)
            case "exact":
                await asyncio.sleep(LIMIT)
            case "slow":
                await asyncio.sleep(1000)
            case "returns":
                try:
                    await asyncio.sleep(1000)
                except asyncio.CancelledError:
                    await asyncio.sleep(TAKES)
            case "deaf":
                await deaf(self)

    async def on_dead_letter(self, message: str, error: BaseException, _attempts: int) -> None:
        assert isinstance(error, HandlerTimeoutError), error
        assert bool(self.running[message]) == error.abandoned
        self.dead.append(message)

    def assert_each_is_in_one_place(self) -> None:
        """Asserts that handled, dead and given back are all there is, each of them once."""
        account = self.worker_mailbox.account()
        given = self.books.given
        late = [message for message in self.done if message in self.dead]
        handled = [message for message in self.done if message not in self.dead]
        assert len(set(handled)) == len(handled)
        # A loop that is held up for long gives one that returns no time to do so, either.
        assert all(message.endswith(("deaf", "returns")) for message in late), late
        places = [*handled, *self.dead, *given, *self.books.left]
        assert sorted(places) == sorted(self.books.accepted), (places, vars(self))
        assert (account.handled, account.dead) == (len(handled), len(self.dead))
        assert account.returned + account.dropped == len(given)
        assert not account.in_hand


@pytest.mark.parametrize("kind", ["plain", "retrying"])
@explored(faults="offered", swept=True, seeds=8)
async def test_whatever_strikes_a_consumer_with_a_time_limit_each_message_is_in_one_place(
    sim: Simulation, kind: str
) -> None:
    """Q04, Q10"""
    consumer = Slow(kind)
    watch = Watch(consumer)
    faults_of(sim, consumer)
    with checked_at_every_step(sim, consumer.books):
        await end_of(consumer.startup())
        consumer.send_all("a-quick b-slow a-returns c-quick")
        await end_of(asyncio.wait_for(consumer.join(), 100))
        await stop_at_last(consumer)
        await asyncio.sleep(10 * TAKES)  # if it was abandoned, its cleanup may still go on
    watch.assert_it_ended_well()
    sim.sometimes("one was too slow", consumer.dead == ["b-slow"])
    sim.sometimes("one was handed back", bool(consumer.books.given))
    consumer.assert_each_is_in_one_place()


@each_kind
@explored()
async def test_a_handler_that_ends_at_its_limit_has_handled_its_message_or_failed_and_never_both(
    sim: Simulation, kind: str
) -> None:
    consumer = Slow(kind)
    with checked_at_every_step(sim, consumer.books):
        async with consumer:
            consumer.send_all("a-exact b-exact c-exact")
            await consumer.join()
    sim.sometimes("it was in time", bool(consumer.done))
    sim.sometimes("it was too late", bool(consumer.dead) or kind == "retrying")
    consumer.assert_each_is_in_one_place()


@each_kind
@explored()
async def test_the_place_of_a_handler_that_was_left_alone_is_free_for_the_next(
    sim: Simulation, kind: str
) -> None:
    """Q10: the message of a handler that still runs is dead, and stays so when it ends."""
    consumer = Slow(kind, handler_timeout=10 * TAKES)
    with checked_at_every_step(sim, consumer.books):
        async with consumer:
            consumer.send_all("a-deaf b-deaf a-quick b-quick c-quick d-quick")
            await asyncio.wait_for(consumer.join(), 100)
            assert sorted(consumer.dead) == ["a-deaf", "b-deaf"]
            assert len(consumer.done) == 4
        assert consumer.stragglers == 2
        assert consumer.worker_exit.abandoned
        await asyncio.sleep(4000)
    assert len(consumer.done) == 6
    consumer.assert_each_is_in_one_place()
