"""Which messages are tried again: the classes of errors, the number of attempts, the waits."""

from __future__ import annotations

from math import inf, nan
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluid import Backoff, FluidValueError, Retry
from fluid.rules.retry import ATTEMPTS

RANDOM = Random(0)
EVEN = Backoff(initial=2, factor=1, jitter=0)


@given(st.integers(1, 100), st.integers(1, 200))
def test_there_is_another_attempt_until_so_many_have_been_made(limit: int, made: int) -> None:
    """Q03"""
    wait = Retry(attempts=limit, backoff=EVEN).wait(made, OSError(), RANDOM)
    assert wait == (2 if made < limit else None)


@given(st.integers(1, 10**9))
def test_without_a_limit_there_is_always_another(made: int) -> None:
    assert Retry(attempts=inf, backoff=EVEN).wait(made, OSError(), RANDOM) == 2


@pytest.mark.parametrize(
    ("on", "error", "again"),
    [
        (Exception, ValueError(), True),
        (OSError, ConnectionError(), True),
        (ConnectionError, OSError(), False),
        ((KeyError, OSError), TimeoutError(), True),
        ((KeyError, OSError), IndexError(), False),
        (ExceptionGroup, ExceptionGroup("", [OSError()]), True),
        (OSError, ExceptionGroup("", [OSError()]), False),
        (Exception, SystemExit(), False),
        (Exception, KeyboardInterrupt(), False),
    ],
    ids=repr,
)
def test_only_errors_of_the_named_classes_are_worth_another_try(on, error, again: bool) -> None:
    """Q02"""
    assert (Retry(on, backoff=EVEN).wait(1, error, RANDOM) is not None) == again


@given(st.integers(1, 4), st.integers(0, 2**32))
def test_the_waits_are_those_of_its_backoff(made: int, seed: int) -> None:
    backoff = Backoff(initial=3, jitter=0.5)
    expected = backoff.wait(made, Random(seed))
    assert Retry(backoff=backoff).wait(made, OSError(), Random(seed)) == expected


def test_its_defaults_can_be_read_back() -> None:
    retry = Retry()
    assert (retry.on, retry.attempts, retry.backoff) == ((Exception,), ATTEMPTS, Backoff())
    assert retry.keeps_order
    assert retry.seed is None


def test_one_class_is_as_good_as_a_tuple_of_it() -> None:
    assert Retry(OSError) == Retry((OSError,))


# --- bad values -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "on",
    [None, (), "OSError", OSError(), [OSError], (OSError, None), int, (OSError, (KeyError,))],
    ids=repr,
)
def test_what_it_is_for_has_to_be_classes_of_errors(on: object) -> None:
    """B09"""
    with pytest.raises(FluidValueError, match="not a class of errors, or a tuple of them") as said:
        Retry(on)  # type: ignore[arg-type]
    assert repr(on) in str(said.value)


@pytest.mark.parametrize("on", [BaseException, SystemExit, (OSError, KeyboardInterrupt)], ids=repr)
def test_what_asks_for_the_end_cannot_be_named(on) -> None:
    """B09"""
    with pytest.raises(FluidValueError, match="not a class of errors"):
        Retry(on)


@pytest.mark.parametrize("value", [0, -1, 1.5, 3.0, -inf, nan, True, "3", None], ids=repr)
def test_attempts_are_a_whole_number_from_one_or_without_limit(value: object) -> None:
    """B09"""
    with pytest.raises(FluidValueError, match="attempts of a retry") as caught:
        Retry(attempts=value)  # type: ignore[arg-type]
    assert repr(value) in str(caught.value)


@pytest.mark.parametrize("value", [0, 2, 1.5, "2", True, Backoff], ids=repr)
def test_a_backoff_is_a_backoff_and_the_error_says_how_to_write_a_number_of_seconds(
    value: object,
) -> None:
    """B09"""
    with pytest.raises(FluidValueError, match="backoff of a retry is not a Backoff") as caught:
        Retry(backoff=value)  # type: ignore[arg-type]
    assert repr(value) in str(caught.value)
    assert "Backoff(initial=2, factor=1)" in str(caught.value)
