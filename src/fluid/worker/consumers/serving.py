"""Which loop serves a consumer: the plain one, several of them, and what stands before a handler.

The more was asked for, the more there is in between. With nothing asked for, messages go straight
from the mailbox to the handler, until somebody makes the first request.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from ..hooks import is_default
from .plain import Hand, consume

if TYPE_CHECKING:
    from ..life import Life
    from .core import ConsumerCore
    from .handling import Handler, Handling, OnDeadLetter
    from .protocols import Answering, HasOnMessage, Source


async def serve(
    worker: HasOnMessage[Any], core: ConsumerCore, on_dead_letter: OnDeadLetter
) -> None:
    """Handles messages until a stop is asked for and none is left."""
    life, mailbox, policy = core.life, core.mailbox, core.policy
    assert life is not None
    answering = partial(_handling, worker, core, life, on_dead_letter)
    if policy.is_bare and is_default(on_dead_letter) and not mailbox.has_requests:
        await _consume(_traced(worker, life), core, life, answering=answering)
        if policy.concurrency > 1 or not mailbox.has_requests:
            return
    if not policy.sorts:
        await _consume(answering(), core, life)
        return
    from .lanes import Lanes

    lanes = Lanes(mailbox, answering())
    try:
        await _consume(lanes, core, life, lanes)
    finally:
        lanes.close()


async def _consume(
    worker: HasOnMessage[Any],
    core: ConsumerCore,
    life: Life,
    source: Source | None = None,
    *,
    answering: Answering | None = None,
) -> None:
    mailbox, size = core.mailbox, core.policy.concurrency
    if size > 1:
        from .pool import Pool

        await Pool(core, life, size).run(worker, source, answering)
        return
    is_unaware = answering is not None
    mailbox.unaware += is_unaware
    try:
        with Hand(mailbox.holders) as hand:
            await consume(worker, mailbox, life, hand, source, answers=not is_unaware)
    finally:
        mailbox.unaware -= is_unaware


def _traced(worker: HasOnMessage[Any], life: Life) -> HasOnMessage[Any]:
    if life.trace is None:
        return worker
    from .traced import TracedMessages

    return TracedMessages(worker, life.trace)


def _handling(
    worker: HasOnMessage[Any], core: ConsumerCore, life: Life, on_dead_letter: OnDeadLetter
) -> Handling:
    return handling_of(core, life, lambda: worker.on_message, on_dead_letter)


def handling_of(
    core: ConsumerCore,
    life: Life,
    handler: Callable[[], Handler],
    on_dead_letter: OnDeadLetter,
    *,
    takes_batches: bool = False,
) -> Handling:
    """Returns what stands before a handler, with spans where the program wants any."""
    if life.trace is not None:
        from .traced import traced_handling

        return traced_handling(core, life, handler, on_dead_letter, counts=takes_batches)
    from .handling import Handling

    return Handling(core, life, core.policy, handler, on_dead_letter)
