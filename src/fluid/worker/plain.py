"""The plain loop of a consumer: one message after the other.

This is the hottest path of fluid, so what it does for each message is written out in one place: take
it, await the handler, count it. Nothing is allocated while messages wait. It yields to the loop after
256 messages or 5 ms, whichever comes first, so that a busy consumer starves nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from ..tasks import pause
from .life import Life
from .mailbox import Mailbox

M_contra = TypeVar("M_contra", contravariant=True)
M = TypeVar("M")

SLICE_MESSAGES = 256
"""Messages after which the loop gets a step."""
SLICE_SECONDS = 0.005
"""Seconds after which the loop gets a step."""
CLOCK_STRIDE = 8
"""Messages between two looks at the clock, once a slice has shown that they are quick.

Looking at it for each message would cost a third of the whole; slow messages are caught because
every slice begins with looks after 1, 2 and 4 of them.
"""


class HasOnMessage(Protocol[M_contra]):
    """A worker that says, for each message anew, who handles it."""

    @property
    def on_message(self) -> Callable[[M_contra], Awaitable[object]]:
        """The handler."""


async def consume(worker: HasOnMessage[M], mailbox: Mailbox[M], life: Life) -> None:
    """Handles messages until a stop is asked for and none is left."""
    messages, now = mailbox.messages, life.loop.time
    take = messages.popleft
    while True:
        if not messages:
            if life.stop_asked and not mailbox.size():
                return
            await mailbox.arrival(life.loop)
            continue
        slice_ends = now() + SLICE_SECONDS
        left, stride = SLICE_MESSAGES, 1
        mailbox.in_hand += 1  # one at any moment of the slice at which somebody could look
        try:
            while messages:
                for _ in range(stride):
                    message = take()
                    await worker.on_message(message)
                    mailbox.handled += 1
                    if mailbox.attention:
                        mailbox.attend()
                    if not messages:
                        break
                left -= stride
                if left <= 0 or now() >= slice_ends:
                    break
                stride = min(2 * stride, CLOCK_STRIDE)
        except asyncio.CancelledError:
            mailbox.put_back(message)
            raise
        except BaseException as error:
            mailbox.dead += 1
            _teach(error, worker.on_message)
            raise
        finally:
            mailbox.in_hand -= 1
            if mailbox.attention:
                mailbox.attend()
        if messages:
            await pause()


def _teach(error: BaseException, handler: object) -> None:
    """Explains the likeliest mistake to whoever reads the traceback."""
    if isinstance(error, TypeError) and "'await' expression" in str(error):
        error.add_note(f"the handler {handler!r} has to be a function written with  async def")
