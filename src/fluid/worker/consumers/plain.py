"""The plain loop of a consumer: one message after the other.

This is the hottest path of fluid, so what it does for each message is written out in one place:
take it, await the handler, count it. Nothing is allocated while messages wait. It yields to the
loop after 256 messages or 5 ms, whichever comes first, so that a busy consumer starves nobody.

What else there is to do for a message (retries, time limits, requests) is the business of the
handler that it is given, which says by a :class:`Settled` that the message needs no more counting.
"""

from __future__ import annotations

import asyncio
from math import inf
from typing import TYPE_CHECKING, Any

from ...clock import clock_of
from ...tasks import pause
from ..hooks import LESSON, was_plain
from ..life import Life
from ..waits import future_maker

if TYPE_CHECKING:
    from .mailbox import Mailbox
    from .protocols import HasOnMessage, Source

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


class Hand:
    """The hand of one loop: who holds its message, for the account.

    It has its place among the holders for as long as the loop runs, empty or not. To come and to go
    for each message would cost more than to handle one.
    """

    __slots__ = ("_holders",)

    def __init__(self, holders: dict[object, int]) -> None:
        self._holders: dict[object, int] = holders

    def __enter__(self) -> Hand:
        self._holders[self] = 0
        return self

    def __exit__(self, *_: object) -> None:
        del self._holders[self]


class Settled(Exception):
    """Raised by a handler that has accounted for its message itself; not an error."""


class Over(Settled):
    """Raised by one that has not begun, because there is no time left for any message."""


async def consume(
    worker: HasOnMessage[Any],
    mailbox: Mailbox[Any],
    life: Life,
    me: Hand,
    source: Source | None = None,
    *,
    answers: bool = False,
) -> None:
    """Handles messages until a stop is asked for and none is left.

    It comes back early if somebody makes a request and its handler cannot answer any.

    Args:
        worker: Who handles them.
        mailbox: Where they come from, and are counted.
        life: The life of the consumer.
        me: What holds the message in hand.
        source: What takes them from there in another order; None for the mailbox itself.
        answers: Whether the handler answers requests.
    """
    source = mailbox if source is None else source  # an empty one is false
    messages, holders, getters = source.messages, mailbox.holders, mailbox.getters
    meter, now, make_future = mailbox.meter, clock_of(life.loop), future_maker(life.loop)
    take, was_idle = messages.popleft, True
    while not (life.stop_asked and is_over(source, mailbox, life)):
        if mailbox.has_requests and not answers:
            return
        if not messages or mailbox.is_paused:
            if not (messages or mailbox.aside):
                was_idle, meter.woke_at = True, inf
            else:
                was_idle, moment = False, now()
                meter.woke_at = min(meter.woke_at, moment)
                mailbox.look(moment)
            getters.append(arrival := make_future())  # as in mailbox.arrival(), written out
            if mailbox.inbox:
                mailbox.fetch()
            try:
                await arrival
            except BaseException:
                mailbox.missed(arrival)
                raise
            continue
        began = now()
        if was_idle:
            was_idle, meter.woke_at = False, began
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
                        if mailbox.is_paused or (mailbox.has_requests and not answers):
                            source.put_back(message)
                            left = 0
                            break
                        if stride > 1 and life.stop_asked:  # from now on, one at a time
                            source.put_back(message)
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
                    if life.stop_asked and is_over(source, mailbox, life):
                        return
                    stride = 1
                elif stride < CLOCK_STRIDE:
                    stride *= 2
                if stride > left:
                    stride = left
        except Settled as settled:
            if isinstance(settled, Over):
                source.put_back(message)
                return
        except BaseException as error:
            failed(worker, mailbox, source, message, error)
            raise
        finally:
            message = None
            holders[me] = 0
            ended = now()
            meter.handled_for += ended - began
            if messages:
                mailbox.look(ended)
            if mailbox.handled >= mailbox.attend_at:
                mailbox.attend(me)
        if messages:
            await pause()


def failed(
    worker: HasOnMessage[Any],
    mailbox: Mailbox[Any],
    source: Source,
    message: Any,
    error: BaseException,
) -> None:
    """Settles a message whose handler has raised what ends the loop."""
    if was_cancelled(error):
        source.put_back(message)
        return
    mailbox.meter.failed += 1
    mailbox.dead += 1
    mailbox.look_again()
    if was_plain(error):
        error.add_note(f"the handler {worker.on_message!r} {LESSON}")


def is_over(source: Source, mailbox: Mailbox[Any], life: Life, busy: int = 0) -> bool:
    """Returns whether a consumer that has to stop is done, or leaves what waits to others.

    To ``on_undelivered``, when a handler has ignored the cancel that ended the grace, or when
    nothing may be taken; to the other consumers of its mailbox, if that is still open. It is not
    done as long as ``busy`` handlers may send follow-ups.
    """
    is_cut = life.stop is not None and life.stop.cancels > 0
    return is_cut or mailbox.is_paused or not mailbox.is_closed or (not busy and source.is_empty())


def was_cancelled(error: BaseException) -> bool:
    """Returns whether the task was cancelled, not just something that its handler waited for."""
    if isinstance(error, asyncio.CancelledError):
        task = asyncio.current_task()
        return task is not None and task.cancelling() > 0
    return isinstance(error, GeneratorExit)
