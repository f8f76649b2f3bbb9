"""How pools end: by a failure, by force, by a stranger's cancel, and beside deaf handlers.

Exact times are those of a world without other delays, so the tests of bounds are plain ones.
"""

from __future__ import annotations

import asyncio

import pytest

from fluid import Mailbox
from fluid.events import SecondaryError
from fluid.rules.lifecycle import WorkerState
from fluid.testing import Simulation
from tests.exploring import explored
from tests.scenarios.cast import Watch, cancel_task_of, faults_of, stop_at_last
from tests.scenarios.message_cast import TAKES, all_ended
from tests.scenarios.odd_cast import Odd, ended, patient
from tests.scenarios.pool_cast import PLACES, Hands, Pooled, by_key, options_of
from tests.scenarios.supervised_cast import supervisor_of
from tests.worker.fakes import now
from tests.worker.group_cast import end_of
from tests.worker.queue_cast import account

each_kind = pytest.mark.parametrize("kind", ["bare", "keyed", "retrying", "all"])
in_order = pytest.mark.parametrize("kind", ["keyed", "retrying", "all"])


@each_kind
async def test_when_one_handler_fails_the_others_are_cancelled_and_their_messages_go_back(
    kind: str,
) -> None:
    pool = Odd(**patient(kind))
    error = await ended(pool, "long-1 bad-1 long-2 next-1 next-2")
    assert isinstance(error, ValueError)
    assert now() == 1
    left = [*pool.worker_mailbox.messages]
    assert sorted(left[:2]) == ["long-1", "long-2"]
    assert left[2:] == ["next-1", "next-2"]
    assert left == sorted(left, key=pool.books.accepted.index) or kind in ("bare", "keyed")
    account(pool, accepted=5, dead=1, queued=4)


@in_order
@explored(faults="offered")
async def test_what_goes_back_is_in_order_of_arrival(sim: Simulation, kind: str) -> None:
    pool = Pooled(**options_of(kind))
    books = pool.books
    faults_of(sim, pool)
    pool.send_all("a1 b1 a2 c1 b2 d1 a3")
    await end_of(pool.startup())
    await asyncio.sleep(1.5 * TAKES)
    sim.sometimes("several in hand", len(books.in_hand) > 1)
    books.break_()
    await asyncio.sleep(TAKES / 2)
    left = books.left or books.given
    await stop_at_last(pool)
    assert left == [message for message in books.accepted if message in left]
    books.assert_nothing_is_lost()


async def test_of_several_handlers_that_fail_one_is_raised_and_the_others_are_on_record() -> None:
    pool = Odd(concurrency=4)
    error = await ended(pool, "bad-1 worse-1 bad-1.0 worse-2")
    assert str(error) == "bad-1"
    errors = pool.worker_exit.errors
    assert sorted(map(str, errors)) == ["bad-1.0", "worse-1", "worse-2"]
    said = [event for event in pool.events if isinstance(event, SecondaryError)]
    assert [event.exception for event in said] == [*errors]
    account(pool, accepted=4, dead=4)


@pytest.mark.parametrize("wrong", [SystemExit, KeyboardInterrupt, asyncio.CancelledError])
async def test_whatever_a_handler_raises_ends_the_pool_and_not_the_loop(wrong) -> None:
    class Raising(Odd):
        async def on_message(self, message: str) -> None:
            await super().on_message(message)
            raise wrong

    pool = Raising()
    error = await ended(pool, "long-1 now")
    assert type(error) is wrong
    account(pool, accepted=2, dead=1, queued=1)


async def test_handlers_that_tidy_up_get_a_cancel_period_before_the_next_cancel() -> None:
    pool = Odd()
    pool.cancel_period = 2.0
    await ended(pool, "bad-1 tidy-1.5 long-1")
    assert now() == 2.5
    assert not pool.worker_exit.abandoned
    account(pool, accepted=3, dead=1, queued=2)


@each_kind
async def test_a_foreign_cancel_ends_a_pool_in_bounded_time(kind: str) -> None:
    pool = Odd(**patient(kind))
    await pool.startup()
    pool.send_all("deaf-inf deaf-1 long-1 next-1")
    await asyncio.sleep(1)
    cancel_task_of(pool)
    error = await end_of(pool.wait_for_shutdown())
    assert isinstance(error, asyncio.CancelledError)
    assert now() == 1 + 2 * pool.cancel_period
    assert pool.stragglers == 1
    account(pool, accepted=4, queued=3, in_hand=1)
    await asyncio.sleep(4000)


@each_kind
async def test_a_stop_by_force_cancels_the_handlers_each_time_the_worker_is_cancelled(
    kind: str,
) -> None:
    pool = Odd(stopping_grace_period=3, **patient(kind))
    await pool.startup()
    pool.send_all("deaf-1 long-1 long-2")
    await asyncio.sleep(1)
    await pool.shutdown()
    assert now() == pytest.approx(1 + 3 + pool.cancel_period + TAKES)
    assert pool.worker_exit.state is WorkerState.FORCE_STOPPED
    assert not pool.worker_exit.abandoned
    account(pool, accepted=3, returned=3)


@in_order
@explored(faults="offered")
async def test_a_restart_by_a_supervisor_puts_everything_back_in_order(
    sim: Simulation, kind: str
) -> None:
    """Q13"""
    pool = Pooled(**options_of(kind))
    books = pool.books
    sim.offer("break a handler", books.break_)
    app = supervisor_of(pool)
    await app.startup()
    producers = [
        asyncio.ensure_future(books.deliver(*messages.split()))
        for messages in ("a1 a2 a3 a4", "b1 b2", "c1 d1 e1")
    ]
    await asyncio.sleep(1.5 * TAKES)
    books.break_()
    await all_ended(producers)
    await pool.join()
    await stop_at_last(app)
    sim.sometimes("it failed in the middle", bool(books.dead) and len(books.began) > 9)
    if kind != "retrying":
        assert by_key(books.settled) == by_key(books.accepted)
        assert books.most_of_a_key == 1
    books.assert_nothing_is_lost()


@explored(faults="offered", swept=True, seeds=8)
async def test_two_pools_on_one_mailbox_lose_nothing_and_join_waits_for_both(
    sim: Simulation,
) -> None:
    """Q15: a retry that falls due wakes the pool that knows of it."""
    mailbox: Mailbox[str] = Mailbox()
    books = Hands(mailbox)
    books.fails.update({"a1": 1, "d1": 2})
    pools = [Pooled(books, name=name, mailbox=mailbox, **options_of("retrying")) for name in "xy"]
    watches = [Watch(pool) for pool in pools]
    sim.offer("stop x", pools[0].gracefully_stop)
    sim.offer("cancel x", lambda: cancel_task_of(pools[0]))
    for pool in pools:
        await end_of(pool.startup())
    pools[1].send_all("a1 b1 c1 d1 e1 f1 g1")
    await asyncio.wait_for(mailbox.join(), 100)
    assert len(books.settled) == len(books.accepted)
    for pool, watch in zip(pools, watches, strict=True):
        await stop_at_last(pool)
        watch.assert_it_ended_well()
    sim.sometimes("both worked", books.most > PLACES)
    books.assert_nothing_is_lost()
