"""The account of a mailbox adds up, whatever is done to it and whenever somebody looks."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fluid import Account, ConsumerClosed, Mailbox, MailboxFull
from fluid.testing import run
from tests.worker.queue_cast import Keeper, Recorder, Taker, account, task_of


class Oops(Exception):
    """What a handler raises in here."""


class KeepingTaker(Taker):
    """Takes what is left, and remembers it."""

    kept: list[object]

    async def on_undelivered(self, messages) -> None:
        self.kept = list(messages)


OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("send"), st.sampled_from(["quick", "slow", "follow", "fail", "never"])),
        st.tuples(st.just("put"), st.sampled_from(["quick", "slow", "never"])),
        st.tuples(st.just("wait"), st.sampled_from([0, 0.05, 1])),
        st.sampled_from([("start",), ("stop",), ("kill",), ("cancel put",), ("join",)]),
    ),
    max_size=30,
)


@settings(max_examples=150, deadline=None)
@given(
    operations=OPERATIONS,
    maxsize=st.sampled_from([0, 1, 3]),
    kinds=st.lists(
        st.sampled_from([Recorder, Keeper, Taker, KeepingTaker]), min_size=1, max_size=3
    ),
)
def test_accepted_is_always_the_sum_of_what_became_of_it(operations, maxsize, kinds) -> None:
    """Q01, Q04"""
    run(lambda: play(operations, maxsize, kinds))


async def play(operations, maxsize, kinds) -> None:
    """Does all of it to consumers on one mailbox, and looks at the account all the time."""
    mailbox: Mailbox[object] = Mailbox(maxsize=maxsize)
    began: list[object] = []
    dead: list[object] = []
    waits: list[asyncio.Future[None]] = []
    accepted = 0
    consumers: dict[int, Recorder | Taker] = {}

    def look() -> None:
        found = mailbox.account()
        assert found.adds_up, found
        assert min(found) >= 0, found
        assert found.dead == len(dead)

    async def handle(message) -> None:
        look()
        began.append(message)
        match message[0]:
            case "slow":
                await asyncio.sleep(0.5)
            case "follow":
                with suppress(MailboxFull):
                    mailbox.send(("quick", len(began)))
            case "fail":
                dead.append(message)
                raise Oops
            case "never":
                await asyncio.sleep(inf)
        look()

    def running() -> list[Recorder | Taker]:
        return [consumer for consumer in consumers.values() if consumer.is_running()]

    for number, (verb, *argument) in enumerate(operations):
        match verb, *argument:
            case "send", kind:
                with suppress(ConsumerClosed, MailboxFull):
                    mailbox.send((kind, number))
                    accepted += 1
            case "put", kind:
                waits.append(asyncio.ensure_future(mailbox.put((kind, number))))
            case "join":
                waits.append(asyncio.ensure_future(mailbox.join()))
            case "cancel put" if waits:
                waits[-1].cancel()
            case "wait", seconds:
                await asyncio.sleep(seconds)
            case ("start",):
                slot = number % len(kinds)
                if slot not in consumers or consumers[slot].is_stopped():
                    consumers[slot] = kinds[slot](
                        handle, mailbox=mailbox, stopping_grace_period=2, name=f"n{slot}"
                    )
                    await consumers[slot].startup()
            case ("stop",):
                for consumer in running()[:1]:
                    consumer.gracefully_stop()
            case ("kill",):
                await asyncio.sleep(0)  # before its first step there is no task
                for consumer in running()[:1]:
                    task_of(consumer).cancel()
        look()
    for consumer in consumers.values():
        await asyncio.gather(consumer.shutdown(), return_exceptions=True)
        look()
        assert Account(**consumer.worker_exit.account).adds_up
    found = mailbox.account()
    assert not found.in_hand
    assert found.accepted >= accepted
    for wait in waits:
        wait.cancel()
    await asyncio.gather(*waits, return_exceptions=True)
    look()
    assert not mailbox._room.tickets
    assert not mailbox._room._promised


@pytest.mark.parametrize("kind", [Recorder, Taker])
async def test_a_look_from_a_handler_finds_its_message_in_hand(kind) -> None:
    looks = []

    async def handle(_message) -> None:
        looks.append(consumer.worker_mailbox.account())

    consumer = kind(handle)
    async with consumer:
        for number in range(3):
            consumer.send(number)
    assert [(look.handled, look.in_hand, look.queued) for look in looks] == [
        (0, 1, 2),
        (1, 1, 1),
        (2, 1, 0),
    ]
    assert all(look.adds_up for look in looks)


async def test_the_record_of_the_end_keeps_the_account() -> None:
    async with Recorder() as consumer:
        consumer.send(1)
    assert consumer.worker_exit.account == {
        "accepted": 1,
        "handled": 1,
        "dead": 0,
        "dropped": 0,
        "returned": 0,
        "queued": 0,
        "in_hand": 0,
    }


def test_a_refused_message_is_not_counted() -> None:
    mailbox: Mailbox[object] = Mailbox(maxsize=1)
    mailbox.send(1)
    with pytest.raises(MailboxFull):
        mailbox.send(2)
    account(mailbox, accepted=1, queued=1)
