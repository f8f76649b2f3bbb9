"""Dead letters: who takes the messages that have failed for the last time, and what is said."""

from __future__ import annotations

import asyncio

import pytest

from fluid import Backoff, Mailbox, QueueConsumerWorker, Retry
from fluid.events import HandlerAbandoned, MessageDied, MessagesAccounted
from fluid.testing import Simulation
from tests.exploring import explored
from tests.scenarios.cast import Planned, Watch, faults_of, stop_at_last
from tests.scenarios.handling_cast import ALWAYS, TAKES, Handler, Ledger, looked_at, send_all
from tests.scenarios.test_log_lines import logged_by
from tests.worker.fakes import deaf_to, now
from tests.worker.group_cast import end_of

AT_ONCE = Backoff(initial=0)


async def fail(message: str) -> None:
    """Fails with every message."""
    raise Planned(message)


# --- the hook ------------------------------------------------------------------------------------


async def test_the_hook_is_given_message_error_and_attempts_and_the_consumer_goes_on() -> None:
    """Q02"""

    class Keeping(Handler):
        async def on_dead_letter(self, message: str, error: BaseException, attempts: int) -> None:
            given.append((message, error, attempts))

    given: list[tuple[str, BaseException, int]] = []
    ledger = Ledger({"a": ALWAYS}, takes=0)
    async with Keeping(ledger) as consumer:
        send_all(consumer, "ab")
    ((message, error, attempts),) = given
    assert (message, attempts) == ("a", 1)
    assert isinstance(error, Planned)
    assert error.__traceback__ is not None
    assert ledger.handled == ["b"]
    assert consumer.worker_exit.account["dead"] == 1


async def test_a_function_that_is_given_takes_the_place_of_the_method() -> None:
    class Keeping(Handler):
        async def on_dead_letter(self, message: str, error: BaseException, attempts: int) -> None:
            raise AssertionError("not this one")

    ledger = Ledger({"a": ALWAYS}, takes=0)
    async with Keeping(ledger, on_dead_letter=ledger.bury) as consumer:
        consumer.send("a")
    assert ledger.dead == [("a", "Planned", 1)]


async def test_messages_behind_a_dead_letter_wait_for_the_hook() -> None:
    ledger = Ledger({"a": ALWAYS}, takes=2)
    async with Handler(ledger, on_dead_letter=ledger.bury) as consumer:
        send_all(consumer, "ab")
    assert ledger.calls == [(0, "a"), (4, "b")]


async def test_a_hook_that_raises_ends_the_consumer_with_its_error() -> None:
    """Q02: the message is dead all the same; the handler's error is the context of the hook's."""

    async def full(_message: str, _error: BaseException, _attempts: int) -> None:
        raise OSError("disk full")

    consumer = QueueConsumerWorker(fail, on_dead_letter=full)
    await consumer.startup()
    send_all(consumer, "ab")
    with pytest.raises(OSError, match="disk full") as caught:
        await consumer.wait_for_shutdown()
    assert isinstance(caught.value.__context__, Planned)
    found = consumer.worker_mailbox.account()
    assert (found.dead, found.queued) == (1, 1)


async def test_a_hook_that_is_not_async_is_explained() -> None:
    def bury(_message: str, _error: BaseException, _attempts: int) -> None:
        """Is called, and awaited in vain."""

    consumer = QueueConsumerWorker(fail, on_dead_letter=bury)  # type: ignore[arg-type]
    await consumer.startup()
    consumer.send("a")
    with pytest.raises(TypeError) as caught:
        await consumer.wait_for_shutdown()
    assert caught.value.__notes__ == [
        "on_dead_letter() has to be a function written with  async def"
    ]


async def test_a_message_whose_hook_is_cancelled_goes_back() -> None:
    """Q04: nobody has taken it, so it is not dead yet."""
    ledger = Ledger({"a": ALWAYS}, takes=0)

    async def hang(_message: str, _error: BaseException, _attempts: int) -> None:
        await asyncio.sleep(100)

    async with Handler(ledger, on_dead_letter=hang, stopping_grace_period=1) as consumer:
        send_all(consumer, "ab")
        await asyncio.sleep(0.5)
    assert ledger.left == ["a", "b"]
    assert now() == 1.5


async def test_the_hook_may_send_the_message_again() -> None:
    """Also while the consumer drains: it is one of its own handlers."""

    async def again(message: str, _error: BaseException, _attempts: int) -> None:
        consumer.send(message.upper())

    ledger = Ledger({"a": ALWAYS}, takes=1)
    consumer = Handler(ledger, on_dead_letter=again)
    async with consumer:
        send_all(consumer, "ab")
    assert ledger.handled == ["b", "A"]
    assert consumer.worker_exit.account == {
        "accepted": 3,
        "handled": 2,
        "dead": 1,
        "dropped": 0,
        "returned": 0,
        "queued": 0,
        "in_hand": 0,
    }


@explored(faults="offered", swept=True)
async def test_whatever_strikes_a_message_is_given_to_the_hook_once_or_is_not_dead(
    sim: Simulation,
) -> None:
    """Q03, Q04"""
    ledger = Ledger({"a": ALWAYS, "c": ALWAYS})
    consumer = Handler(ledger, on_dead_letter=ledger.bury)
    watch, wrong = Watch(consumer), looked_at(consumer)
    faults_of(sim, consumer)
    send_all(consumer, "abc")
    if await end_of(consumer.startup()) is None:
        await asyncio.sleep(3 * TAKES)
    await stop_at_last(consumer)
    watch.assert_it_ended_well()
    assert not wrong
    ledger.assert_nothing_is_lost(consumer, "abc")
    assert consumer.worker_mailbox.account().dead == len(ledger.dead)
    sim.sometimes("both are dead", len(ledger.dead) == 2)
    sim.sometimes("something was left", bool(ledger.left))


# --- what is said --------------------------------------------------------------------------------


async def test_a_dead_letter_is_told_of_when_the_hook_has_it() -> None:
    ledger = Ledger({"a": ALWAYS}, takes=1)
    retry = Retry(attempts=2, backoff=AT_ONCE)
    async with Handler(ledger, retry=retry, on_dead_letter=ledger.bury) as consumer:
        consumer.send("a")
    (died,) = [event for event in ledger.events if isinstance(event, MessageDied)]
    assert (died.path, died.at, died.attempts) == ("consumer", 3, 2)
    assert isinstance(died.exception, Planned)


async def test_the_account_is_told_of_last_and_is_that_of_the_record() -> None:
    ledger = Ledger()
    async with Handler(ledger) as consumer:
        send_all(consumer, "ab")
    (accounted,) = [event for event in ledger.events if isinstance(event, MessagesAccounted)]
    assert accounted.account == consumer.worker_exit.account
    assert accounted.account["handled"] == 2


async def test_a_consumer_that_failed_has_accounted_for_its_messages_too() -> None:
    ledger = Ledger({"a": ALWAYS})
    consumer = Handler(ledger, mailbox=Mailbox())
    await consumer.startup()
    send_all(consumer, "ab")
    assert isinstance(await end_of(consumer.wait_for_shutdown()), Planned)
    (accounted,) = [event for event in ledger.events if isinstance(event, MessagesAccounted)]
    assert (accounted.account["dead"], accounted.account["queued"]) == (1, 1)


async def test_a_handler_that_is_left_alone_is_told_of_with_its_place() -> None:
    """Q10"""
    deaf = deaf_to(9)

    async def refuse(_message: str) -> None:
        await deaf(consumer)

    ledger = Ledger()
    consumer = QueueConsumerWorker(refuse, handler_timeout=5, on_dead_letter=ledger.bury)
    consumer.subscribe(ledger.events.append)
    async with consumer:
        consumer.send("a")
        await asyncio.sleep(20)
    (left,) = [event for event in ledger.events if isinstance(event, HandlerAbandoned)]
    assert left.at == 7
    assert any("fakes.py" in place for place in left.stack)
    assert consumer.worker_exit.abandoned
    await asyncio.sleep(7200)


def test_the_log_has_a_line_for_each_dead_letter_and_for_the_account() -> None:
    async def handle(message: str) -> None:
        if message != "good":
            raise ValueError(message)

    ledger = Ledger()
    retry = Retry(on=ValueError, attempts=2, backoff=AT_ONCE)
    options = {"name": "mailer", "retry": retry, "on_dead_letter": ledger.bury}
    consumer = QueueConsumerWorker(handle, **options)
    send_all(consumer, ["good", "bad\nERROR forged"])
    printed = logged_by(consumer)
    assert printed[2] == "WARNING worker mailer: a message is dead, tried 2 times (ValueError: bad)"
    assert printed[-1] == (
        "INFO worker mailer has accounted for its messages: 2 accepted, 1 handled, 1 dead"
    )


def test_the_log_says_once_and_none() -> None:
    consumer = QueueConsumerWorker(fail, name="mailer", on_dead_letter=Ledger().bury)
    consumer.send("bad")
    assert "WARNING worker mailer: a message is dead, tried once (Planned: bad)" in (
        logged_by(consumer)
    )
    assert logged_by(QueueConsumerWorker(fail, name="mailer"))[-1] == (
        "INFO worker mailer has accounted for its messages: none came"
    )


def test_the_log_says_which_handler_was_left_alone_and_where() -> None:
    deaf = deaf_to(9)

    async def refuse(_message: str) -> None:
        await deaf(consumer)

    consumer = QueueConsumerWorker(
        refuse, name="mailer", handler_timeout=0.1, on_dead_letter=Ledger().bury
    )
    consumer.send("a")
    (line,) = [line for line in logged_by(consumer) if "left alone" in line]
    assert line.startswith("ERROR worker mailer: a handler refuses to end and was left alone, at ")
    assert line.endswith("; what it holds is freed when it ends")
    assert "fakes.py" in line
