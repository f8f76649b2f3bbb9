"""What a consumer was asked to do with its messages, checked when it is made."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any

from ...errors import FluidValueError
from ...record import Record
from ...settings import duration

if TYPE_CHECKING:
    from ...rules.rate import RateLimit
    from ...rules.retry import Retry


class Policy(Record):
    """The options of a consumer that handles messages; see there for what they mean."""

    concurrency: int
    key: Callable[[Any], Hashable] | None
    handler_timeout: float | None
    retry: Retry | None
    rate_limit: RateLimit | None

    @property
    def is_bare(self) -> bool:
        """Whether messages may go straight to their handler."""
        wrappers = (self.key, self.handler_timeout, self.retry, self.rate_limit)
        return all(wrapper is None for wrapper in wrappers)

    @property
    def sorts(self) -> bool:
        """Whether messages may have to wait for others, or for a time, out of their order."""
        may_be_late = self.retry is not None and not (
            self.concurrency == 1 and self.retry.keeps_order
        )
        return self.key is not None or may_be_late


PLAIN = Policy(concurrency=1, key=None, handler_timeout=None, retry=None, rate_limit=None)


def checked(policy: Policy, consumer: str) -> Policy:
    """Returns ``policy`` if it can work.

    Raises:
        FluidValueError: If one of the options cannot; it names the consumer and the way out.
    """
    if type(policy.concurrency) is int and policy == PLAIN:  # True would be equal to it
        return policy
    subject = f"of consumer {consumer!r}"
    _check_concurrency(policy, subject)
    if (limit := policy.handler_timeout) is not None and not duration(
        f"handler_timeout {subject}", limit
    ):
        raise FluidValueError(
            f"handler_timeout {subject} is 0: no handler could ever end in time; "
            f"None is for no limit"
        )
    _check_kinds(policy, subject)
    return policy


def _check_concurrency(policy: Policy, subject: str) -> None:
    if type(policy.concurrency) is not int or policy.concurrency < 1:
        raise FluidValueError(
            f"concurrency {subject} is not a whole number, 1 or more: {policy.concurrency!r}"
        )
    if policy.key is not None and not callable(policy.key):
        raise FluidValueError(
            f"key {subject} is not a function that returns the key of a message: {policy.key!r}"
        )
    if inspect.iscoroutinefunction(policy.key):
        raise FluidValueError(
            f"key {subject} is an async function, which nobody would await: {policy.key!r}; "
            f"write it with  def, or put the key into the message"
        )


def _check_kinds(policy: Policy, subject: str) -> None:
    if policy.retry is not None:
        from ...rules.retry import Retry

        if not isinstance(policy.retry, Retry):
            raise FluidValueError(
                f"retry {subject} is not a Retry: {policy.retry!r}; "
                f"for instance Retry(on=ConnectionError, attempts=5)"
            )
    if policy.rate_limit is not None:
        from ...rules.rate import RateLimit

        if not isinstance(policy.rate_limit, RateLimit):
            raise FluidValueError(
                f"rate_limit {subject} is not a RateLimit: {policy.rate_limit!r}; "
                f"for instance RateLimit(10, per=1)"
            )
