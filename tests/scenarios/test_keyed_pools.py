"""Pools with keys: one message of a key at a time, in order, and a turn for every key."""

from __future__ import annotations

import asyncio

import pytest

from fluid import Account, ConsumerClosed
from fluid.testing import Simulation
from tests.exploring import explored
from tests.scenarios.cast import Planned, faults_of, stop_at_last
from tests.scenarios.conservation_cast import checked_at_every_step
from tests.scenarios.message_cast import TAKES, all_ended
from tests.scenarios.pool_cast import PLACES, Pooled, by_key, options_of
from tests.worker.group_cast import end_of

MESSAGES = "a1 a2 b1 a3 c1 b2 d1 a4 c2 b3"

each_kind = pytest.mark.parametrize("kind", ["keyed", "all"])


@each_kind
@explored()
async def test_messages_of_a_key_are_handled_in_order_and_never_at_once(
    sim: Simulation, kind: str
) -> None:
    """Q06"""
    pool = Pooled(**options_of(kind))
    books = pool.books
    async with pool:
        pool.send_all(MESSAGES)
        await pool.join()
        assert books.most == PLACES
    sim.sometimes("keys overtook each other", books.handled != books.accepted)
    assert books.most_of_a_key == 1
    assert by_key(books.began) == by_key(books.handled) == by_key(books.accepted)


@each_kind
@explored(faults="offered", seeds=40)
async def test_whatever_strikes_keyed_messages_those_of_a_key_stay_in_order(
    sim: Simulation, kind: str
) -> None:
    """Q04, Q06"""
    pool = Pooled(maxsize=4, **options_of(kind))
    books = pool.books
    faults_of(sim, pool)
    sim.offer("break a handler", books.break_)
    with checked_at_every_step(sim, books):
        producers = [
            asyncio.ensure_future(books.deliver(*messages.split()))
            for messages in ("a1 a2 a3 a4", "b1 b2 c1 b3", "d1 e1 d2")
        ]
        await end_of(pool.startup())
        await all_ended(producers)
        await asyncio.sleep(TAKES / 2)
        await stop_at_last(pool)
    sim.sometimes("something went back", any(m in books.began for m in books.given + books.left))
    assert books.most_of_a_key <= 1
    books.assert_nothing_is_lost(in_order=True)


@each_kind
@explored()
async def test_different_keys_do_not_wait_for_each_other(sim: Simulation, kind: str) -> None:
    """Q06: two places are enough, however long one of the keys takes."""
    hold = asyncio.Event()

    class Holding(Pooled):
        async def on_message(self, message: str) -> None:
            if message == "a1":
                await hold.wait()
            await super().on_message(message)

    pool = Holding(concurrency=2, **options_of(kind) | {"handler_timeout": None})
    books = pool.books
    async with pool:
        pool.send_all("a1 a2 a3 b1 c1 b2 d1")
        while len(books.handled) < 4:
            await asyncio.sleep(TAKES)
        assert by_key(books.handled) == {"b": ["b1", "b2"], "c": ["c1"], "d": ["d1"]}
        hold.set()
    assert books.handled[4:] == ["a1", "a2", "a3"]


@each_kind
@explored(faults="offered")
async def test_a_request_in_a_keyed_pool_has_its_turn_and_gets_its_own_answer(
    sim: Simulation, kind: str
) -> None:
    """Q11"""

    class Answering(Pooled):
        async def on_message(self, message: str) -> str:  # type: ignore[override]
            await super().on_message(message)
            return message.upper()

        async def on_dead_letter(self, *_: object) -> None:
            """Takes the errors that no caller waits for any more."""

    pool = Answering(**options_of(kind))
    books = pool.books
    answers: list[str] = []

    async def ask(message: str) -> None:
        books.accepted.append(message)
        try:
            answer = await pool.request(message)
        except Planned:
            assert message in books.dead
        else:
            assert answer == message.upper()
            assert message in books.handled
            answers.append(answer)

    sim.offer("break a handler", books.break_)
    sim.offer("cancel a caller", lambda: callers[-1].cancel())
    callers: list[asyncio.Task[None]] = []
    with checked_at_every_step(sim, books):
        error = None
        async with pool:
            callers.extend(asyncio.ensure_future(ask(message)) for message in MESSAGES.split())
            error = await end_of(asyncio.wait_for(asyncio.gather(*callers), 100))
            await asyncio.gather(*callers, return_exceptions=True)
            await end_of(pool.join())
    assert error is None or isinstance(error, asyncio.CancelledError)
    sim.sometimes("all were answered", len(answers) == len(MESSAGES.split()))
    sim.sometimes("one was refused", bool(books.dead))
    assert books.most_of_a_key == 1
    books.assert_nothing_is_lost()


@each_kind
@explored()
async def test_callers_of_a_keyed_pool_that_is_out_of_time_are_told(
    sim: Simulation, kind: str
) -> None:
    pool = Pooled(stopping_grace_period=2.5 * TAKES, **options_of(kind))
    asked = []

    async def ask(message: str) -> None:
        asked.append(message)
        await pool.request(message)

    async with pool:
        callers = [asyncio.ensure_future(ask(f"a{number}")) for number in range(9)]
        while len(asked) < len(callers):
            await asyncio.sleep(0)
    ends = await asyncio.gather(*callers, return_exceptions=True)
    told = [end for end in ends if isinstance(end, ConsumerClosed)]
    account = Account(**pool.worker_exit.account)
    assert account.adds_up
    assert len(told) == account.returned > 0
    assert pool.books.given == asked[-len(told) :]
