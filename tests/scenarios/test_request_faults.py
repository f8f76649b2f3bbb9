"""Requests and any fault at any step: each caller hears what became of its message."""

from __future__ import annotations

import asyncio

import pytest

from fluid import (
    ChildSpec,
    ConsumerClosed,
    FluidError,
    Mailbox,
)
from fluid.testing import Simulation
from tests.exploring import explored
from tests.scenarios.cast import Planned, Watch, faults_of, stop_at_last
from tests.scenarios.handling_cast import (
    ALWAYS,
    TAKES,
    Batcher,
    Handler,
    Ledger,
    asking,
    every,
    looked_at,
)
from tests.scenarios.message_cast import all_ended
from tests.scenarios.supervised_cast import Maker, supervisor_of
from tests.worker.group_cast import end_of

TWICE = every(0, attempts=2, keeps_order=False)
each_kind = pytest.mark.parametrize(
    "options",
    [{}, {"concurrency": 2}, {"key": str}, {"retry": TWICE}],
    ids=["plain", "pool", "keyed", "retrying"],
)


@each_kind
@explored(faults="offered", swept=True)
async def test_a_cancelled_caller_never_cancels_the_handler(sim: Simulation, options) -> None:
    """Q11: at no step; what was accepted is handled, and those who wait on get their answers."""
    ledger = Ledger({"b": ALWAYS})
    wrong: list[object] = []
    async with Handler(ledger, on_dead_letter=ledger.bury, **options) as consumer:
        wrong = looked_at(consumer)
        requests = asking(consumer, "abc")
        for message, request in zip("abc", requests, strict=True):
            sim.offer(f"cancel {message}", request.cancel)
        await asyncio.wait(requests)
    assert not wrong
    found = consumer.worker_exit.account
    assert found["handled"] == len(ledger.handled)
    assert found["accepted"] == found["handled"] + found["dead"]
    for message, request in zip("abc", requests, strict=True):
        if request.cancelled():
            sim.sometimes("it was handled all the same", message in ledger.handled)
            continue
        assert await end_of(request) is None or message == "b"
        assert message in [*ledger.handled, "b"]
    gone = requests[1].cancelled()
    assert len(ledger.dead) <= gone
    sim.sometimes("an error came too late for its caller", bool(ledger.dead))


@each_kind
@explored(faults="offered", swept=True)
async def test_whatever_strikes_each_caller_hears_what_became_of_its_message(
    sim: Simulation, options
) -> None:
    """Q04, Q11"""
    ledger = Ledger({"b": ALWAYS})
    consumer = Handler(ledger, maxsize=2, stopping_grace_period=2 * TAKES, **options)
    watch, wrong = Watch(consumer), looked_at(consumer)
    faults_of(sim, consumer)
    requests = asking(consumer, "abcd")
    if await end_of(consumer.startup()) is None:
        await asyncio.sleep(2.5 * TAKES)
    await stop_at_last(consumer)
    if consumer.has_started():
        await all_ended(requests)
        watch.assert_it_ended_well()
        for message, request in zip("abcd", requests, strict=True):
            error = await end_of(request)
            assert isinstance(error, Planned | FluidError | None)
            assert (error is None) == (message in ledger.handled)
            assert not isinstance(error, Planned) or message == "b"
            sim.sometimes("somebody was told to go", isinstance(error, ConsumerClosed))
    assert not wrong
    found = consumer.worker_mailbox.account()
    assert not found.in_hand
    for request in requests:
        request.cancel()


@explored(faults="offered", swept=True)
async def test_whatever_strikes_a_batch_each_of_its_callers_hears_what_became_of_its_message(
    sim: Simulation,
) -> None:
    """Q09, Q11"""
    ledger = Ledger({"b": ALWAYS})
    consumer = Batcher(ledger, size=2, age=TAKES, stopping_grace_period=2 * TAKES)
    watch, wrong = Watch(consumer), looked_at(consumer)
    faults_of(sim, consumer)
    requests = asking(consumer, "abcde")
    sim.offer("cancel a caller", requests[1].cancel)
    if await end_of(consumer.startup()) is None:
        await asyncio.sleep(3.5 * TAKES)
    await stop_at_last(consumer)
    if consumer.has_started():
        await all_ended(requests)
        watch.assert_it_ended_well()
        for message, request in zip("abcde", requests, strict=True):
            error = await end_of(request)
            if not request.cancelled():
                assert isinstance(error, Planned | ConsumerClosed | None)
                assert (error is None) == (message in ledger.handled)
    assert not wrong
    assert not consumer.worker_mailbox.account().in_hand
    for request in requests:
        request.cancel()


@explored(faults="offered")
async def test_callers_of_a_supervised_consumer_get_an_answer_or_are_told(sim: Simulation) -> None:
    """Q11, Q13: through any number of lives."""
    ledger, mailbox = Ledger({"b": ALWAYS}), Mailbox[str]()
    child = Maker("consumer", Handler, ledger=ledger, mailbox=mailbox)
    app = supervisor_of(ChildSpec(child, restart="transient"))
    sim.offer("stop the supervisor", app.gracefully_stop)
    sim.offer("cancel it", lambda: _cancel(child))
    if await end_of(app.startup()) is not None:
        return
    requests = asking(child.now, "abc")
    mailbox.send("b")
    requests += asking(child.now, "d")
    await asyncio.sleep(8 * TAKES)
    await stop_at_last(app)
    await all_ended(requests)
    for message, request in zip("abcd", requests, strict=True):
        error = await end_of(request)
        assert isinstance(error, Planned | ConsumerClosed | None)
        assert (error is None) == (message in ledger.handled)
    sim.sometimes("somebody was answered by another life", len(child.made) > 1)


def _cancel(child: Maker) -> None:
    life = child.now._worker.life if child.made else None
    if life is not None and life.task is not None:
        life.task.cancel()
