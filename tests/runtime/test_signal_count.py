"""Which request a signal is, by its number and the time alone."""

from __future__ import annotations

import itertools
from signal import SIGINT, SIGTERM

import pytest

from fluid.runtime.signal_count import SAME_REQUEST_SECONDS, Request, SignalCount

NOTHING, STOP, FORCE, LEAVE = Request


def requests(*signals):
    count = SignalCount()
    return [count.count(number, now) for number, now in signals]


@pytest.mark.parametrize("numbers", list(itertools.product([SIGINT, SIGTERM], repeat=5)))
def test_the_first_asks_the_second_forces_and_every_other_kills(numbers):
    """Z10"""
    signals = [(number, float(second)) for second, number in enumerate(numbers)]
    assert requests(*signals) == [STOP, FORCE, LEAVE, LEAVE, LEAVE]


@pytest.mark.parametrize("already", [0, 1, 2, 3])
@pytest.mark.parametrize("number", [SIGINT, SIGTERM])
def test_the_same_signal_again_at_once_is_the_same_request(number, already):
    """Z04"""
    count = SignalCount()
    for second in range(already):
        count.count(number, float(second))
    expected = count.count(number, 10.0)
    assert expected is [STOP, FORCE, LEAVE, LEAVE][already]
    assert count.count(number, 10.0 + SAME_REQUEST_SECONDS - 0.001) is NOTHING
    assert count.count(number, 10.0 + SAME_REQUEST_SECONDS) is not NOTHING


def test_a_signal_at_time_zero_counts():
    assert requests((SIGTERM, 0.0)) == [STOP]


def test_a_thousand_signals_in_ten_milliseconds_are_one_request():
    """Z04"""
    flood = requests(*((SIGTERM, n * 1e-5) for n in range(1000)))
    assert flood == [STOP, *[NOTHING] * 999]


def test_a_flood_does_not_keep_the_next_request_out():
    """Z04"""
    flood = requests(*((SIGTERM, n / 8) for n in range(12)))
    assert flood == [STOP, *[NOTHING] * 3, FORCE, *[NOTHING] * 3, LEAVE, *[NOTHING] * 3]


def test_another_signal_is_another_request_at_once():
    assert requests((SIGINT, 0.0), (SIGTERM, 0.01)) == [STOP, FORCE]


def test_two_signals_that_both_come_twice_are_two_requests():
    twice = requests((SIGINT, 0.0), (SIGTERM, 0.01), (SIGINT, 0.02), (SIGTERM, 0.03))
    assert twice == [STOP, FORCE, NOTHING, NOTHING]


@pytest.mark.parametrize(
    ("numbers", "repeated"),
    [
        ([], 0),
        ([SIGINT], 0),
        ([SIGINT, SIGTERM], SIGTERM),
        ([SIGTERM, SIGINT], SIGINT),
        ([SIGINT, SIGINT, SIGTERM], SIGINT),
    ],
)
def test_the_second_request_is_the_one_that_is_remembered(numbers, repeated):
    count = SignalCount()
    for second, number in enumerate(numbers):
        count.count(number, float(second))
    assert count.repeated == repeated
