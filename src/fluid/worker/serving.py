"""Which loop serves a consumer: the plain one, several of them, and what stands before a handler.

The more was asked for, the more there is in between. With nothing asked for, messages go straight
from the mailbox to the handler, until somebody makes the first request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .hooks import is_default
from .plain import consume

if TYPE_CHECKING:
    from .consumer_core import ConsumerCore
    from .handling import OnDeadLetter
    from .life import Life
    from .protocols import HasOnMessage, Source


async def serve(
    worker: HasOnMessage[Any], core: ConsumerCore, on_dead_letter: OnDeadLetter
) -> None:
    """Handles messages until a stop is asked for and none is left."""
    life, mailbox, policy = core.life, core.mailbox, core.policy
    assert life is not None
    if policy.is_bare and is_default(on_dead_letter):
        if not mailbox.has_requests:
            mailbox.unaware += 1
            try:
                await _consume(worker, core, life)
            finally:
                mailbox.unaware -= 1
        if not mailbox.has_requests:
            return
    from .handling import Handling

    handling = Handling(core, life, policy, lambda: worker.on_message, on_dead_letter)
    if not policy.sorts:
        await _consume(handling, core, life, answers=True)
        return
    from .lanes import Lanes

    lanes = Lanes(mailbox, handling)
    try:
        await _consume(lanes, core, life, lanes, answers=True)
    finally:
        lanes.close()


async def _consume(
    worker: HasOnMessage[Any],
    core: ConsumerCore,
    life: Life,
    source: Source | None = None,
    *,
    answers: bool = False,
) -> None:
    if core.policy.concurrency == 1:
        await consume(worker, core.mailbox, life, source, answers=answers)
    else:
        from .pool import Pool

        await Pool(core, life, core.policy.concurrency).run(worker, source, answers=answers)
