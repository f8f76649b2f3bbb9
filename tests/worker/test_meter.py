"""The times of a mailbox, held against a stamp on each message: what it computes without one.

Here the meter is alone, with a list of instants beside it; what consumers make of it is in
tests/scenarios/test_message_times.py.
"""

from __future__ import annotations

from collections import deque
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluid.worker.consumers.meter import MARKS, Meter


class Queue:
    """A queue whose messages are the instants at which they came, and the meter beside it.

    Args:
        looks: Whether somebody looks whenever something comes or goes.
    """

    def __init__(self, *, looks: bool) -> None:
        self.meter = Meter()
        self.now = 0.0
        self.looks = looks
        self.waiting: deque[float] = deque()
        self.accepted = 0
        self.waited = 0.0
        """The sum of all waits so far, of those who still wait, too."""
        self.looked: list[float] = []
        """When somebody looked."""

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        self.waited += seconds * len(self.waiting)

    def arrive(self, count: int) -> None:
        """Lets messages come; a loop that was idle wakes at once."""
        self.look(asked=self.looks)
        if not self.waiting and self.meter.woke_at == inf:
            self.meter.woke_at = self.now
        self.waiting.extend([self.now] * count)
        self.accepted += count
        self.look(asked=self.looks)

    def take(self, count: int) -> None:
        """Takes messages; a loop that finds none left goes to sleep."""
        self.look(asked=self.looks)
        for _ in range(min(count, len(self.waiting))):
            self.waiting.popleft()
        self.look(asked=self.looks)
        if not self.waiting:
            self.meter.woke_at = inf

    def look(self, *, asked: bool = True) -> None:
        if asked:
            self.meter.look(self.now, len(self.waiting), self.accepted)
            self.looked.append(self.now)

    @property
    def age(self) -> float:
        """How old the oldest message is."""
        return self.now - self.waiting[0] if self.waiting else 0.0

    @property
    def oldest(self) -> float:
        """What the meter says that is."""
        return self.meter.oldest(self.now, len(self.waiting), self.accepted)

    def play(self, steps: list[tuple[str, float]]) -> None:
        """Does all of it, and holds the meter to what it promises after each step."""
        for verb, number in steps:
            getattr(self, verb)(*([] if verb == "look" else [number]))
            assert self.oldest >= self.age - 1e-9
            if self.waiting:
                came = self.waiting[0]
                slice_began = max((at for at in self.looked if at < came), default=-inf)
                woke_at = self.meter.woke_at
                assert self.oldest <= self.now - min(came, max(slice_began, woke_at)) + 1e-9


counts = st.integers(1, 5)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("pass_time"), st.sampled_from([0.001, 0.5, 1, 60])),
        st.tuples(st.sampled_from(["arrive", "take"]), counts),
        st.tuples(st.just("look"), st.just(0)),
    ),
    max_size=60,
)


@given(steps)
def test_looked_at_whenever_something_changes_its_times_are_exact(steps) -> None:
    """B07"""
    queue = Queue(looks=True)
    queue.play(steps)
    queue.look()
    assert queue.meter.waited == pytest.approx(queue.waited)
    assert queue.oldest == pytest.approx(queue.age)


@given(steps)
def test_looked_at_now_and_then_the_age_is_never_too_low_and_right_to_within_a_slice(steps) -> None:
    """B07"""
    Queue(looks=False).play(steps)


def test_nothing_waits_in_an_empty_queue_however_long_it_has_been_empty() -> None:
    queue = Queue(looks=True)
    queue.pass_time(1000)
    assert queue.oldest == 0
    queue.arrive(1)
    queue.take(1)
    queue.pass_time(1000)
    queue.look()
    assert (queue.oldest, queue.meter.waited) == (0, 0)


def test_what_has_come_while_all_loops_are_idle_has_come_just_now() -> None:
    """Whoever asks before a loop has had its step does not find a message as old as the pause."""
    queue = Queue(looks=True)
    queue.arrive(1)
    queue.take(1)
    queue.pass_time(1000)
    queue.waiting.append(queue.now)
    queue.accepted += 1
    assert queue.oldest == 0
    queue.look()
    assert queue.meter.waited == 0


def test_the_instants_that_it_keeps_are_bounded_and_the_age_stays_right_to_a_thirtieth() -> None:
    """B07: ten thousand messages, one a second, of which nobody takes any for hours."""
    queue = Queue(looks=True)
    for _ in range(10_000):
        queue.arrive(1)
        queue.pass_time(1)
        assert len(queue.meter._marks) <= MARKS
    assert queue.oldest == queue.age == 10_000
    while queue.waiting:
        queue.take(97)
        assert queue.age <= queue.oldest <= queue.age + 10_000 / 30
