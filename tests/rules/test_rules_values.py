"""Numbers and words of the rules that others rely on: each is what the documentation says."""

from __future__ import annotations

from math import inf

import pytest

from fluid import FluidValueError, Missed, Overlap, Retry
from fluid.rules.budget import Turns
from fluid.rules.names import SlotKeys
from fluid.rules.outcome import CLEAN, ERROR, FORCED, Facts, judge
from fluid.rules.restart import Decision, End
from fluid.rules.schedules.set_back import LOOK_AGAIN, SET_BACK, WRONG_CLOCK


def test_the_codes_of_a_worker_are_0_1_and_2() -> None:
    assert (CLEAN, FORCED, ERROR) == (0, 1, 2)


def test_of_a_life_nothing_is_known_at_first() -> None:
    facts = Facts()
    assert not any((facts.stopped_in_start, facts.forced, facts.abandoned, facts.cleanup_errors))


def test_a_fact_that_is_noted_and_false_changes_nothing() -> None:
    assert judge(Facts(forced=False)) == judge(Facts())


def test_ends_and_decisions_are_words_that_a_log_line_can_use() -> None:
    assert [end.value for end in End] == ["ended", "failed", "was abandoned"]
    assert [decision.value for decision in Decision] == ["restart", "keep", "drop", "give up"]


def test_a_message_is_tried_five_times_unless_somebody_says_otherwise() -> None:
    assert Retry().attempts == 5


def test_a_policy_is_what_it_is_called() -> None:
    assert (Overlap.SKIP.at_once, Overlap.QUEUE_ONE.at_once) == (1, 1)
    assert (Missed.SKIP.most, Missed.ONCE.most) == (0, 1)
    assert repr(Missed.skip(2)) == "Missed.skip(2.0)"
    assert Missed.skip(2).most == 0


def test_a_key_that_was_given_back_is_free_and_a_number_behind_a_name_is_not() -> None:
    keys = SlotKeys()
    assert [keys.take("a"), keys.take("a")] == ["a", "a-2"]
    keys.give_back("a")
    keys.give_back("a-2")
    assert [keys.take("a"), keys.take("a")] == ["a", "a-3"]


def test_who_has_no_bound_needs_all_the_time_there_is_and_no_more() -> None:
    assert Turns([inf, 1], 0.5).share(0, 0.5) == pytest.approx(0.5)
    assert Turns([inf, 1], 0.5).share(1, 0.5) == pytest.approx(1 / 3)


def test_where_there_is_no_time_left_nobody_has_any() -> None:
    assert Turns([inf], -5).share(0, -5) == 0


def test_a_clock_is_slewed_by_a_second_and_wrong_by_three_hours_as_cron_has_it() -> None:
    assert (SET_BACK, LOOK_AGAIN, WRONG_CLOCK) == (1, 60, 3 * 3600)


@pytest.mark.parametrize(
    ("tolerance", "said"),
    [
        (0, "tolerance of Missed.skip() is 0 seconds, and no fire begins at the very instant"),
        (-1, "tolerance of Missed.skip() is not a number of seconds, zero or more: -1"),
    ],
)
def test_a_tolerance_of_nothing_would_miss_every_fire(tolerance: float, said: str) -> None:
    with pytest.raises(FluidValueError) as refused:
        Missed.skip(tolerance)
    assert str(refused.value).startswith(said)
