"""Retries and the end of a consumer that handles one message at a time."""

from __future__ import annotations

import asyncio

import pytest

from fluid.testing import Simulation
from tests.exploring import explored
from tests.scenarios.cast import Watch, faults_of, stop_at_last
from tests.scenarios.handling_cast import (
    ALWAYS,
    TAKES,
    Handler,
    Ledger,
    each_order,
    every,
    looked_at,
    send_all,
)
from tests.worker.fakes import now
from tests.worker.group_cast import end_of


@pytest.mark.parametrize(
    ("keeps_order", "grace", "handled", "left", "ends"),
    [
        (True, 6, "ab", "", 5),
        (True, 5, "", "ab", 1),
        (True, 4, "", "ab", 1),
        (False, 6, "ba", "", 5),
        (False, 4, "b", "a", 1),
    ],
)
async def test_a_stop_waits_for_another_try_only_if_that_is_due_in_time(
    *, keeps_order: bool, grace: float, handled: str, left: str, ends: float
) -> None:
    """U08: one second after the failure; the next try is due at 5, and the grace began at 1."""
    ledger = Ledger({"a": 1}, takes=0)
    retry = every(5, keeps_order=keeps_order)
    async with Handler(ledger, retry=retry, stopping_grace_period=grace - 1) as consumer:
        send_all(consumer, "ab")
        await asyncio.sleep(1)
    assert ledger.handled == [*handled]
    assert ledger.left == [*left]
    assert now() == ends
    ledger.assert_nothing_is_lost(consumer, "ab")


@each_order
async def test_what_fails_while_the_consumer_drains_is_judged_alike(*, keeps_order: bool) -> None:
    """U08"""
    ledger = Ledger({"b": 1, "d": ALWAYS}, takes=1)
    retry = every(3, keeps_order=keeps_order)
    async with Handler(ledger, retry=retry, stopping_grace_period=9) as consumer:
        send_all(consumer, "abcde")
    assert ledger.handled == ([*"abc"] if keeps_order else [*"aceb"])
    assert ledger.left == ([*"de"] if keeps_order else [*"d"])
    assert now() <= 9


@each_order
@explored(faults="offered", swept=True)
async def test_whatever_strikes_each_message_is_in_one_place(
    sim: Simulation, *, keeps_order: bool
) -> None:
    """Q01, Q04: a message that waits to be tried again is queued, or in hand."""
    ledger = Ledger({"a": 1, "b": ALWAYS, "d": 2})
    retry = every(2 * TAKES, attempts=3, keeps_order=keeps_order)
    consumer = Handler(ledger, retry=retry, on_dead_letter=ledger.bury, maxsize=4)
    watch, wrong = Watch(consumer), looked_at(consumer)
    faults_of(sim, consumer)
    send_all(consumer, "abcd")
    if await end_of(consumer.startup()) is None:
        await asyncio.sleep(9 * TAKES)
    await stop_at_last(consumer)
    watch.assert_it_ended_well()
    assert not wrong
    ledger.assert_nothing_is_lost(consumer, "abcd")
    assert ledger.left == sorted(ledger.left)
    assert not keeps_order or ledger.handled == sorted(ledger.handled)
    sim.sometimes("something was left", bool(ledger.left))
    sim.sometimes("all was settled", len(ledger.handled) == 3 and len(ledger.dead) == 1)
