"""Retries in pools: what is behind a message that is to be tried again waits, or goes first."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from fluid import Backoff, Mailbox, Retry
from fluid.testing import Simulation
from tests.exploring import explored
from tests.scenarios.cast import faults_of, stop_at_last
from tests.scenarios.conservation_cast import checked_at_every_step
from tests.scenarios.message_cast import TAKES, all_ended
from tests.scenarios.pool_cast import PLACES, Hands, Pooled, by_key, key_of
from tests.scenarios.supervised_cast import supervisor_of
from tests.worker.fakes import now
from tests.worker.group_cast import end_of

either_way = pytest.mark.parametrize("keeps_order", [True, False])


def retry(seconds: float = TAKES, *, keeps_order: bool, attempts: int = 5) -> Retry:
    """Returns a retry with waits of one length."""
    backoff = Backoff(initial=seconds, factor=1, jitter=0)
    return Retry(OSError, attempts, backoff, keeps_order=keeps_order)


keyed = partial(Pooled, key=key_of)


@explored()
async def test_a_retry_that_keeps_order_holds_up_its_key_and_no_other(sim: Simulation) -> None:
    """Q07"""
    pool = keyed(retry=retry(20 * TAKES, keeps_order=True))
    books = pool.books
    books.fails["a1"] = 2
    async with pool:
        pool.send_all("a1 a2 b1 a3 b2 c1 b3")
        await asyncio.sleep(15 * TAKES)
        assert sorted(books.handled) == ["b1", "b2", "b3", "c1"]
        assert pool.worker_mailbox.account().queued == 3
    assert books.began[-4:] == ["a1", "a1", "a2", "a3"]
    assert by_key(books.handled) == by_key(books.accepted)
    assert books.most_of_a_key == 1


@explored()
async def test_a_retry_that_does_not_lets_the_others_of_its_key_go_first(sim: Simulation) -> None:
    """Q07"""
    pool = keyed(retry=retry(20 * TAKES, keeps_order=False))
    books = pool.books
    books.fails["a1"] = 2
    async with pool:
        pool.send_all("a1 a2 b1 a3 b2 c1 b3")
        await asyncio.sleep(15 * TAKES)
        assert by_key(books.handled) == {"a": ["a2", "a3"], "b": ["b1", "b2", "b3"], "c": ["c1"]}
        assert pool.worker_mailbox.account().queued == 1
    assert books.handled[-1] == "a1"
    assert books.most_of_a_key == 1


@either_way
@explored()
async def test_a_message_without_a_key_leaves_its_place_while_it_waits_for_its_next_attempt(
    sim: Simulation, *, keeps_order: bool
) -> None:
    pool = Pooled(concurrency=2, retry=retry(20 * TAKES, keeps_order=keeps_order))
    books = pool.books
    books.fails.update({"a1": 1, "b1": 1})
    async with pool:
        pool.send_all("a1 b1 c1 d1 e1 f1")
        await asyncio.sleep(15 * TAKES)
        assert sorted(books.handled) == ["c1", "d1", "e1", "f1"]
        assert books.most == 2
    assert sorted(books.handled[-2:]) == ["a1", "b1"]


@either_way
@explored(faults="offered", seeds=40)
async def test_whatever_strikes_between_attempts_each_message_is_in_one_place(
    sim: Simulation, *, keeps_order: bool
) -> None:
    """Q04, Q07"""
    pool = keyed(
        maxsize=4, stopping_grace_period=3 * TAKES, retry=retry(keeps_order=keeps_order, attempts=3)
    )
    books = pool.books
    books.fails.update({"a1": 2, "b2": 1, "d1": 10})
    faults_of(sim, pool)
    sim.offer("break a handler", books.break_)
    sim.offer("pause", pool.pause)
    dead = books.dead

    async def bury(message: str, _error: BaseException, _attempts: int) -> None:
        try:
            await asyncio.sleep(TAKES / 2)
        except asyncio.CancelledError:  # then it goes back
            if message in dead:
                books.revive(message)
            raise
        if message not in dead:
            books.settle(dead, message)

    pool.on_dead_letter = bury  # type: ignore[method-assign]
    with checked_at_every_step(sim, books):
        producers = [
            asyncio.ensure_future(books.deliver(*messages.split()))
            for messages in ("a1 a2 a3", "b1 b2 b3", "c1 d1 d2")
        ]
        await end_of(pool.startup())
        await asyncio.sleep(7 * TAKES)
        await stop_at_last(pool)
        await all_ended(producers)
    sim.sometimes("a retry was handed back", any(m in books.given for m in books.began))
    sim.sometimes("a message died after all its attempts", "d1" in dead)
    books.assert_nothing_is_lost(in_order=False)
    if keeps_order:
        in_queue = [*books.given, *books.left]
        assert by_key(in_queue) == by_key([m for m in books.accepted if m in in_queue])
        assert by_key(books.handled) == by_key([m for m in books.accepted if m in books.handled])


@either_way
@explored(faults="offered")
async def test_what_waits_for_its_next_attempt_at_a_crash_is_in_its_old_place_after_the_restart(
    sim: Simulation, *, keeps_order: bool
) -> None:
    """Q13"""
    pool = keyed(retry=retry(2 * TAKES, keeps_order=keeps_order))
    books = pool.books
    books.fails.update({"a1": 1, "b1": 1})
    sim.offer("break a handler", books.break_)
    app = supervisor_of(pool)
    await app.startup()
    pool.send_all("a1 b1 a2 c1 b2 c2 a3 c3")
    await asyncio.sleep(1.5 * TAKES)
    sim.sometimes("two waited for their next attempt", not (books.fails["a1"] or books.fails["b1"]))
    books.break_()
    await asyncio.sleep(TAKES / 4)
    await asyncio.wait_for(pool.join(), 100)
    await stop_at_last(app)
    assert books.most_of_a_key == 1
    if keeps_order:
        assert by_key(books.settled) == by_key(books.accepted)
    books.assert_nothing_is_lost()


# --- stops, in exact times -----------------------------------------------------------------------


@either_way
@pytest.mark.parametrize("key", [None, key_of])
async def test_a_stop_waits_for_a_retry_that_is_due_in_the_grace(key, *, keeps_order: bool) -> None:
    """U08"""
    pool = Pooled(key=key, stopping_grace_period=3, retry=retry(2, keeps_order=keeps_order))
    pool.books.fails["a1"] = 1
    async with pool:
        pool.send_all("a1 b1 c1 d1 e1 a2")
    assert sorted(pool.books.handled) == ["a1", "a2", "b1", "c1", "d1", "e1"]
    assert 2 + TAKES < now() < 2 + 5 * TAKES
    assert pool.worker_exit.code == 0
    pool.books.assert_nothing_is_lost()


@pytest.mark.parametrize("key", [None, key_of])
async def test_a_stop_hands_a_retry_back_that_is_due_after_the_grace_and_handles_the_others(
    key,
) -> None:
    """U08: it does not wait, not even for the end of the grace."""
    pool = Pooled(key=key, stopping_grace_period=3, retry=retry(4, keeps_order=True))
    pool.books.fails["a1"] = 1
    async with pool:
        pool.send_all("a1 b1 c1 d1 e1 a2 a3")
        await asyncio.sleep(TAKES / 2)
    assert now() < 5 * TAKES
    behind = ["a2", "a3"] if key else []
    assert pool.books.given == ["a1", *behind]
    assert sorted(pool.books.handled) == sorted({*pool.books.accepted} - {"a1", *behind})
    pool.books.assert_nothing_is_lost()


async def test_a_stop_hands_back_a_retry_that_others_may_overtake_and_nothing_else() -> None:
    """U08"""
    pool = keyed(stopping_grace_period=3, retry=retry(4, keeps_order=False))
    pool.books.fails["a1"] = 1
    async with pool:
        pool.send_all("a1 b1 a2 a3")
        await asyncio.sleep(TAKES / 2)
    assert pool.books.given == ["a1"]
    assert pool.books.handled == ["b1", "a2", "a3"]


@either_way
async def test_retries_that_fail_while_the_pool_drains_are_cut_off_by_the_grace(
    *, keeps_order: bool
) -> None:
    """U08: each is tried as long as the next attempt is due in time."""
    pool = keyed(stopping_grace_period=3.5, retry=retry(1, keeps_order=keeps_order, attempts=99))
    pool.books.fails.update({"a1": 99, "b1": 99})
    async with pool:
        pool.send_all("a1 b1 c1")
    assert pool.books.began == ["a1", "b1", "c1", *3 * ["a1", "b1"]]
    assert pool.books.given == ["a1", "b1"]
    assert 3 < now() < 3.2


async def test_a_pool_that_is_paused_and_stopped_hands_its_retries_back_at_once() -> None:
    pool = keyed(retry=retry(2, keeps_order=True))
    pool.books.fails["a1"] = 1
    async with pool:
        pool.send_all("a1 a2 b1")
        await asyncio.sleep(1)
        pool.pause()
        await asyncio.sleep(5)
        assert pool.books.began == ["a1", "b1"]
    assert pool.books.given == ["a1", "a2"]
    assert now() < 6.1


# --- pools that share a mailbox ------------------------------------------------------------------


async def test_a_retry_wakes_the_pool_that_knows_of_it_and_not_its_neighbour() -> None:
    mailbox: Mailbox[str] = Mailbox()
    books = Hands(mailbox)
    books.fails["a1"] = 1
    again = retry(1, keeps_order=True)
    first, second = (Pooled(books, name=n, mailbox=mailbox, retry=again) for n in ("x", "y"))
    await first.startup()
    await asyncio.sleep(0.1)
    first.send_all("a1")
    await asyncio.sleep(0.1)  # it waits for its next attempt, and its place for a message
    await second.startup()
    await asyncio.sleep(0.1)
    for _ in range(PLACES):  # all places of the first pool go to the end of the queue
        first.send_all(f"b{len(books.accepted)}")
        await asyncio.sleep(0.1)
    await asyncio.wait_for(mailbox.join(), 5)
    assert books.began.count("a1") == 2
    await asyncio.gather(first.shutdown(), second.shutdown())


async def test_what_one_pool_has_not_begun_is_there_for_its_neighbour() -> None:
    mailbox: Mailbox[str] = Mailbox()
    books = Hands(mailbox)
    pair = [
        Pooled(books, name=n, mailbox=mailbox, retry=retry(1, keeps_order=True)) for n in ("x", "y")
    ]
    async with pair[0], pair[1]:
        books.accepted += list("abcdef")
        for message in books.accepted:
            mailbox.send(message)
        await mailbox.join()
        assert now() == TAKES
    assert books.most == 6
