"""The options of the consumers that have a handler, for type checkers alone.

Nothing imports this at run time: to make these classes takes longer than to make the consumers.
What the options mean is said in ``consumers.py``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypedDict, TypeVar

from ...rules.rate import RateLimit
from ...rules.retry import Retry
from .mailbox import Mailbox

M = TypeVar("M")


class CommonOptions(TypedDict, Generic[M], total=False):
    """What every consumer that has a handler may be given."""

    name: str
    stopping_grace_period: float | None
    maxsize: int
    mailbox: Mailbox[M] | None
    handler_timeout: float | None
    retry: Retry | None
    rate_limit: RateLimit | None
    on_dead_letter: Callable[[M, BaseException, int], Awaitable[None]] | None


class HandlingOptions(CommonOptions[M], Generic[M], total=False):
    """What a consumer may be given whose handler gets one message."""

    concurrency: int
    key: Callable[[M], Hashable] | None
