"""The deadline of a process: what runs, from when, and what is left of it for the workers."""

from __future__ import annotations

from math import inf

import pytest

from fluid.runtime.deadline import Deadline


def test_a_deadline_does_not_run_before_there_is_a_reason_to_end():
    deadline = Deadline(25.0)
    assert not deadline.is_running
    assert deadline.left(1000.0) == inf
    assert deadline.left_for_tree(1000.0) == inf


def test_a_deadline_runs_from_the_first_reason_whatever_others_come_later():
    deadline = Deadline(25.0)
    deadline.start(100.0)
    deadline.start(110.0)
    assert deadline.is_running
    assert deadline.left(110.0) == 15.0


def test_what_is_left_is_negative_once_it_is_over():
    deadline = Deadline(25.0)
    deadline.start(100.0)
    assert deadline.left(125.0) == 0.0
    assert deadline.left(126.0) == -1.0


def test_an_infinite_deadline_never_runs():
    deadline = Deadline(inf)
    deadline.start(100.0)
    assert not deadline.is_running
    assert deadline.left(1e9) == inf
    assert deadline.for_tree == inf
    assert deadline.left_for_tree(1e9) == inf


@pytest.mark.parametrize(
    ("seconds", "for_tree"), [(0.5, 0.45), (5.0, 4.5), (10.0, 9.0), (25.0, 24.0)]
)
def test_the_workers_have_all_but_a_tenth_and_never_lose_more_than_a_second(seconds, for_tree):
    deadline = Deadline(seconds)
    assert deadline.for_tree == pytest.approx(for_tree)
    deadline.start(100.0)
    assert deadline.left_for_tree(100.0) == pytest.approx(for_tree)
    assert deadline.left_for_tree(100.25) == pytest.approx(for_tree - 0.25)


def test_a_drain_delay_is_taken_from_what_the_workers_have_and_from_nothing_else():
    deadline = Deadline(25.0, drain_delay=5.0)
    assert deadline.for_tree == 19.0
    assert deadline.words == (
        "19.0 of the 25 seconds of the process's deadline, after 5 of drain delay, are for that"
    )
    deadline.start(100.0)
    assert deadline.left_for_tree(100.0) == 24.0  # the drain comes first, if there is one
    assert deadline.left(100.0) == 25.0
    assert Deadline(2.0, drain_delay=1.9).for_tree == 0.0
