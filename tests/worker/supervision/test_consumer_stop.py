"""A consumer under a supervisor is closed when its own turn to stop has come, and not before."""

from __future__ import annotations

import asyncio

import pytest

from fluid import ConsumerClosed, FluidError, QueueConsumerWorker, Supervisor, Worker
from fluid.events import MessagesUndelivered
from tests.worker.group_cast import end_of


class Source(Worker):
    """Has one more message to send when it is asked to stop."""

    def __init__(self, sink: QueueConsumerWorker[str]) -> None:
        super().__init__()
        self.sink = sink

    async def run(self) -> None:
        while await self.sleep(60):
            pass
        await asyncio.sleep(1)
        self.sink.send("last")


def slow_sink() -> QueueConsumerWorker[str]:
    """Returns a consumer that takes a second for each message."""

    async def handle(message: str) -> None:
        await asyncio.sleep(1)

    return QueueConsumerWorker(handle, name="sink")


async def test_sink_accepts_what_its_source_sends_on_the_way_down():
    sink, undelivered = slow_sink(), []
    async with Supervisor(sink, Source(sink), name="app") as app:
        app.subscribe(lambda e: undelivered.append(e) if isinstance(e, MessagesUndelivered) else 0)
        sink.send("first")
        sink.send("second")
    assert sink.worker_exit.account["handled"] == 3
    assert not undelivered


@pytest.mark.parametrize("verb", ["stop_child", "remove_child"])
async def test_consumer_that_is_stopped_by_request_drains_and_reports_no_loss(verb):
    sink, undelivered = slow_sink(), []
    async with Supervisor(sink, name="app") as app:
        app.subscribe(lambda e: undelivered.append(e) if isinstance(e, MessagesUndelivered) else 0)
        sink.send("first")
        sink.send("second")
        record = await getattr(app, verb)("sink")
    assert record.account["handled"] == 2
    assert not undelivered


async def test_consumer_that_stops_for_a_restart_is_closed_when_its_supervisor_stops():
    sink = slow_sink()
    async with Supervisor(sink, name="app") as app:
        sink.send("first")
        await asyncio.sleep(0.1)  # it is in its hand
        restart = asyncio.ensure_future(end_of(app.restart_child("sink")))
        await asyncio.sleep(0.5)
        sink.send("second")  # for the next incarnation, as far as anybody knows
        app.gracefully_stop()
        await asyncio.sleep(0)
        with pytest.raises(ConsumerClosed):
            sink.send("third")
    assert isinstance(await restart, FluidError)
    assert sink.worker_exit.account["handled"] == 2
