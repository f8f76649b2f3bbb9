"""The options of consumers: what cannot work is refused when the consumer is made, and says how.

A message names the consumer, the option, the value, and what to write instead.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf, nan
from typing import Any

import pytest

from fluid import (
    AsyncConsumer,
    Backoff,
    BatchConsumer,
    FluidValueError,
    HandlerTimeoutError,
    Mailbox,
    MessagesFailed,
    QueueConsumerWorker,
    RateLimit,
    Retry,
)
from fluid.utils.dispatcher import AsyncDispatcher
from fluid.worker.consumers.policy import PLAIN, Policy


class Words(AsyncDispatcher[str]):
    def event_type(self, message: str) -> str:
        return message


async def handle(_message: object) -> None:
    """Handles a message, or a batch."""


def plain(**options: Any) -> QueueConsumerWorker[object]:
    return QueueConsumerWorker(handle, **{"name": "mailer", **options})


def dispatching(**options: Any) -> AsyncConsumer[str]:
    return AsyncConsumer(Words(), **{"name": "mailer", **options})


def batching(**options: Any) -> BatchConsumer[object]:
    return BatchConsumer(handle, **{"name": "mailer", **options})


each_kind = pytest.mark.parametrize("kind", [plain, dispatching, batching])
each_single = pytest.mark.parametrize("kind", [plain, dispatching])
Kind = Callable[..., Any]


def refusal(kind: Kind, **option: object) -> str:
    """Returns what a consumer says that is given one bad option; it always names both."""
    with pytest.raises(FluidValueError) as caught:
        kind(**option)
    said = str(caught.value)
    ((name, value),) = option.items()
    assert said.startswith(f"{name} of consumer 'mailer' is"), said
    assert repr(value) in said
    return said


# --- what is refused ------------------------------------------------------------------------------


@each_single
@pytest.mark.parametrize("value", [0, -1, 1.5, 1.0, inf, nan, True, "2", None], ids=repr)
def test_a_concurrency_is_a_whole_number_from_one(kind: Kind, value: object) -> None:
    """B09"""
    assert "not a whole number, 1 or more" in refusal(kind, concurrency=value)


@each_single
@pytest.mark.parametrize("value", ["id", 0, True, ["id"]], ids=repr)
def test_a_key_is_a_function(kind: Kind, value: object) -> None:
    """B09"""
    assert "a function that returns the key of a message" in refusal(kind, key=value)


@each_kind
@pytest.mark.parametrize("value", [-1, -0.5, -inf, nan, True, "1"], ids=repr)
def test_a_time_limit_is_a_number_of_seconds(kind: Kind, value: object) -> None:
    """B09"""
    assert "not a number of seconds" in refusal(kind, handler_timeout=value)


@each_kind
def test_a_time_limit_of_zero_says_how_to_have_none(kind: Kind) -> None:
    """B09"""
    assert "None is for no limit" in refusal(kind, handler_timeout=0)


@each_kind
@pytest.mark.parametrize("value", [3, True, ConnectionError, Backoff(), "5", Retry], ids=repr)
def test_a_retry_is_a_retry(kind: Kind, value: object) -> None:
    """B09"""
    assert "Retry(on=ConnectionError, attempts=5)" in refusal(kind, retry=value)


@each_kind
@pytest.mark.parametrize("value", [10, 0, True, (10, 1), RateLimit], ids=repr)
def test_a_rate_limit_is_a_rate_limit(kind: Kind, value: object) -> None:
    """B09"""
    assert "RateLimit(10, per=1)" in refusal(kind, rate_limit=value)


@each_kind
@pytest.mark.parametrize("value", [1, "bury", []], ids=repr)
def test_a_hook_for_dead_letters_is_a_function(kind: Kind, value: object) -> None:
    """B09"""
    assert "not a function" in refusal(kind, on_dead_letter=value)


@pytest.mark.parametrize("value", [0, -1, 2.0, inf, nan, True, "2", None], ids=repr)
def test_the_size_of_a_batch_is_a_whole_number_from_one(value: object) -> None:
    """B09"""
    assert "not a whole number, 1 or more" in refusal(batching, size=value)


@pytest.mark.parametrize("value", [-1, -inf, nan, True, "1", None], ids=repr)
def test_the_age_of_a_batch_is_a_number_of_seconds(value: object) -> None:
    """B09"""
    assert "not a number of seconds" in refusal(batching, age=value)


@pytest.mark.parametrize("limit", [{"maxsize": 3}, {"mailbox": Mailbox(maxsize=3)}], ids=list)
def test_a_batch_that_never_fits_in_the_mailbox_is_refused(limit) -> None:
    """B09"""
    with pytest.raises(FluidValueError) as caught:
        batching(size=4, **limit)
    assert str(caught.value) == (
        "a batch of 4 messages never fits in the mailbox of consumer 'mailer', whose maxsize is 3"
    )
    assert batching(size=3, **limit)


@each_kind
def test_an_unknown_option_is_a_mistake_of_the_callers(kind: Kind) -> None:
    with pytest.raises(TypeError, match="retries"):
        kind(retries=3)


@pytest.mark.parametrize(
    ("kind", "name"), [(QueueConsumerWorker, "on_message"), (BatchConsumer, "on_batch")]
)
def test_a_consumer_needs_a_handler_as_an_argument_or_a_method(kind: Any, name: str) -> None:
    with pytest.raises(FluidValueError, match=f"{name} of consumer 'mailer' is not a function"):
        kind(name="mailer")
    with pytest.raises(FluidValueError, match=f"{name} of consumer 'mailer' is not a function: 1"):
        kind(1, name="mailer")
    assert type("Own", (kind,), {name: handle})(name="mailer")


def test_a_coroutine_in_place_of_a_function_is_explained() -> None:
    async def store(*_anything: object) -> None:
        """Is never awaited."""

    with pytest.raises(FluidValueError, match="on_batch .* without the parentheses: store"):
        BatchConsumer(store(), name="mailer")  # type: ignore[arg-type]
    with pytest.raises(FluidValueError, match="on_dead_letter .* without the parentheses: store"):
        plain(on_dead_letter=store())


@pytest.mark.parametrize(
    ("errors", "said"),
    [
        ({}, "needs the error of at least one message"),
        ({-1: ValueError()}, "not -1: ValueError"),
        ({True: ValueError()}, "not True: ValueError"),
        ({0: "bad"}, "not 0: 'bad'"),
        ({0: ValueError(), 1: KeyboardInterrupt()}, "not 1: KeyboardInterrupt"),
        ({1.0: ValueError()}, "not 1.0: ValueError"),
    ],
)
def test_messages_failed_names_errors_by_place(errors, said: str) -> None:
    """B09"""
    with pytest.raises(FluidValueError, match=said):
        MessagesFailed(errors)


# --- what is not ----------------------------------------------------------------------------------


@each_kind
@pytest.mark.parametrize("seconds", [1e-9, 1, 0.5, inf])
def test_any_other_time_limit_will_do(kind: Kind, seconds: float) -> None:
    """B09"""
    assert kind(handler_timeout=seconds)._worker.policy.handler_timeout == seconds


@pytest.mark.parametrize("seconds", [0, 0.5, inf])
def test_any_other_age_will_do(seconds: float) -> None:
    """B09"""
    assert batching(age=seconds)._worker.batch == (100, seconds)


@each_kind
def test_with_nothing_asked_for_messages_go_straight_to_their_handler(kind: Kind) -> None:
    policy = kind()._worker.policy
    assert policy == PLAIN
    assert policy.is_bare
    assert not policy.sorts


@pytest.mark.parametrize(
    ("options", "sorts"),
    [
        ({}, False),
        ({"concurrency": 9}, False),
        ({"handler_timeout": 1}, False),
        ({"rate_limit": RateLimit(1)}, False),
        ({"retry": Retry()}, False),
        ({"retry": Retry(), "concurrency": 2}, True),
        ({"retry": Retry(keeps_order=False)}, True),
        ({"key": str}, True),
    ],
    ids=repr,
)
def test_messages_are_sorted_only_where_they_may_have_to_wait_out_of_their_order(
    options, *, sorts: bool
) -> None:
    policy = plain(**options)._worker.policy
    assert isinstance(policy, Policy)
    assert policy.sorts == sorts


def test_the_error_of_a_time_limit_is_an_overrun_with_its_data() -> None:
    error = HandlerTimeoutError("late", timeout=2, stack=("here",), abandoned=True)
    assert isinstance(error, TimeoutError)
    assert (error.timeout, error.stack, error.abandoned) == (2, ("here",), True)
