"""Which of the callbacks that are ready runs next, by policy."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluid.testing import LivelockError, Policy
from fluid.testing.schedules.choosers import Scripted, Seeded
from fluid.testing.schedules.queues import RandomQueue, ReadyQueue, SourceQueue, queue_for
from tests.testing.watching import watched

POLICIES = pytest.mark.parametrize("policy", list(Policy))


class Callbacks:
    """Makes handles by number, and takes a queue apart into numbers."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.numbers: dict[asyncio.Handle, int] = {}

    def put(self, queue: ReadyQueue, *numbers: int) -> None:
        for number in numbers:
            handle = asyncio.Handle(print, (), self.loop)
            self.numbers[handle] = number
            queue.append(handle)

    def take(self, queue: ReadyQueue) -> int:
        return self.numbers[queue.popleft()]

    def rest(self, queue: ReadyQueue) -> list[int]:
        return [self.take(queue) for _ in range(len(queue))]


@pytest.fixture(scope="module")
def callbacks() -> Iterator[Callbacks]:
    loop = asyncio.new_event_loop()
    yield Callbacks(loop)
    loop.close()


def orders(policy: Policy, callbacks: Callbacks, *sources: tuple[int, ...]) -> Counter[str]:
    """Returns the orders in which a policy runs what each source has scheduled, and how often."""
    found: Counter[str] = Counter()
    for seed in range(300):
        queue = queue_for(policy, Seeded(Random(seed)))
        for source in sources:
            callbacks.put(queue, *source)
            queue.split()
        found["".join(map(str, callbacks.rest(queue)))] += 1
    return found


# What every policy has in common


@POLICIES
@given(st.lists(st.sampled_from(["put", "take", "split"]), max_size=50))
def test_choosing_zero_everywhere_is_first_in_first_out(
    callbacks: Callbacks, policy: Policy, verbs: list[str]
):
    queue, expected, number = queue_for(policy, Scripted({})), list[int](), 0
    for verb in verbs:
        if verb == "put":
            callbacks.put(queue, number)
            expected.append(number)
            number += 1
        elif verb == "split":
            queue.split()
        elif expected:
            assert callbacks.take(queue) == expected.pop(0)
    assert [callbacks.numbers[handle] for handle in queue] == expected
    assert callbacks.rest(queue) == expected


@POLICIES
@given(st.integers(), st.lists(st.sampled_from(["put", "take", "split"]), max_size=50))
def test_whatever_is_chosen_each_callback_runs_once(
    callbacks: Callbacks, policy: Policy, seed: int, verbs: list[str]
):
    queue, waiting, number = queue_for(policy, Seeded(Random(seed))), set[int](), 0
    for verb in verbs:
        if verb == "put":
            callbacks.put(queue, number)
            waiting.add(number)
            number += 1
        elif verb == "split":
            queue.split()
        elif waiting:
            waiting.remove(callbacks.take(queue))
        assert len(queue) == len(waiting)
        assert bool(queue) == bool(waiting)
    assert set(callbacks.rest(queue)) == waiting


@POLICIES
def test_a_cleared_queue_is_empty_and_can_be_used_again(callbacks: Callbacks, policy: Policy):
    queue = queue_for(policy, Scripted({}))
    callbacks.put(queue, 1, 2)
    queue.clear()
    assert len(queue) == 0
    callbacks.put(queue, 3)
    assert callbacks.rest(queue) == [3]


@POLICIES
def test_nobody_is_asked_where_there_is_no_choice(callbacks: Callbacks, policy: Policy):
    class Nobody:
        def pick(self, options: int, what: str) -> int:
            raise AssertionError

        flip = pick

    queue = queue_for(policy, Nobody())
    for number in range(3):
        callbacks.put(queue, number)
        assert callbacks.take(queue) == number


@POLICIES
def test_a_livelock_names_what_is_ready_under_every_policy(policy: Policy):
    async def spin() -> None:
        while True:
            await asyncio.sleep(0)

    error = watched(spin, f"{policy}:1", livelock_after=100).error
    assert isinstance(error, LivelockError)
    assert "ready to run next: a step of main" in str(error)


# What each promises


@pytest.mark.parametrize("policy", [Policy.FIFO, Policy.LEGAL])
def test_fifo_and_legal_run_callbacks_first_in_first_out(callbacks: Callbacks, policy: Policy):
    assert set(orders(policy, callbacks, (1, 2), (3,), (4,))) == {"1234"}


def test_source_keeps_the_order_within_one_source_and_takes_sources_in_any(callbacks: Callbacks):
    found = orders(Policy.SOURCE, callbacks, (1, 2), (3, 4))
    assert set(found) == {"1234", "1324", "1342", "3124", "3142", "3412"}


def test_source_takes_each_source_equally_often_however_much_it_has(callbacks: Callbacks):
    found = orders(Policy.SOURCE, callbacks, (1, 2, 3, 4, 5), (6,))
    first = sum(times for order, times in found.items() if order.startswith("6"))
    assert first / 300 == pytest.approx(1 / 2, abs=0.1)


def test_random_takes_any_callback(callbacks: Callbacks):
    found = orders(Policy.RANDOM, callbacks, (1, 2), (3,))
    assert set(found) == {"123", "132", "213", "231", "312", "321"}


def test_what_is_added_after_a_step_comes_from_another_source(callbacks: Callbacks):
    queue = SourceQueue(Scripted({0: 1}))
    callbacks.put(queue, 1)
    queue.split()
    callbacks.put(queue, 2)
    assert callbacks.take(queue) == 2
    callbacks.put(queue, 3)
    assert callbacks.rest(queue) == [1, 3]


def test_a_source_that_is_empty_is_no_choice(callbacks: Callbacks):
    queue = SourceQueue(Scripted({0: 1, 1: 1}))
    for number in (1, 2, 3):
        callbacks.put(queue, number)
        queue.split()
    assert callbacks.rest(queue) == [2, 3, 1]


def test_random_counts_from_the_oldest(callbacks: Callbacks):
    queue = RandomQueue(Scripted({0: 2, 1: 1}))
    callbacks.put(queue, 1, 2, 3)
    assert callbacks.rest(queue) == [3, 2, 1]


# The same in a run


def test_one_step_keeps_the_order_of_what_it_schedules_unless_random():
    async def scenario() -> None:
        done: list[int] = []
        loop = asyncio.get_running_loop()
        for number in range(4):
            loop.call_soon(done.append, number)
        while len(done) < 4:
            await asyncio.sleep(0)
        assert all(one < other for one, other in pairwise(done))

    for policy in (Policy.LEGAL, Policy.SOURCE):
        assert all(watched(scenario, f"{policy}:{seed}").error is None for seed in range(50))
    assert any(watched(scenario, f"random:{seed}").error is not None for seed in range(50))
