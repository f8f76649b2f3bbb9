"""Who makes the choices of a run; 0 and False are always what FIFO would do."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluid.testing.schedules.choosers import Choice, Recorder, Scripted, Seeded


def test_seeded_choices_follow_from_the_stream():
    one, other = Seeded(Random(1)), Seeded(Random(1))
    assert [one.pick(5, "") for _ in range(50)] == [other.pick(5, "") for _ in range(50)]


@pytest.mark.parametrize("options", [2, 3, 7])
def test_seeded_picks_take_every_option_about_equally_often(options: int):
    chooser = Seeded(Random(1))
    taken = Counter(chooser.pick(options, "") for _ in range(3000))
    assert sorted(taken) == list(range(options))
    assert all(times / 3000 == pytest.approx(1 / options, abs=0.05) for times in taken.values())


@pytest.mark.parametrize("odds", [2, 8, 16])
def test_seeded_flips_are_true_once_in_so_many_times(odds: int):
    chooser = Seeded(Random(1))
    assert sum(chooser.flip(odds, "") for _ in range(3000)) / 3000 == pytest.approx(
        1 / odds, abs=0.02
    )


def test_a_script_takes_what_it_says_and_zero_elsewhere():
    chooser = Scripted({1: 2, 3: 1})
    assert [chooser.pick(3, "") for _ in range(5)] == [0, 2, 0, 1, 0]


def test_an_empty_script_takes_zero_everywhere():
    chooser = Scripted({})
    assert [chooser.pick(3, "") for _ in range(3)] == [0, 0, 0]
    assert not chooser.flip(2, "")


def test_a_script_counts_picks_and_flips_alike():
    chooser = Scripted({1: 1, 2: 1})
    assert (chooser.pick(2, ""), chooser.flip(8, ""), chooser.pick(2, "")) == (0, True, 1)


def test_a_script_that_says_more_than_there_are_takes_the_last():
    assert Scripted({0: 9}).pick(3, "") == 2


def test_a_recorder_keeps_all_choices_with_their_steps():
    recorder = Recorder(Scripted({1: 2}))
    recorder.pick(3, "timer")
    recorder.step = 7
    recorder.pick(4, "next")
    recorder.flip(8, "slow")
    assert recorder.choices == [
        Choice(0, "timer", options=3, taken=0, step=0),
        Choice(1, "next", options=4, taken=2, step=7),
        Choice(2, "slow", options=2, taken=0, step=7),
    ]


@given(st.integers(), st.lists(st.integers(min_value=2, max_value=9) | st.none(), max_size=40))
def test_a_script_of_the_deviations_repeats_every_choice(seed: int, asked: list[int | None]):
    def answers(recorder: Recorder) -> list[int]:
        return [
            int(recorder.flip(3, "")) if options is None else recorder.pick(options, "")
            for options in asked
        ]

    first = Recorder(Seeded(Random(seed)))
    taken = answers(first)
    assert all(number < len(asked) and value for number, value in first.deviations())
    assert answers(Recorder(Scripted(dict(first.deviations())))) == taken
