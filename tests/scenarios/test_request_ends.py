"""Requests and the end of a consumer: nobody who asked waits for ever, and no answer is lost."""

from __future__ import annotations

import asyncio

import pytest

from fluid import (
    Backoff,
    ConsumerClosed,
    Mailbox,
    Workers,
    WrongLoopError,
)
from fluid.testing import run
from tests.scenarios.cast import Breakable, Planned
from tests.scenarios.handling_cast import (
    ALWAYS,
    Handler,
    Ledger,
    asking,
)
from tests.scenarios.supervised_cast import Maker, supervisor_of
from tests.worker.fakes import now
from tests.worker.group_cast import end_of

each_kind = pytest.mark.parametrize(
    "options",
    [{}, {"concurrency": 2}, {"key": str}],
    ids=["plain", "pool", "keyed"],
)


async def test_a_request_before_the_start_is_answered_after_it() -> None:
    consumer = Handler(Ledger())
    requests = asking(consumer, "ab")
    await asyncio.sleep(5)
    async with consumer:
        assert await asyncio.gather(*requests) == ["A", "B"]


async def test_a_stop_answers_what_it_drains() -> None:
    """Q11, U01"""
    consumer = Handler(Ledger(takes=1))
    await consumer.startup()
    requests = asking(consumer, "abc")
    await asyncio.sleep(0.5)
    await consumer.shutdown()
    assert await asyncio.gather(*requests) == [*"ABC"]
    assert now() == 3


@each_kind
@pytest.mark.parametrize("how", ["the grace is over", "it is paused"])
async def test_callers_whose_messages_are_handed_back_are_told(how: str, options) -> None:
    """Q11, U02, U10"""
    ledger = Ledger(takes=3)
    consumer = Handler(ledger, stopping_grace_period=1, **options)
    await consumer.startup()
    if how == "it is paused":
        consumer.pause()
    requests = asking(consumer, "abc")
    await asyncio.sleep(1)
    await consumer.shutdown()
    for request in requests:
        error = await end_of(request)
        assert isinstance(error, ConsumerClosed)
        assert "'consumer' ended before it could answer" in str(error)
    assert sorted(ledger.left) == [*"abc"]
    assert now() == (1 if how == "it is paused" else 2)


async def test_callers_wait_over_a_restart() -> None:
    """Q11, Q13: the one whose message was in hand gets its error, the others their answers."""
    ledger = Ledger({"a": ALWAYS}, takes=1)
    consumer = Handler(ledger, on_dead_letter=_ending)
    async with supervisor_of(consumer, backoff=Backoff(5, jitter=0), max_restarts=2):
        consumer.send("a")
        requests = asking(consumer, "bc")
        assert await asyncio.gather(*requests) == ["B", "C"]
        assert now() == 8


async def _ending(_message: str, error: BaseException, _attempts: int) -> None:
    raise error


async def test_callers_are_told_when_nobody_comes_back() -> None:
    consumer = Handler(Ledger({"a": ALWAYS}))
    await consumer.startup()
    consumer.send("a")
    requests = asking(consumer, "bc")
    assert isinstance(await end_of(consumer.wait_for_shutdown()), Planned)
    for request in requests:
        assert isinstance(await end_of(request), ConsumerClosed)


async def test_callers_are_told_when_the_next_incarnation_has_a_mailbox_of_its_own() -> None:
    """Q13"""
    ledger = Ledger({"a": ALWAYS})
    child = Maker("consumer", Handler, ledger=ledger)
    async with supervisor_of(child):
        child.now.send("a")
        requests = asking(child.now, "bc")
        for request in requests:
            assert isinstance(await end_of(request), ConsumerClosed)
        assert ledger.left == ["b", "c"]
        assert len(child.made) == 2
        assert await child.now.request("d") == "D"


async def test_in_a_mailbox_of_ones_own_they_wait_for_the_next_consumer() -> None:
    mailbox: Mailbox[str] = Mailbox()
    consumer = Handler(Ledger({"a": ALWAYS}), mailbox=mailbox)
    await consumer.startup()
    consumer.send("a")
    requests = asking(consumer, "bc")
    assert isinstance(await end_of(consumer.wait_for_shutdown()), Planned)
    await asyncio.sleep(5)
    async with Handler(Ledger(), mailbox=mailbox):
        assert await asyncio.gather(*requests) == ["B", "C"]


async def test_callers_are_told_when_their_group_ends_before_the_consumers_turn() -> None:
    class Broken(Breakable):
        async def on_startup(self) -> None:
            await asyncio.sleep(1)
            raise Planned("no start")

    consumer = Handler(Ledger())
    requests = asking(consumer, "ab")
    await asyncio.sleep(0)
    assert isinstance(await end_of(Workers(Broken(), consumer).startup()), Planned)
    for request in requests:
        assert isinstance(await end_of(request), ConsumerClosed)


@pytest.mark.real
def test_a_request_from_another_loop_is_refused() -> None:
    async def main() -> BaseException | None:
        async with Handler(Ledger()) as consumer:
            ask = consumer.request("a")
            return await asyncio.to_thread(lambda: asyncio.run(end_of(ask)))

    error = asyncio.run(main())
    assert isinstance(error, WrongLoopError)
    assert "request() of consumer 'consumer' was awaited on" in str(error)


def test_a_caller_whose_loop_is_gone_is_no_trouble() -> None:
    consumer = Handler(ledger := Ledger())

    async def ask() -> None:
        request = asyncio.ensure_future(consumer.request("a"))
        await asyncio.sleep(0)
        request.cancel()

    async def answer() -> None:
        async with consumer:
            await consumer.join()

    run(ask)
    run(answer)
    assert ledger.handled == ["a"]
