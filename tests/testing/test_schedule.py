"""A schedule is one line of text, and everything random in a run follows from its seed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluid.errors import FluidValueError
from fluid.testing import MIX, Policy, Schedule, Strike
from fluid.testing.schedules.schedule import policy_of, stream

numbers = st.integers(min_value=0, max_value=10**12)
faults = st.text(min_size=1, max_size=20).filter(lambda text: not set(text) & set("+@"))
schedules = st.builds(
    Schedule,
    policy=st.sampled_from(Policy),
    seed=numbers,
    choices=st.none() | st.lists(st.tuples(numbers, numbers), max_size=5).map(tuple),
    strikes=st.lists(st.builds(Strike, faults, numbers), max_size=3).map(tuple),
    eager=st.booleans(),
)


@given(schedules)
def test_any_schedule_is_read_back_from_its_text(schedule: Schedule):
    assert Schedule.parse(str(schedule)) == schedule


@pytest.mark.parametrize(
    ("text", "schedule"),
    [
        ("fifo", Schedule()),
        ("fifo:3", Schedule(seed=3)),
        ("legal:17", Schedule(Policy.LEGAL, 17)),
        ("source:17[]", Schedule(Policy.SOURCE, 17, choices=())),
        ("source:17[12=1,40=2]", Schedule(Policy.SOURCE, 17, choices=((12, 1), (40, 2)))),
        ("random:1/eager", Schedule(Policy.RANDOM, 1, eager=True)),
        ("fifo+stop@36", Schedule(strikes=(Strike("stop", 36),))),
        (
            "legal:2[0=1]/eager+stop app/mailer@3+gc@4",
            Schedule(
                Policy.LEGAL, 2, ((0, 1),), (Strike("stop app/mailer", 3), Strike("gc", 4)), True
            ),
        ),
    ],
)
def test_a_schedule_reads_like_this(text: str, schedule: Schedule):
    assert str(schedule) == text
    assert Schedule.parse(text) == schedule


def test_white_space_around_a_schedule_does_not_matter():
    assert Schedule.parse(" legal:17\n") == Schedule(Policy.LEGAL, 17)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "17",
        "lawful:17",
        "legal:",
        "legal:x",
        "legal:-1",
        "legal:1[3]",
        "legal:1[3=]",
        "legal:1[3=1",
        "legal:1/lazy",
        "legal:1+stop",
        "legal:1+stop@",
        "legal:1+@3",
        "legal:1 fifo",
    ],
)
def test_what_is_no_schedule_is_refused_with_three_that_are(text: str):
    with pytest.raises(FluidValueError) as caught:
        Schedule.parse(text)
    assert str(caught.value) == (
        f"schedule {text!r} cannot be read: it has to look like "
        f"'legal:17', 'source:17[12=1]' or 'fifo+stop@36'"
    )


# What follows from a seed


def test_streams_of_one_name_are_equal_and_of_two_names_independent():
    assert stream(7, "schedule").random() == stream(7, "schedule").random()
    drawn = {stream(seed, name).random() for seed in range(50) for name in ("schedule", "faults")}
    assert len(drawn) == 100


def test_a_stream_is_the_same_on_every_python_and_in_every_process():
    names = ("schedule", "faults", "user/user")
    assert [stream(7, name).randrange(1000) for name in names] == [454, 692, 709]
    assert [policy_of(seed).value for seed in range(1, 4)] == ["source", "source", "legal"]


def test_seed_zero_is_the_plain_run_whatever_the_policies_are():
    assert policy_of(0) is Policy.FIFO
    assert policy_of(0, [Policy.RANDOM]) is Policy.FIFO


def test_each_policy_is_taken_about_as_often_as_it_is_named():
    taken = [policy_of(seed) for seed in range(1, 2001)]
    for policy in Policy:
        share = MIX.count(policy) / len(MIX)
        assert taken.count(policy) / 2000 == pytest.approx(share, abs=0.04)
