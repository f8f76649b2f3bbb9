"""A program with workers of every kind in it, for tests that run it in many ways."""

from __future__ import annotations

import asyncio
from functools import partial

from fluid import Overlap, PeriodicWorker, WorkerFunction, Workers, every
from tests.scenarios.cast import Planned
from tests.worker.fakes import Recorded
from tests.worker.group_cast import end_of, history_of
from tests.worker.queue_cast import Recorder, Taker, taking


async def every_kind() -> list[str]:
    """Has workers of every kind work, stop, and fail; returns what happened to them."""
    return [*await ended_by(None), *await ended_by(Planned("on purpose"))]


async def ended_by(error: Exception | None) -> list[str]:
    """Has a group of all kinds end, by a stop or by an error."""
    consumer, taker = Recorder(name="consumer"), Taker(taking(0.001))
    function = WorkerFunction(partial(asyncio.sleep, 0.001), heartbeat=0.001, name="function")
    tick = partial(asyncio.sleep, 0.0005)
    timers = [
        PeriodicWorker(tick, every(0.001), name="timer"),
        PeriodicWorker(tick, every(0.001, first="aligned"), name="clock"),
        PeriodicWorker(tick, every(0.001), name="timers", overlap=Overlap.concurrent(2)),
    ]
    inner = Workers(consumer, taker, name="inner")
    children = (Recorded(name="a"), inner, function, *timers)
    group = Workers(*children, name="group", stop_in_reverse=True)
    history = history_of(group)
    await group.startup()
    for receiver in (consumer, taker):
        receiver.send("sent")
        await asyncio.to_thread(receiver.send, "sent from a thread")
        await receiver.join()
    await group.status()
    if error is None:
        group.gracefully_stop()
    else:
        consumer.on_message = partial(fail, error)
        consumer.send("the last")
    raised = await end_of(group.wait_for_shutdown())
    return [*history, *consumer.handled, *taker.handled, repr(raised)]


async def fail(error: Exception, _message: object) -> None:
    """Handles a message badly."""
    raise error
