"""What happened to workers, kept in order, with assertions that read like the story they check."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Self, TypeVar

from .. import events
from ..events import WorkerEvent
from ..worker.base import Worker

E = TypeVar("E", bound=WorkerEvent)


class LifecycleEvents:
    """Keeps the lifecycle events of some workers, and of everything below them.

    An event reads ``"path happened"``: ``"app/mailer started"``, ``"app/mailer force stopped"``.
    The words are the event type's name; ``"* failed"`` stands for the event of any worker.

    Args:
        workers: Whom to listen to. None at all: every worker of the process, from ``with`` on until
            the end of its block.

    Example:
        >>> import asyncio
        >>> from fluid import Worker
        >>> from fluid.testing import LifecycleEvents, run
        >>> class Napper(Worker):
        ...     async def run(self) -> None:
        ...         await self.sleep(60)
        >>> async def main() -> None:
        ...     napper = Napper()
        ...     happened = LifecycleEvents(napper)
        ...     async with napper:
        ...         happened.assert_in_order("napper started", "napper ready")
        ...     happened.assert_in_order("napper stopping", "napper stopped")
        ...     happened.assert_never("* failed")
        >>> run(main)
    """

    def __init__(self, *workers: Worker) -> None:
        self.events: list[WorkerEvent] = []
        """All of them, in the order in which they happened."""
        self._unsubscribe: list[Callable[[], None]] = [
            worker.subscribe(self.events.append) for worker in workers
        ]

    def __enter__(self) -> Self:
        if not self._unsubscribe:
            self._unsubscribe.append(events.subscribe(self.events.append))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stops listening; what was kept stays."""
        while self._unsubscribe:
            self._unsubscribe.pop()()

    def __len__(self) -> int:
        return len(self.events)

    def __iter__(self) -> Iterator[WorkerEvent]:
        return iter(self.events)

    def __str__(self) -> str:
        return "\n".join(f"{event.at:.3f} s: {said(event)}" for event in self.events)

    @property
    def story(self) -> list[str]:
        """What happened, an event a line."""
        return [said(event) for event in self.events]

    def of_type(self, kind: type[E]) -> list[E]:
        """Returns the events of type ``kind``, or of one derived from it, in order."""
        return [event for event in self.events if isinstance(event, kind)]

    def clear(self) -> None:
        """Forgets what has happened so far."""
        self.events.clear()

    def assert_in_order(self, *expected: str) -> None:
        """Asserts that all of these happened, in this order; others may have come between.

        Args:
            *expected: Events in words, as in ``"app/mailer started"`` or ``"* failed"``.

        Raises:
            AssertionError: If one did not happen, or not after the one before it.
        """
        story = iter(self.events)
        for line in expected:
            if not any(_matches(line, event) for event in story):
                raise AssertionError(f"{line!r} did not happen{self._after(expected, line)}")

    def assert_never(self, *unexpected: str) -> None:
        """Asserts that none of these happened.

        Args:
            *unexpected: Events in words, as in ``"app/mailer failed"`` or ``"* failed"``.

        Raises:
            AssertionError: If one did.
        """
        for line in unexpected:
            for event in self.events:
                if _matches(line, event):
                    raise AssertionError(f"{said(event)!r} happened; all that did:\n{self}")

    def _after(self, expected: tuple[str, ...], line: str) -> str:
        before = expected[: expected.index(line)]
        after = f", or not after {before[-1]!r}" if before else ""
        return f"{after}; what happened:\n{self}" if self.events else "; nothing did"


def said(event: WorkerEvent) -> str:
    """Returns an event in words: ``app/mailer force stopped``."""
    name = type(event).__name__.removeprefix("Worker")
    return f"{event.path} {re.sub(r'(?<!^)(?=[A-Z])', ' ', name).lower()}"


def _matches(line: str, event: WorkerEvent) -> bool:
    path, _, words = line.partition(" ")
    return said(event) == (f"{event.path} {words}" if path == "*" else line)
