"""Which looks at an event loop show a block, by the times alone."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from fluid.health import Stalls
from fluid.runtime.stalls import ALWAYS_SEEN, REST, Sight, StallWatch

QUIET, ASK, BLOCKED, STILL_BLOCKED, OVER = Sight

THRESHOLD = 0.25

NEVER = float("-inf")


class Look(NamedTuple):
    """A look, and what it has to show."""

    at: float
    sight: Sight
    seconds: float | None = None
    """How long the block is, if it is one."""
    answered_at: float = NEVER
    worked: float = 0.0
    """Processor time since the look before."""


def look_by_look(*looks: Look, threshold: float = THRESHOLD) -> StallWatch:
    watch, cpu = StallWatch(threshold, 0.0, 0.0), 0.0
    for number, look in enumerate(looks, 1):
        cpu += look.worked
        assert watch.look(look.at, cpu, look.answered_at) is look.sight, f"look {number}"
        if look.seconds is not None:
            assert watch.seconds == pytest.approx(look.seconds), f"look {number}"
    return watch


WARNINGS = {1: BLOCKED, 4: STILL_BLOCKED, 8: STILL_BLOCKED, 16: STILL_BLOCKED, 32: STILL_BLOCKED}
"""What is seen of a block that goes on, after so many quarters of a second."""

LIVES = {
    "it is asked again after each answer": [
        Look(0.25, QUIET, answered_at=0.001),
        Look(0.6, ASK),
        Look(0.85, QUIET, answered_at=0.601),
        Look(1.2, ASK),
    ],
    "an answer to an earlier question is none to this one": [
        Look(0.25, QUIET, answered_at=0.001),
        Look(0.6, ASK, answered_at=0.001),
        Look(0.85, BLOCKED, 0.25, answered_at=0.001),
    ],
    "a block that is shorter than the threshold is none": [
        Look(0.25, QUIET, answered_at=0.249),
    ],
    "a block of the threshold is told when it is over, seen or not": [
        Look(0.3, OVER, 0.26, answered_at=0.26),
        Look(0.6, ASK),
    ],
    "a block is looked into once, and told when it is over": [
        Look(0.25, BLOCKED, 0.25),
        Look(0.5, QUIET),
        Look(0.75, QUIET),
        Look(1.0, OVER, 0.8, answered_at=0.8),
        Look(1.4, ASK),
        Look(1.65, QUIET, answered_at=1.401),
    ],
    "a block that goes on is warned of after 1, 2, 4 and 8 seconds": [
        Look(quarter / 4, WARNINGS.get(quarter, QUIET), quarter / 4) for quarter in range(1, 33)
    ],
    "the next block is looked into and warned of anew": [
        Look(0.25, BLOCKED),
        *(Look(quarter / 4, QUIET) for quarter in (2, 3)),
        Look(1.0, STILL_BLOCKED),
        Look(1.25, OVER, 1.1, answered_at=1.1),
        Look(1.5, ASK),
        Look(1.75, BLOCKED, 0.25, answered_at=1.1),
        *(Look(quarter / 4, QUIET) for quarter in (8, 9)),
        Look(2.5, STILL_BLOCKED, 1.0),
    ],
    "code that lets no thread run is a block of the whole time": [
        Look(3.25, OVER, 3.1, answered_at=3.1, worked=3.0),
    ],
    "and is warned of where it goes on": [
        Look(3.25, STILL_BLOCKED, 3.25, worked=3.0),
    ],
    "a machine that slept after the answer has not blocked": [
        Look(100.0, QUIET, answered_at=0.001),
    ],
    "a machine that slept before the answer has not blocked": [
        Look(100.0, QUIET, answered_at=99.99),
    ],
    "a machine that slept while nothing was asked has not blocked": [
        Look(0.25, QUIET, answered_at=0.001),
        Look(100.0, ASK),
        Look(100.25, QUIET, answered_at=100.01),
    ],
    "a machine that slept is no block while the answer is still to come": [
        Look(100.0, QUIET),
        Look(100.25, QUIET, answered_at=100.01),
    ],
    "the sleep of a machine does not lengthen a block": [
        Look(0.25, BLOCKED, 0.25),
        Look(0.5, QUIET, 0.5),
        Look(100.0, QUIET, 0.5),
        Look(100.25, QUIET, 0.75),
        Look(100.5, OVER, 0.9, answered_at=100.4),
    ],
    "and is not taken off what was seen of a block before": [
        Look(0.25, BLOCKED, 0.25),
        Look(0.5, QUIET, 0.5),
        Look(100.0, OVER, 0.5, answered_at=0.6),
    ],
    "a look that is a little late loses nothing": [
        Look(0.45, BLOCKED, 0.45),
        Look(0.9, QUIET, 0.9),
        Look(1.3, OVER, 1.2, answered_at=1.2),
    ],
}


@pytest.mark.parametrize("looks", LIVES.values(), ids=LIVES)
def test_each_look_shows_what_the_times_say(looks):
    look_by_look(*looks)


def test_it_looks_after_the_threshold_and_rests_between_one_answer_and_the_next_question():
    watch = StallWatch(0.5, 10.0, 0.0)
    assert watch.next_look() == 10.5
    watch.look(10.75, 0.0)
    assert watch.next_look() == 11.25
    watch.look(11.25, 0.0, 11.0)
    assert 11.25 + 0.5 < watch.next_look() <= 11.25 + 0.5 * (REST - 1)


class Blocked:
    """A loop that is blocked from time to time, on a machine where all is punctual."""

    def __init__(self, *blocks):
        self.blocks = blocks
        self.watch = StallWatch(THRESHOLD, 0.0, 0.0)

    def sights(self, until):
        """Looks as often as it has to, and returns what there was to see."""
        sights = []
        while (at := self.watch.next_look()) < until:
            answered_at = self.answer_to(self.watch.asked_at)
            sights.append(self.watch.look(at, 0.0, answered_at if answered_at <= at else NEVER))
        return sights

    def answer_to(self, asked_at):
        return next((end for begin, end in self.blocks if begin <= asked_at < end), asked_at)


@pytest.mark.parametrize("begin", [number / 50 for number in range(100)])
def test_a_block_that_is_long_enough_is_seen_whenever_it_begins(begin):
    sights = Blocked((begin, begin + ALWAYS_SEEN * THRESHOLD)).sights(until=5.0)
    assert BLOCKED in sights
    assert OVER in sights


@pytest.mark.parametrize("period", [number / 20 for number in range(9, 41)])
def test_blocks_that_come_at_regular_intervals_are_found_soon(period):
    blocks = [(number * period + 0.01, number * period + 0.41) for number in range(200)]
    assert BLOCKED in Blocked(*blocks).sights(until=40 * period)


def test_no_block_is_ever_shorter_than_nothing():
    for answered_at in (number / 8 for number in range(17)):
        for at in (number / 8 for number in range(3, 17)):
            if answered_at <= at:
                watch = StallWatch(THRESHOLD, 0.0, 0.0)
                watch.look(0.25, 0.0)
                watch.look(at, 0.0, answered_at)
                assert watch.seconds >= 0


def test_a_threshold_above_a_second_warns_no_earlier():
    look_by_look(
        Look(3.0, STILL_BLOCKED, 3.0),
        Look(6.0, STILL_BLOCKED, 6.0),
        Look(9.0, QUIET, 9.0),
        Look(12.0, OVER, 10.0, answered_at=10.0),
        threshold=3.0,
    )


def test_blocks_are_counted_added_up_and_compared():
    stalls = Stalls()
    said = [str(stalls)]
    for seconds in (0.5, 2.0, 1.0):
        stalls.add(seconds)
        said.append(str(stalls))
    assert (stalls.count, stalls.seconds, stalls.longest) == (3, 3.5, 2.0)
    assert said == [
        "0 times, for 0.0 seconds in all, 0.0 at the longest",
        "once, for 0.5 seconds in all, 0.5 at the longest",
        "2 times, for 2.5 seconds in all, 2.0 at the longest",
        "3 times, for 3.5 seconds in all, 2.0 at the longest",
    ]
