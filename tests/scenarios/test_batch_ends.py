"""Batches that are cut short: by a stop, by force, by a cancel, by an error, at any step."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest

from fluid import Backoff, ChildSpec, Mailbox, RateLimit, Retry
from fluid.testing import Simulation
from tests.exploring import explored
from tests.scenarios.cast import Watch, faults_of, stop_at_last
from tests.scenarios.handling_cast import ALWAYS, TAKES, Batcher, Ledger, looked_at, send_all
from tests.scenarios.supervised_cast import Maker, supervisor_of
from tests.worker.fakes import deaf, now
from tests.worker.group_cast import end_of

SOON = Backoff(initial=2 * TAKES, jitter=0)
FAILS = {"b": 1, "c": ALWAYS, "e": 2}


@pytest.mark.parametrize("has_hook", [True, False], ids=["with a hook", "without a hook"])
@explored(faults="offered", swept=True)
async def test_whatever_strikes_each_message_of_a_batch_is_in_one_place(
    sim: Simulation, *, has_hook: bool
) -> None:
    """Q01, Q04, Q09: done, dead, handed back or still waiting, and the account says so."""
    ledger = Ledger(FAILS)
    hook = {"on_dead_letter": ledger.bury} if has_hook else {}
    retry = Retry(attempts=2, backoff=SOON)
    consumer = Batcher(ledger, size=3, age=TAKES, maxsize=5, retry=retry, **hook)
    watch, wrong = Watch(consumer), looked_at(consumer)
    faults_of(sim, consumer)
    send_all(consumer, "abcde")
    if await end_of(consumer.startup()) is None:
        await asyncio.sleep(10 * TAKES)
    await stop_at_last(consumer)
    watch.assert_it_ended_well()
    assert not wrong
    ledger.assert_nothing_is_lost(consumer, "abcde")
    sim.sometimes("something was left", bool(ledger.left))
    if has_hook:
        sim.sometimes("all was settled", len(ledger.dead) == 2)


async def test_a_batch_that_is_cut_goes_back_in_order_to_the_front() -> None:
    ledger = Ledger(takes=100)
    async with Batcher(ledger, size=3, stopping_grace_period=1) as consumer:
        send_all(consumer, "abcde")
        await asyncio.sleep(0.5)
    assert ledger.left == [*"abcde"]
    assert now() == 1.5


async def test_what_waits_for_another_try_when_it_is_cut_goes_back_too() -> None:
    """Q04: by a cancel of somebody else's, in the middle of the wait."""
    ledger = Ledger({"b": 1, "c": 1}, takes=0)
    mailbox: Mailbox[str] = Mailbox()
    consumer = Batcher(ledger, size=3, retry=Retry(backoff=Backoff(9, jitter=0)), mailbox=mailbox)
    await consumer.startup()
    send_all(consumer, "abcd")
    await asyncio.sleep(5)
    assert consumer._worker.life is not None
    consumer._worker.life.task.cancel()
    assert isinstance(await end_of(consumer.wait_for_shutdown()), asyncio.CancelledError)
    assert [*mailbox.messages] == [*"bcd"]
    ledger.assert_nothing_is_lost(consumer, "abcd")


@pytest.mark.parametrize(("grace", "handled", "left"), [(6, "acbd", ""), (3, "ac", "bd")])
async def test_a_stop_waits_for_another_try_only_if_that_is_due_in_time(
    grace: float, handled: str, left: str
) -> None:
    """U08"""
    ledger = Ledger({"b": 1}, takes=0)
    retry = Retry(backoff=Backoff(5, jitter=0))
    async with Batcher(ledger, size=3, retry=retry, stopping_grace_period=grace) as consumer:
        send_all(consumer, "abcd")
        await asyncio.sleep(1)
    assert ledger.handled == [*handled]
    assert ledger.left == [*left]
    assert now() == (5 if handled == "acbd" else 1)


async def test_a_stop_does_not_wait_for_a_rate_limit_beyond_its_grace() -> None:
    """U08"""
    ledger = Ledger(takes=0)
    limit = RateLimit(1, per=3)
    async with Batcher(ledger, size=2, rate_limit=limit, stopping_grace_period=4) as consumer:
        send_all(consumer, "abcdefgh")
        await asyncio.sleep(1)
    assert [*ledger.began] == [0, 3]
    assert ledger.left == [*"efgh"]
    assert now() == 3


async def test_a_stop_while_paused_hands_back_at_once_what_waits() -> None:
    """U10"""
    ledger = Ledger(takes=1)
    async with Batcher(ledger, size=2) as consumer:
        send_all(consumer, "abcde")
        await asyncio.sleep(0.5)
        consumer.pause()
    assert (ledger.handled, ledger.left) == ([*"ab"], [*"cde"])
    assert now() == 1


async def test_what_the_handler_sends_on_while_it_drains_is_handled_too() -> None:
    class Feeding(Batcher):
        async def on_batch(self, messages: list[str]) -> None:
            send_all(self, [message.upper() for message in messages if message.islower()])
            await super().on_batch(messages)

    ledger = Ledger()
    async with Feeding(ledger, size=2) as consumer:
        send_all(consumer, "abc")
    assert ledger.handled == [*"abcABC"]


async def test_a_batch_in_the_hands_of_an_abandoned_consumer_stays_there_until_it_ends() -> None:
    class Deaf(Batcher):
        async def on_batch(self, messages: list[str]) -> None:
            await deaf(self)
            await super().on_batch(messages)

    ledger = Ledger({"b": ALWAYS})
    consumer = Deaf(ledger, size=2, stopping_grace_period=1, on_dead_letter=ledger.bury)
    async with consumer:
        wrong = looked_at(consumer)
        send_all(consumer, "abc")
        await asyncio.sleep(1)
    assert consumer.worker_exit.abandoned
    found = consumer.worker_mailbox.account()
    assert (found.in_hand, found.queued) == (2, 1)
    await asyncio.sleep(7200)
    assert (ledger.handled, ledger.left) == (["a"], ["c"])
    assert ledger.dead == [("b", "Planned", 1)]
    assert not wrong
    ledger.assert_nothing_is_lost(consumer, "abc")


@explored(faults="offered")
async def test_a_batch_that_fails_under_a_supervisor_leaves_the_rest_to_the_next_life(
    sim: Simulation,
) -> None:
    """Q13"""
    ledger, mailbox = Ledger({"b": 1, "d": 1}), Mailbox[str]()
    child = Maker("consumer", Batcher, ledger=ledger, mailbox=mailbox, size=3, age=TAKES)
    app = supervisor_of(ChildSpec(child, restart="transient"))
    for fault in "force", "cancel":
        sim.offer(f"{fault} it", lambda fault=fault: _strike(child, fault))
    for letter in "abcdefg":
        mailbox.send(letter)
    await end_of(app.startup())
    await asyncio.sleep(20 * TAKES)
    await stop_at_last(app)
    ledger.assert_nothing_is_lost(child.now, "abcdefg")
    sim.sometimes("it was restarted", len(child.made) > 2)
    if len(child.made) == 3 and not sim.schedule.strikes:
        assert ledger.handled == [*"acefg"]


def _strike(child: Maker, fault: str) -> None:
    life = child.now._worker.life if child.made else None
    if life is not None and life.task is not None:
        if fault == "force":
            child.now._worker.force()
        else:
            life.task.cancel()


@explored(faults="offered")
async def test_batch_consumers_that_share_a_mailbox_lose_nothing_between_them(
    sim: Simulation,
) -> None:
    """Q15"""
    mailbox, ledger = Mailbox[str](maxsize=4), Ledger({"c": ALWAYS})
    first, second = (
        Batcher(ledger, name=name, size=2, age=TAKES, mailbox=mailbox, on_dead_letter=ledger.bury)
        for name in ("first", "second")
    )
    wrong = looked_at(first)
    faults_of(sim, first)
    sent = []
    for consumer in (first, second):
        await end_of(consumer.startup())
    for letter in "abcdefgh":
        await mailbox.put(letter)
        sent.append(letter)
    await asyncio.sleep(5 * TAKES)
    for consumer in (first, second):
        await stop_at_last(consumer)
    assert not wrong
    ledger.assert_nothing_is_lost(second, sent)
    began = ledger.began
    sim.sometimes("both were at work", any(b - a < TAKES for a, b in pairwise(began)))
