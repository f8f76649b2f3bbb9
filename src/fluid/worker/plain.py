"""The plain loop of a consumer: one message after the other.

This is the hottest path of fluid, so what it does for each message is written out in one place:
take it, await the handler, count it. Nothing is allocated while messages wait. It yields to the
loop after 256 messages or 5 ms, whichever comes first, so that a busy consumer starves nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from math import inf
from typing import Protocol, TypeVar

from ..tasks import pause
from .hooks import LESSON, was_plain
from .life import Life
from .mailbox import Mailbox

M_contra = TypeVar("M_contra", contravariant=True)
M = TypeVar("M")

SLICE_MESSAGES = 256
"""Messages after which the loop gets a step."""
SLICE_SECONDS = 0.005
"""Seconds after which the loop gets a step."""
QUICK_SECONDS = SLICE_SECONDS / 16
"""As long as a slice is younger than this, its messages are quick."""
CLOCK_STRIDE = 16
"""The most messages between two looks at the clock, while they are quick.

A look for each message would cost a third of the whole. So each slice begins with looks after 1, 2,
4 and 8 messages, and once they turn out to be slow there is one after each. What remains is that a
slice may be late by fifteen messages that are slow all of a sudden.
"""


class HasOnMessage(Protocol[M_contra]):
    """A worker that says, for each message anew, who handles it."""

    @property
    def on_message(self) -> Callable[[M_contra], Awaitable[object]]:
        """The handler."""


async def consume(worker: HasOnMessage[M], mailbox: Mailbox[M], life: Life) -> None:
    """Handles messages until a stop is asked for and none is left."""
    messages, holders, now = mailbox.messages, mailbox.holders, life.loop.time
    take, me = messages.popleft, object()
    while not (life.stop_asked and _is_over(mailbox, life)):
        if not messages:
            arrival = mailbox.arrival(life.loop)
            try:
                await arrival
            except BaseException:
                mailbox.missed(arrival)
                raise
            continue
        began = now() if len(messages) > 1 else -inf  # one by itself is a slice by itself
        left, stride, handled = SLICE_MESSAGES, 1, mailbox.handled
        holders[me] = 1  # true at any moment of the slice at which somebody could look
        try:
            while True:
                for _ in range(stride):
                    try:
                        message = take()
                    except IndexError:  # another consumer was quicker
                        break
                    if handled >= mailbox.attend_at:
                        mailbox.attend(me)
                        if stride > 1 and life.stop_asked:  # from now on, one at a time
                            mailbox.put_back(message)
                            break
                    handle = worker.on_message
                    await handle(message)
                    mailbox.handled = handled = mailbox.handled + 1
                left -= stride
                if not messages or left <= 0:
                    break
                elapsed = now() - began
                if elapsed >= QUICK_SECONDS or life.stop_asked:
                    if elapsed >= SLICE_SECONDS:
                        break
                    if life.stop_asked and _is_over(mailbox, life):
                        return
                    stride = 1
                elif stride < CLOCK_STRIDE:
                    stride *= 2
                if stride > left:
                    stride = left
        except BaseException as error:
            if _was_cancelled(error):
                mailbox.put_back(message)
            else:
                mailbox.dead += 1
                mailbox.look_again()
                if was_plain(error):
                    error.add_note(f"the handler {worker.on_message!r} {LESSON}")
            raise
        finally:
            del message, holders[me]
            if mailbox.handled >= mailbox.attend_at:
                mailbox.attend(me)
        if messages:
            await pause()


def _is_over(mailbox: Mailbox[M], life: Life) -> bool:
    """Whether a consumer that has to stop is done, or leaves what waits to others.

    To ``on_undelivered``, when a handler has ignored the cancel that ended the grace; to the other
    consumers of its mailbox, if that is still open.
    """
    is_cut = life.stop is not None and life.stop.cancels > 0
    return is_cut or not mailbox.is_closed or not mailbox.size()


def _was_cancelled(error: BaseException) -> bool:
    """Whether it is the task that was cancelled, not just something that its handler waited for."""
    if isinstance(error, asyncio.CancelledError):
        task = asyncio.current_task()
        return task is not None and task.cancelling() > 0
    return isinstance(error, GeneratorExit)
