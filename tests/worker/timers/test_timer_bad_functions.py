"""What a periodic worker cannot call is refused as it is made, and else at the first fire."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from fluid import Backoff, Fire, FluidValueError, Overlap, PeriodicWorker, every
from tests.worker.fakes import now
from tests.worker.group_cast import end_of
from tests.worker.timers.firing_cast import Ticker, end_at, failing

ONCE = every(1, max_fires=1)


async def bare() -> None: ...


async def two(text: str, fire: Fire) -> None: ...


class Unbound:
    async def method(self, fire: Fire) -> None: ...


@pytest.mark.parametrize("value", [None, 5, "tick", Overlap.SKIP], ids=repr)
def test_what_is_no_function_is_refused(value: Any) -> None:
    with pytest.raises(FluidValueError) as caught:
        PeriodicWorker(value, ONCE)
    assert str(caught.value) == (
        f"on_fire of worker 'periodic_worker' is not a function: {value!r}; "
        f"give it one, or write a method of that name in a subclass"
    )


def test_a_coroutine_is_refused_and_closed() -> None:
    coroutine = bare()
    with pytest.raises(FluidValueError, match=r"without the parentheses: bare$"):
        PeriodicWorker(coroutine, ONCE)  # type: ignore[arg-type]
    assert coroutine.cr_frame is None, "it would warn that nobody has awaited it"


async def three(a: object, b: object, c: object) -> None: ...


async def keyword_only(*, text: str) -> None: ...


async def fire_and_keyword(fire: Fire, *, text: str) -> None: ...


@pytest.mark.parametrize(
    ("function", "names"),
    [
        (two, "text, fire"),
        (three, "a, b, c"),
        (keyword_only, "text"),
        (fire_and_keyword, "fire, text"),
        (Unbound.method, "self, fire"),
    ],
)
def test_a_function_that_needs_more_is_refused_with_the_names_of_what_nobody_gives_it(
    function: Callable[..., Any], names: str
) -> None:
    lesson = f"on_fire of worker 'timer' needs arguments that nobody gives it: {names}; it is"
    with pytest.raises(FluidValueError, match=f"^{re.escape(lesson)} called with the fire"):
        PeriodicWorker(function, ONCE, name="timer")


def plain() -> None:
    """Has to be async."""


@pytest.mark.parametrize("errors", ["fail", "continue", Backoff(initial=1)], ids=repr)
@pytest.mark.parametrize("overlap", [Overlap.SKIP, Overlap.concurrent(2)], ids=repr)
async def test_a_plain_function_ends_the_worker_at_once_whatever_errors_says(
    errors: Any, overlap: Overlap
) -> None:
    """It would fail each time; what it has to be instead is said with the error."""
    timer = PeriodicWorker(plain, every(1), errors=errors, overlap=overlap)  # type: ignore[arg-type]
    await timer.startup()
    error = await end_of(timer.wait_for_shutdown())
    assert isinstance(error, TypeError)
    (note,) = error.__notes__
    assert note.startswith("on_fire <function plain")
    assert "async def" in note
    assert now() == 0


async def test_a_type_error_from_inside_of_a_function_is_an_error_like_any_other() -> None:
    ticker = Ticker(failing(TypeError("object int can't be used in 'await' expression"), 1))
    ticker.errors = "continue"
    await end_at(ticker, 15)
    assert ticker.times == [0, 10]
