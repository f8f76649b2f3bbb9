"""Handlers of a pool that refuse to end: they are left alone, and do no harm when they end."""

from __future__ import annotations

import asyncio

import pytest

from fluid import Backoff, Mailbox, Retry
from fluid.rules.lifecycle import WorkerState
from tests.scenarios.odd_cast import Odd, ended, patient
from tests.scenarios.pool_cast import key_of
from tests.worker.fakes import deaf, now
from tests.worker.queue_cast import account

each_kind = pytest.mark.parametrize("kind", ["bare", "keyed", "retrying", "all"])


@each_kind
async def test_a_handler_that_refuses_to_end_when_another_one_fails_is_left_alone(
    kind: str,
) -> None:
    pool = Odd(**patient(kind))
    pool.cancel_period = 2.0
    error = await ended(pool, "bad-1 deaf-inf long-1 next-1")
    assert isinstance(error, ValueError)
    assert now() == 1 + 2 * 2.0
    assert pool.stragglers == 1
    assert pool.worker_exit.abandoned
    assert pool.worker_exit.state is WorkerState.FAILED
    account(pool, accepted=4, dead=1, queued=2, in_hand=1)
    await asyncio.sleep(4000)
    account(pool, accepted=4, dead=1, queued=2, handled=1)


@each_kind
async def test_a_handler_that_was_left_alone_takes_nothing_more_when_it_ends(kind: str) -> None:
    """Its pool is no more; what waits belongs to the next consumer, or to nobody."""
    mailbox: Mailbox[str] = Mailbox()
    options = patient(kind)
    pool = Odd(mailbox=mailbox, **options)
    await ended(pool, "bad-1 deaf-inf long-1 next-1")
    heir = Odd(pool.books, name="heir", concurrency=2, mailbox=mailbox, **options)
    pool.books.began.clear()
    await heir.startup()
    await asyncio.sleep(1)  # "long-1" and "next-1" are in the hands of the heir
    heir.send_all("long-2 long-3")
    await asyncio.sleep(4000)  # and the straggler has ended
    assert sorted(pool.books.began) == ["long-1", "long-2", "next-1"]
    account(mailbox, accepted=6, dead=1, handled=2, queued=1, in_hand=2)
    heir.pause()
    heir._worker.force()
    await heir.wait_for_shutdown()
    account(mailbox, accepted=6, dead=1, handled=2, returned=3)


@pytest.mark.parametrize("key", [None, key_of])
async def test_what_a_handler_that_was_left_alone_fails_with_goes_back_to_the_mailbox(key) -> None:
    """Nobody is there any more who would wait for its next attempt."""

    class Failing(Odd):
        async def on_message(self, message: str) -> None:
            await super().on_message(message)
            raise OSError

    pool = Failing(key=key, retry=Retry(OSError, backoff=Backoff(5)))
    await ended(pool, "bad-1 deaf-inf")
    account(pool, accepted=2, dead=1, in_hand=1)
    await asyncio.sleep(4000)
    assert [*pool.worker_mailbox.messages] == ["deaf-inf"]
    account(pool, accepted=2, dead=1, queued=1)


async def test_a_pool_that_ignores_all_cancels_is_abandoned_within_the_bound_of_its_stop() -> None:
    pool = Odd(stopping_grace_period=3)
    await pool.startup()
    pool.send_all("deaf-inf deaf-9 long-1")
    await asyncio.sleep(1)
    await pool.shutdown()
    assert now() <= 1 + pool.worker_stop_bound
    assert pool.worker_exit.abandoned
    await asyncio.sleep(4000)
    account(pool, accepted=3, handled=2, dropped=1)  # a cleanup that comes so late has no time


async def test_a_handler_that_was_left_alone_leaves_its_key_to_the_next_consumer() -> None:
    mailbox: Mailbox[str] = Mailbox()
    pool = Odd(mailbox=mailbox, key=key_of)
    await ended(pool, "bad-1 deaf-inf d2 d3 e1")
    assert [*mailbox.messages] == ["d2", "d3"]
    heir = Odd(pool.books, mailbox=mailbox, key=key_of, name="heir")
    async with heir:
        await asyncio.sleep(1)
        assert not mailbox.messages
    await deaf(heir)
    account(mailbox, accepted=5, handled=4, dead=1)
