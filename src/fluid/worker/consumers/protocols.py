"""What a loop of a consumer asks of what it is given; for type checkers alone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeAlias, TypeVar

M_contra = TypeVar("M_contra", contravariant=True)


class HasOnMessage(Protocol[M_contra]):
    """A worker that says, for each message anew, who handles it."""

    @property
    def on_message(self) -> Callable[[M_contra], Awaitable[object]]:
        """The handler."""


Answering: TypeAlias = Callable[[], HasOnMessage[Any]]
"""Returns one whose handler answers requests."""


class Source(Protocol):
    """Where a loop takes its messages: a mailbox, or what has sorted it."""

    @property
    def messages(self) -> Any:
        """What can be taken now: true if there is any, and ``popleft()`` takes the next one."""

    def put_back(self, message: Any) -> None:
        """Returns one that was taken."""

    def is_empty(self) -> bool:
        """Returns whether nothing is left that this loop would have to wait for."""
