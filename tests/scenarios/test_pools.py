"""Pools: several messages at once, and as with one at a time, each of them in one place."""

from __future__ import annotations

import asyncio

import pytest

from fluid.testing import Simulation
from tests.exploring import Fault, explored
from tests.scenarios.cast import LATE, Watch, faults_of, stop_at_last
from tests.scenarios.conservation_cast import checked_at_every_step
from tests.scenarios.message_cast import TAKES, all_ended
from tests.scenarios.pool_cast import PLACES, Pooled, options_of
from tests.scenarios.supervised_cast import supervisor_of
from tests.worker.fakes import now
from tests.worker.group_cast import end_of

each_kind = pytest.mark.parametrize("kind", ["bare", "keyed", "retrying", "all"])
KEYS = "a1 b1 c1 d1 e1 f1 g1 h1"


@pytest.mark.parametrize("kind", ["bare", "all"])
@explored(faults="offered", swept=True, seeds=8, pairs=4)
async def test_whatever_strikes_a_pool_each_message_is_in_one_place(
    sim: Simulation, kind: str
) -> None:
    """Q01, Q04: by a stop, a force, a foreign cancel or a failing handler, at every step."""
    pool = Pooled(maxsize=2, concurrency=2, **options_of(kind))
    watch, books = Watch(pool), pool.books
    books.fails.update({} if kind == "bare" else {"a1": 1})
    faults_of(sim, pool)
    sim.offer("break a handler", Fault(books.break_, lambda: not books.in_hand))
    with checked_at_every_step(sim, books):
        producers = [asyncio.ensure_future(books.deliver("a1", "b1", "a2", "c1"))]
        await end_of(pool.startup())
        await all_ended(producers)
        await stop_at_last(pool)
    watch.assert_it_ended_well()
    assert books.most <= 2
    sim.sometimes("two at once", books.most == 2)
    sim.sometimes("something was not handled", bool(books.dead or books.given or books.left))
    books.assert_nothing_is_lost(in_order=kind == "all")


@each_kind
@explored()
async def test_as_many_as_there_are_places_are_handled_at_once_and_never_more(
    sim: Simulation, kind: str
) -> None:
    """Q05"""
    pool = Pooled(**options_of(kind))
    pool.send_all("a1 b1")
    async with pool:
        pool.send_all("c1 d1 e1 f1")
        await pool.join()
        assert pool.books.most == PLACES
        pool.books.most = 0
        pool.send_all(KEYS)
    assert pool.books.most == PLACES
    pool.books.assert_nothing_is_lost()


@each_kind
@explored()
async def test_the_places_of_a_pool_are_no_more_after_a_restart(sim: Simulation, kind: str) -> None:
    """Q05, Q13"""
    pool = Pooled(**options_of(kind))
    books = pool.books
    async with supervisor_of(pool) as app:
        pool.send_all(KEYS)
        await asyncio.sleep(TAKES / 2)
        sim.sometimes("all places were taken", len(books.in_hand) == PLACES)
        books.break_()
        await asyncio.sleep(3 * TAKES)
        await pool.join()
        assert app.children()[0].restarts == bool(books.dead)
    assert books.most == PLACES
    assert len(books.dead) <= 1
    books.assert_nothing_is_lost()


@each_kind
@explored(seeds=8)
async def test_all_that_was_queued_is_handled_by_a_stop(sim: Simulation, kind: str) -> None:
    """U01"""
    pool = Pooled(stopping_grace_period=10, **options_of(kind))
    messages = [f"{key}{number}" for number in range(10) for key in "abcde"]
    async with pool:
        pool.send_all(" ".join(messages))
    assert sorted(pool.books.handled) == sorted(messages)
    assert pool.worker_exit.code == 0
    pool.books.assert_nothing_is_lost(in_order=kind in ("keyed", "all"))


@each_kind
@explored(seeds=8)
async def test_what_the_grace_does_not_suffice_for_is_handed_back(
    sim: Simulation, kind: str
) -> None:
    """U02"""
    pool = Pooled(stopping_grace_period=4.5 * TAKES, **options_of(kind))
    messages = [f"{key}{number}" for number in range(6) for key in "abcde"]
    async with pool:
        pool.send_all(" ".join(messages))
    books = pool.books
    sim.sometimes("twelve were handled", len(books.handled) == 4 * PLACES)
    assert books.given
    assert not books.left
    if kind != "bare":  # without keys and retries, the order of what was in hand is not promised
        assert books.given == [message for message in messages if message in books.given]
    books.assert_nothing_is_lost()


@each_kind
@explored(faults="offered")
async def test_join_in_a_pool_returns_when_all_is_settled_and_not_before(
    sim: Simulation, kind: str
) -> None:
    pool = Pooled(**options_of(kind))
    books = pool.books
    books.fails.update({} if kind in ("bare", "keyed") else {"a1": 2, "c1": 1})
    early: list[str] = []

    async def join() -> None:
        before = [*books.accepted]
        await pool.join()
        early.extend(message for message in before if message not in books.settled)

    may_pause = True
    sim.offer("break a handler", books.break_)
    sim.offer("pause", lambda: may_pause and pool.pause())
    sim.offer("resume", pool.resume)
    async with supervisor_of(pool):
        joins = []
        for letter in "abcdef":
            pool.send_all(f"{letter}1 a{ord(letter)}")
            joins.append(asyncio.ensure_future(join()))
            await asyncio.sleep(TAKES / 4)
        await asyncio.sleep(10 * TAKES)
        may_pause = False
        pool.resume()
        await asyncio.wait_for(pool.join(), 100)
        await all_ended(joins)
    assert not early
    books.assert_nothing_is_lost()


@each_kind
@explored()
async def test_a_paused_pool_finishes_what_it_has_in_hand_and_takes_nothing(
    sim: Simulation, kind: str
) -> None:
    """Q14"""
    pool = Pooled(**options_of(kind))
    books = pool.books
    with checked_at_every_step(sim, books):
        async with pool:
            pool.send_all(KEYS)
            await asyncio.sleep(TAKES / 2)
            pool.pause()
            account = pool.worker_mailbox.account()
            begun = account.handled + account.in_hand
            await asyncio.sleep(1)
            sim.sometimes("all places were taken", begun == PLACES)
            assert len(books.began) == len(books.handled) == begun
            account = pool.worker_mailbox.account()
            assert (account.queued, account.in_hand) == (len(KEYS.split()) - begun, 0)
            pool.resume()
            await pool.join()
            assert len(books.handled) == len(KEYS.split())
            pool.pause()
            pool.send_all("z1 z2")
    assert books.given == ["z1", "z2"]
    assert now() < 2 + LATE
    books.assert_nothing_is_lost()


@explored(faults="offered", seeds=40)
async def test_the_first_request_to_a_pool_may_come_at_any_moment(sim: Simulation) -> None:
    """Q11: from then on its handlers can answer, and nobody waits for those that are busy."""

    class Answering(Pooled):
        async def on_message(self, message: str) -> str:  # type: ignore[override]
            await super().on_message(message)
            return message.upper()

    pool = Answering()
    books, mailbox = pool.books, pool.worker_mailbox
    callers: list[asyncio.Task[None]] = []

    async def ask(message: str) -> None:
        books.accepted.append(message)
        assert await pool.request(message) == message.upper()

    def make_requests() -> None:
        if not mailbox.is_closed and not callers:
            callers.extend(asyncio.ensure_future(ask(message)) for message in ("x1", "y1"))

    sim.offer("make the first requests", make_requests)
    async with pool:
        producer = asyncio.ensure_future(books.deliver(*KEYS.split()))
        await asyncio.sleep(1.5 * TAKES)
        make_requests()
        await all_ended([producer, *callers])
        assert all(caller.exception() is None for caller in callers)
        await pool.join()
        pool.send_all("z1 z2 z3")
    assert books.most <= PLACES
    assert not mailbox.unaware
    books.assert_nothing_is_lost()
