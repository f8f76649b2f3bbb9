"""Several fires at a time: one that fails, those that it cancels, and those that refuse to end."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fluid import Backoff, Supervisor, SupervisorGaveUp, WorkerState
from fluid.events import HandlerAbandoned, SecondaryError
from fluid.logs import line
from tests.worker.fakes import deaf, deaf_to, forever, now
from tests.worker.group_cast import end_of
from tests.worker.timers.firing_cast import lasting, until
from tests.worker.timers.several_cast import (
    BOOM,
    Several,
    end_in_words,
    fail_after,
    fail_when_cancelled,
)

# --- a call that fails ---------------------------------------------------------------------------


async def test_a_call_that_fails_cancels_the_others_and_the_worker_fails_with_its_error() -> None:
    ticker = Several(forever, forever, fail_after(0.5))
    assert await end_in_words(ticker) == BOOM
    assert ticker.ends == [
        (3, "OSError", 2.5),
        (1, "CancelledError", 2.5),
        (2, "CancelledError", 2.5),
    ]
    assert now() == 2.5
    assert ticker.worker_state is WorkerState.FAILED
    assert not ticker.worker_exit.abandoned  # type: ignore[union-attr]


async def test_the_first_error_is_raised_and_those_of_the_others_are_in_the_record() -> None:
    first, second = ValueError("first"), KeyError("second")
    ticker = Several(fail_when_cancelled(first), fail_when_cancelled(second), fail_after(0.5))
    assert await end_in_words(ticker) == BOOM
    record = ticker.worker_exit
    assert record is not None
    assert repr(record.exception) == BOOM
    assert record.errors == (first, second)
    assert [(event.where, event.exception) for event in ticker.seen(SecondaryError)] == [
        ("run", first),
        ("run", second),
    ]
    assert (await ticker.timer())["failed"] == 3


async def test_two_that_fail_in_the_same_step_are_both_told() -> None:
    other = ValueError()
    ticker = Several(fail_after(1.5), fail_after(0.5, other))
    assert await end_in_words(ticker) == BOOM
    assert ticker.worker_exit.errors == (other,)  # type: ignore[union-attr]


async def test_no_fire_begins_once_one_has_failed() -> None:
    ticker = Several(fail_after(1.5), deaf_to(1), forever)
    ticker.cancel_period = 5
    assert await end_in_words(ticker) == BOOM
    assert (ticker.times, now()) == ([0, 1], 6.5)


async def test_nothing_comes_any_more_while_the_others_are_waited_for_after_a_failure() -> None:
    ticker = Several(fail_after(1.5), deaf_to(1))
    await ticker.startup()
    await until(1.2)
    assert (await ticker.timer())["next_fire"] == "2000-01-01T00:00:02+00:00"
    await until(1.8)
    assert (await ticker.timer())["next_fire"] is None
    assert repr(await end_of(ticker.wait_for_shutdown())) == BOOM


async def test_a_call_that_raises_because_it_was_cancelled_with_the_rest_is_not_made_again() -> (
    None
):
    ticker = Several(
        fail_when_cancelled(ValueError()),
        fail_after(0.5, SystemExit(3)),
        lasting(0),
        errors=Backoff(0.1, jitter=0),
    )
    assert await end_in_words(ticker) == "SystemExit(3)"
    assert (ticker.times, now()) == ([0, 1], 1.5)


async def test_a_call_that_has_only_now_begun_is_cancelled_with_the_rest() -> None:
    """The first fails in the very instant in which the third begins."""
    ticker = Several(fail_after(2), forever, forever)
    assert await end_in_words(ticker) == BOOM
    assert now() == 2
    assert ticker.times in ([0, 1], [0, 1, 2])


@pytest.mark.parametrize("cancels", [1, 2])
async def test_a_call_that_ignores_a_cancel_is_cancelled_again_and_waited_for(cancels: int) -> None:
    ticker = Several(deaf_to(cancels), fail_after(0.5))
    assert await end_in_words(ticker) == BOOM
    if cancels == 1:
        assert now() == 2.5
        assert not ticker.seen(HandlerAbandoned)
    else:
        assert now() == 3.5
        assert len(ticker.seen(HandlerAbandoned)) == 1
        await asyncio.sleep(4000)


async def test_a_call_that_refuses_to_end_is_left_alone_and_told_with_where_it_is() -> None:
    ticker = Several(deaf, fail_after(0.5))
    assert await end_in_words(ticker) == BOOM
    assert now() == 1.5 + 2 * ticker.cancel_period
    assert ticker.worker_exit.abandoned  # type: ignore[union-attr]
    (event,) = ticker.seen(HandlerAbandoned)
    assert any("in Ticker.on_fire" in place for place in event.stack)
    assert line(event).startswith("worker ticker: a handler refuses to end and was left alone, at ")
    await asyncio.sleep(4000)
    assert ticker.ends[-1][:2] == (1, "returned")


@pytest.mark.parametrize(
    "errors", ["fail", "continue", Backoff(5)], ids=["fail", "continue", "again"]
)
async def test_a_call_that_was_left_alone_may_fail_and_is_not_made_again(errors: Any) -> None:
    async def fail_late(_worker: object) -> None:
        await deaf(ticker)
        raise ValueError

    ticker = Several(fail_late, fail_after(0.5, SystemExit(3)), errors=errors)
    assert await end_in_words(ticker) == "SystemExit(3)"
    state, record = ticker.worker_state, ticker.worker_exit
    await asyncio.sleep(8000)
    assert (ticker.worker_state, ticker.worker_exit) == (state, record)
    assert ticker.times == [0, 1]
    assert ticker.ends[-1][:2] == (1, "ValueError")


async def test_a_supervisor_does_not_start_a_timer_again_whose_call_refuses_to_end() -> None:
    ticker = Several(deaf, fail_after(0.5))
    supervisor = Supervisor(ticker, name="app")
    await supervisor.startup()
    with pytest.raises(SupervisorGaveUp, match="worker app/ticker was abandoned"):
        await supervisor.wait_for_shutdown()
    assert ticker.times == [0, 1]
    await asyncio.sleep(4000)
