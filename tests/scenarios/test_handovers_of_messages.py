"""A message is in exactly one place at any step: accepted, waiting, in hand, or settled.

Each scenario keeps books beside the mailbox's own account. Whatever strikes, and wherever, the two
have to agree, and what is settled has to be settled in the order in which it was accepted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from fluid import ConsumerClosed, Mailbox
from fluid.testing import Simulation
from tests.exploring import explored
from tests.scenarios.cast import Breakable, Watch, faults_of, group_of, stop_at_last
from tests.scenarios.message_cast import TAKES, Books, Plain, Taking, all_ended, delivering
from tests.worker.fakes import deaf
from tests.worker.group_cast import end_of

each_kind = pytest.mark.parametrize("kind", [Plain, Taking])
with_faults = explored(faults="offered", swept=True, pairs=10)


@each_kind
@with_faults
async def test_a_message_is_settled_once_and_in_order_or_still_waits(
    sim: Simulation, kind: Callable[..., Plain | Taking]
):
    consumer = kind(maxsize=1)
    watch, books = Watch(consumer), consumer.books
    faults_of(sim, consumer)
    sim.offer("break the handler", books.break_)
    producers = delivering(sim, books, "ab", "cd", "e")
    await end_of(consumer.startup())
    await all_ended(producers)
    await stop_at_last(consumer)
    watch.assert_it_ended_well()
    sim.sometimes("something was not handled", bool(books.dead or books.given or books.left))
    sim.sometimes("a producer was cancelled while it waited", any(p.cancelled() for p in producers))
    books.assert_nothing_is_lost()


@each_kind
@with_faults
async def test_what_a_consumer_leaves_is_taken_by_the_next_one_and_nobody_else(
    sim: Simulation, kind: Callable[..., Plain | Taking]
):
    mailbox: Mailbox[str] = Mailbox(maxsize=2)
    books = Books(mailbox)
    sim.offer("break the handler", books.break_)
    producers = delivering(sim, books, "abc", "def")
    for number in (1, 2):
        consumer = kind(books, name=f"consumer {number}", mailbox=mailbox)
        watch = Watch(consumer)
        faults_of(sim, consumer)
        await end_of(consumer.startup())
        await asyncio.sleep(1.5 * TAKES)
        if number == 1:
            books.break_()
            await asyncio.sleep(TAKES)
        await stop_at_last(consumer)
        watch.assert_it_ended_well()
        sim.sometimes("something waited for the next", number == 1 and bool(books.left))
    for producer in producers:
        producer.cancel()
    await all_ended(producers)
    books.assert_nothing_is_lost()


@with_faults
async def test_consumers_that_share_a_mailbox_lose_nothing_between_them(sim: Simulation):
    mailbox: Mailbox[str] = Mailbox(maxsize=1)
    books = Books(mailbox)
    plain = Plain(books, name="plain", mailbox=mailbox)
    taking = Taking(books, name="taking", mailbox=mailbox)
    group = group_of(plain, taking)
    watch = Watch(group)
    faults_of(sim, group)
    sim.offer("break the handler", books.break_)
    producers = delivering(sim, books, "ab", "cd")
    await end_of(group.startup())
    await all_ended(producers)
    await stop_at_last(group)
    watch.assert_it_ended_well()
    books.assert_nothing_is_lost(in_order=False)


@pytest.mark.parametrize("stop_in_reverse", [True, False])
@with_faults
async def test_a_pipeline_has_each_message_in_one_of_its_stages(
    sim: Simulation, *, stop_in_reverse: bool
):
    sink = Plain(name="sink", maxsize=1)

    class Source(Plain):
        async def _handle(self, message: str) -> None:
            try:
                await sink.put(message)
            except ConsumerClosed:
                self.books.settle(self.books.dead, message)
                raise
            sink.books.accepted.append(message)
            self.books.settle(self.books.handled, message)

    source = Source(name="source", maxsize=1)
    group = group_of(sink, source, stop_in_reverse=stop_in_reverse)
    watch = Watch(group)
    faults_of(sim, group)
    sim.offer("break the handler", sink.books.break_)
    producers = delivering(sim, source.books, "abc")
    await end_of(group.startup())
    await all_ended(producers)
    await asyncio.sleep(4 * TAKES)
    error = await end_of(group.shutdown())
    watch.assert_it_ended_well()
    sim.sometimes("it went through", source.books.accepted == sink.books.handled)
    sim.sometimes("it failed", error is not None)
    source.books.assert_nothing_is_lost()
    sink.books.assert_nothing_is_lost()
    assert source.books.handled == sink.books.accepted


@with_faults
async def test_follow_ups_of_a_handler_are_settled_too(sim: Simulation):
    class Feeding(Plain):
        async def _handle(self, message: str) -> None:
            if message.islower():
                await self.put(message.upper())
                self.books.accepted.append(message.upper())
            await super()._handle(message)

    consumer = Feeding()
    watch, books = Watch(consumer), consumer.books
    faults_of(sim, consumer)
    producers = delivering(sim, books, "ab", "c")
    await end_of(consumer.startup())
    await asyncio.sleep(TAKES)
    await stop_at_last(consumer)
    await all_ended(producers)
    watch.assert_it_ended_well()
    sim.sometimes("it followed up while it drained", len(books.handled) > 2)
    books.assert_nothing_is_lost()


@each_kind
@with_faults
async def test_join_returns_when_all_is_settled_and_waits_for_nobody_who_has_ended(
    sim: Simulation, kind: Callable[..., Plain | Taking]
):
    consumer = kind()
    books, mailbox = consumer.books, consumer.worker_mailbox
    unfinished: list[str] = []

    async def join() -> None:
        await asyncio.sleep(TAKES)
        before = [*books.accepted]
        await mailbox.join()
        unfinished.extend(message for message in before if message not in books.settled)

    faults_of(sim, consumer)
    sim.offer("break the handler", books.break_)
    joins = [asyncio.ensure_future(join()) for _ in range(2)]
    sim.offer("cancel one who joins", joins[0].cancel)
    producers = delivering(sim, books, "ab", "cd")
    await end_of(consumer.startup())
    await all_ended(producers)
    await all_ended(joins)
    await stop_at_last(consumer)
    assert isinstance(joins[1].exception(), ConsumerClosed | None)
    assert not unfinished
    assert not mailbox._joiners._waiting
    books.assert_nothing_is_lost()


@with_faults
async def test_a_start_that_fails_keeps_what_was_sent_before_it_and_frees_who_waits(
    sim: Simulation,
):
    consumer = Plain(name="b", maxsize=2)
    consumer.send("a")
    books = consumer.books
    books.accepted.append("a")
    first = Breakable(name="a")
    group = group_of(first, consumer)
    watch = Watch(group)
    faults_of(sim, group)
    producers = delivering(sim, books, "bcd")
    await end_of(group.startup())
    await asyncio.sleep(TAKES)
    await stop_at_last(group)
    await all_ended(producers)
    watch.assert_it_ended_well()
    books.assert_nothing_is_lost()


@with_faults
async def test_a_message_in_the_hands_of_an_abandoned_consumer_stays_there_until_it_ends(
    sim: Simulation,
):
    class Deaf(Plain):
        async def _handle(self, message: str) -> None:
            await deaf(self)
            self.books.settle(self.books.handled, message)

    consumer = Deaf()
    watch, books = Watch(consumer), consumer.books
    faults_of(sim, consumer)
    producers = delivering(sim, books, "ab", "c")
    await end_of(consumer.startup())
    await all_ended(producers)
    await stop_at_last(consumer)
    watch.assert_it_ended_well()
    account = consumer.worker_mailbox.account()
    assert account.adds_up
    in_hand = len(books.accepted) - len(books.settled) - len(books.left)
    assert account.in_hand == in_hand == consumer.worker_exit.abandoned
    sim.sometimes("it was abandoned", bool(in_hand))
    await asyncio.sleep(7200)
    books.assert_nothing_is_lost()
