"""Consumers under a supervisor: their mailbox outlives their lives, and is closed with the last."""

from __future__ import annotations

import asyncio

import pytest

from fluid import Backoff, ChildSpec, ConsumerClosed, Mailbox, SupervisorGaveUp, Worker
from fluid.testing import Simulation
from tests.exploring import explored
from tests.scenarios.cast import stop_at_last
from tests.scenarios.message_cast import TAKES, Books, Plain, Taking, all_ended, delivering
from tests.scenarios.supervised_cast import Lives, Maker, faults_of_supervised, supervisor_of
from tests.worker.group_cast import end_of

each_way = pytest.mark.parametrize("way", ["instance", "factory"])
each_kind = pytest.mark.parametrize("kind", [Plain, Taking])

SOON = Backoff(initial=0.05, jitter=0)


class Consumer:
    """A consumer as a child: an instance, or a factory whose incarnations share a mailbox."""

    def __init__(self, way: str, kind: type[Plain | Taking] = Plain, maxsize: int = 0) -> None:
        self.child: Worker | Maker
        if way == "instance":
            self.child = kind(maxsize=maxsize)
            self.books = self.child.books
        else:
            mailbox: Mailbox[str] = Mailbox(maxsize=maxsize)
            self.books = Books(mailbox)
            self.child = Maker("consumer", kind, books=self.books, mailbox=mailbox)

    @property
    def now(self) -> Plain | Taking:
        """The present incarnation, or the last one."""
        return self.child.now if isinstance(self.child, Maker) else self.child

    def send(self, *messages: str) -> None:
        """Sends, and writes it down."""
        for message in messages:
            self.books.mailbox.send(message)
            self.books.accepted.append(message)

    async def fail(self) -> None:
        """Has it fail with the message that it has in hand."""
        while not self.books.mailbox.account().in_hand:
            await asyncio.sleep(TAKES / 10)
        self.books.break_()
        while not self.now.is_stopped():
            await asyncio.sleep(TAKES / 10)


@each_way
@each_kind
async def test_messages_are_accepted_while_a_restart_is_pending_and_handled_after_it(
    way: str, kind: type[Plain | Taking]
) -> None:
    """G18, N01"""
    consumer = Consumer(way, kind)
    async with supervisor_of(consumer.child, backoff=SOON, max_restarts=5) as app:
        consumer.send(*"abc")
        await consumer.fail()
        assert [child.state.value for child in app.children()] == ["restarting"]
        consumer.send(*"de")
        consumer.now.send("f")
        consumer.books.accepted.append("f")
        await consumer.now.join()
        assert consumer.now.is_ready()
        assert consumer.books.dead == ["a"]
        assert consumer.books.handled == [*"bcdef"]
    consumer.books.assert_nothing_is_lost()


@each_way
@pytest.mark.parametrize("verb", ["restart_child", "one_for_all"])
async def test_a_restart_that_was_asked_for_does_not_close_the_mailbox(way: str, verb: str) -> None:
    """Producers need not even notice."""
    consumer, other = Consumer(way), Maker("other")
    strategy = "one_for_all" if verb == "one_for_all" else "one_for_one"
    async with supervisor_of(consumer.child, other, strategy=strategy) as app:
        consumer.send(*"abc")
        await asyncio.sleep(TAKES / 2)
        if verb == "one_for_all":
            other.now.break_()
        else:
            restart = asyncio.ensure_future(app.restart_child("consumer"))
        for letter in "defghijk":
            await asyncio.sleep(TAKES / 2)
            consumer.send(letter)
        if verb != "one_for_all":
            await restart
        await consumer.books.mailbox.join()
        assert consumer.books.handled == [*"abcdefghijk"]
        assert app.children()[0].restarts == 1
    consumer.books.assert_nothing_is_lost()


@pytest.mark.parametrize(("way", "kind"), [("instance", Taking), ("factory", Plain)])
@explored(faults="offered", seeds=60)
async def test_whatever_strikes_a_supervised_consumer_each_message_is_in_one_place(
    sim: Simulation, way: str, kind: type[Plain | Taking]
) -> None:
    """At any step, through any number of lives; and no producer waits for ever."""
    consumer = Consumer(way, kind, maxsize=1)
    books = consumer.books
    app = supervisor_of(ChildSpec(consumer.child, restart="transient"))
    lives = Lives(app)
    faults_of_supervised(sim, app)
    sim.offer("break the handler", books.break_)
    sim.offer("cancel consumer", lambda: _cancel(consumer))
    sim.offer("stop consumer", lambda: consumer.now.gracefully_stop())
    producers = delivering(sim, books, "ab", "c")
    if await end_of(app.startup()) is None:
        await asyncio.sleep(TAKES / 2)
        books.break_()
        await asyncio.sleep(TAKES)
    await asyncio.sleep(4 * TAKES)
    await stop_at_last(app)
    await all_ended(producers)
    lives.assert_all_is_well()
    books.assert_nothing_is_lost(in_order=False)
    assert books.mailbox.is_closed or not consumer.now.has_started()
    sim.sometimes("several lives", lives.starts["app/consumer"] > 2)
    sim.sometimes("something was left", bool(books.given or books.left))


def _cancel(consumer: Consumer) -> None:
    life = consumer.now._worker.life
    if life is not None and life.task is not None:
        life.task.cancel()


@each_way
@pytest.mark.parametrize("end", ["stop", "stop_child", "remove_child", "give up", "ends well"])
@pytest.mark.parametrize("when", ["running", "restarting"])
async def test_producers_that_wait_for_room_are_told_when_nobody_will_make_any(
    way: str, end: str, when: str
) -> None:
    """G20: by whatever the last life ends, and while it waits for the next one, too."""
    consumer = Consumer(way, maxsize=1)
    is_down = when == "restarting"
    limit = 1 if end == "give up" and is_down else 0 if end == "give up" else 5
    spec = ChildSpec(consumer.child, restart="transient")
    other = Maker("other")
    app = supervisor_of(spec, other, backoff=Backoff(initial=5, factor=1), max_restarts=limit)
    await app.startup()
    await consumer.books.deliver(*"a")
    await asyncio.sleep(TAKES / 2)
    producers = [asyncio.ensure_future(consumer.books.deliver(letter)) for letter in "bcd"]
    if is_down:
        await consumer.fail()
        producers.append(asyncio.ensure_future(consumer.books.deliver("e")))
        await asyncio.sleep(0)
    else:
        await asyncio.sleep(0)
    assert not all(producer.done() for producer in producers)
    asked = asyncio.get_running_loop().time()
    if end == "stop":
        app.gracefully_stop()
    elif end == "give up":
        if is_down:
            other.now.break_()
        else:
            consumer.books.break_()
    elif end == "ends well":
        consumer.now.gracefully_stop()
    else:
        await getattr(app, end)("consumer")
    if end == "ends well" and is_down:
        # It has ended already: this says nothing to the supervisor, which starts the next.
        await asyncio.sleep(10)
        consumer.now.gracefully_stop()
    else:
        await asyncio.sleep(1)
    await all_ended(producers)
    assert asyncio.get_running_loop().time() <= asked + 11
    assert app.is_running() == (end not in ("stop", "give up"))
    with pytest.raises(ConsumerClosed):
        consumer.books.mailbox.send("f")
    error = await end_of(app.shutdown())
    assert isinstance(error, SupervisorGaveUp) == (end == "give up")
    consumer.books.assert_nothing_is_lost(in_order=False)


@each_way
async def test_a_consumer_that_was_stopped_and_is_restarted_by_hand_accepts_again(way: str) -> None:
    """G18: only for good is for good."""
    consumer = Consumer(way)
    async with supervisor_of(consumer.child) as app:
        await app.stop_child("consumer")
        with pytest.raises(ConsumerClosed):
            consumer.books.mailbox.send("a")
        await app.restart_child("consumer")
        consumer.send("b")
        await consumer.now.join()
        assert consumer.books.handled == ["b"]
    consumer.books.assert_nothing_is_lost()


async def test_what_is_left_in_a_mailbox_of_the_consumers_own_is_handed_back_by_each_instance() -> (
    None
):
    """Nobody else knows of such a mailbox, so the next instance cannot find anything in it."""
    made = Maker("consumer", Plain)
    async with supervisor_of(made):
        first = made.now
        for letter in "abc":
            first.send(letter)
            first.books.accepted.append(letter)
        await asyncio.sleep(TAKES / 2)
        first.books.break_()
        await asyncio.sleep(1)
        assert made.now is not first
        assert (first.books.dead, first.books.given) == (["a"], ["b", "c"])
        with pytest.raises(ConsumerClosed):
            first.send("d")
    first.books.assert_nothing_is_lost()
