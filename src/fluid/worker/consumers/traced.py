"""Handlers with a span around each call; loaded only where the program wants spans.

A message that is tried again has one for each attempt; what it waits for in between, or for its
turn, is in none.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ...tracing.spans import CallSpans, LifeSpans
from ..hooks import explain
from .handling import Handler, Handling, OnDeadLetter
from .protocols import HasOnMessage

if TYPE_CHECKING:
    from ..life import Life
    from .core import ConsumerCore


class TracedMessages:
    """Handles messages as another does, with a span around each call of its handler."""

    def __init__(self, worker: HasOnMessage[Any], life: LifeSpans) -> None:
        spans = CallSpans.of_messages(life)
        self.on_message: Handler = _traced(lambda: worker.on_message, spans, counts=False)


def traced_handling(
    core: ConsumerCore,
    life: Life,
    read: Callable[[], Handler],
    on_dead_letter: OnDeadLetter,
    *,
    counts: bool = False,
) -> Handling:
    """Returns what handles messages with spans; as :class:`Handling`, but for ``counts``.

    Args:
        core: The consumer's private side.
        life: Its life, which has spans.
        read: Returns the handler, for each call anew.
        on_dead_letter: The hook for messages that have failed for the last time.
        counts: Whether the handler is called with batches.
    """
    assert life.trace is not None
    spans = CallSpans.of_messages(life.trace)
    if core.policy.handler_timeout is not None:
        return LimitedHandling(core, life, read, on_dead_letter, spans, counts=counts)
    handler = _traced(read, spans, counts=counts)
    return Handling(core, life, core.policy, lambda: handler, on_dead_letter)


def _traced(read: Callable[[], Handler], spans: CallSpans, *, counts: bool) -> Handler:
    async def handle(argument: Any) -> Any:
        with spans.around(len(argument) if counts else None):
            handler = read()
            try:
                return await handler(argument)
            except TypeError as error:
                explain(error, "the handler", handler)
                raise

    return handle


class LimitedHandling(Handling):
    """Puts the span around the time limit: to overrun it is the failure of the call.

    The task of the handler is made inside, so that the span is the current one there, too.
    """

    def __init__(
        self,
        core: ConsumerCore,
        life: Life,
        read: Callable[[], Handler],
        on_dead_letter: OnDeadLetter,
        spans: CallSpans,
        *,
        counts: bool,
    ) -> None:
        super().__init__(core, life, core.policy, read, on_dead_letter)
        self._spans: CallSpans = spans
        self._counts: bool = counts

    async def _call_limited(self, handler: Handler, argument: Any, limit: float) -> Any:
        with self._spans.around(len(argument) if self._counts else None):
            return await super()._call_limited(handler, argument, limit)
