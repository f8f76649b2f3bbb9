"""What the scenarios of conservation share: who sends, in every way there is, and who takes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

from fluid import Account, ConsumerClosed, Mailbox, MailboxFull, QueueConsumer
from fluid.events import MessagesAccounted, WorkerEvent
from fluid.testing import Simulation
from tests.scenarios.cast import Planned, faults_of, stop_at_last
from tests.scenarios.ledger import TOTALS, Ledger, checked_at_every_step
from tests.worker.group_cast import end_of

SIZE = 9
"""Messages that each life is sent, beside what its handlers send; the campaign sends more."""

LIVES = 3
"""How many consumers come one after the other, for what the one before has left."""

VARIANT = 0
"""Which of the four settings the plain run has; the campaign sweeps with each of them."""

TAKES = 0.01
"""Seconds that a message is in hand."""

FOLLOW_UPS = 1000
"""From this number on, a message was sent by a handler."""


class Traffic(Ledger):
    """A ledger that sends and handles the messages, and writes down what becomes of them."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.waits: list[asyncio.Task[None]] = []
        self._pauses: list[asyncio.TimerHandle] = []
        self._follow_ups = count(FOLLOW_UPS)
        self._breaks: dict[int, asyncio.Future[None]] = {}

    # --- who sends -------------------------------------------------------------------------------

    def send(self, message: int) -> bool:
        """Sends a message; returns whether it was accepted."""
        try:
            self.mailbox.send(message)
        except (MailboxFull, ConsumerClosed):
            return False
        self.accepted.add(message)
        return True

    async def put(self, message: int) -> None:
        """Puts a message in.

        Raises:
            ConsumerClosed: If it was not accepted.
        """
        await self.mailbox.put(message)
        self.accepted.add(message)

    async def deliver(self, messages: Sequence[int]) -> None:
        """Puts messages in, until the mailbox is closed."""
        for message in messages:
            try:
                await self.put(message)
            except ConsumerClosed:
                return

    async def ask(self, message: int) -> None:
        """Requests an answer to a message."""
        self.asked.add(message)
        try:
            answer = await self.mailbox.request(message)
        except (Planned, asyncio.CancelledError, ConsumerClosed) as error:
            # Who is cancelled in the step of the answer has it as the cause.
            told = error.__cause__ if isinstance(error, asyncio.CancelledError) else error
            if told and not isinstance(told, ConsumerClosed) and message not in self.dead:
                self.settle("dead", message)
        except BaseException as error:  # from a handler that was cancelled, or was too slow
            if not self.slack:
                self.wrongs.append(f"{message} was answered by {error!r}")
            self.settle("dead", message)
        else:
            assert answer in (message, None)
            assert message in self.handled
        finally:
            self.asked.discard(message)

    def feed(self, life: int, size: int) -> None:
        """Sends so many messages, in every way there is."""
        mine = list(range(life * 100, life * 100 + size))
        third = len(mine) // 3
        for message in mine[:third]:
            self.send(message)
        self._begin("the producer", self.deliver(mine[third:-2]))
        for number, message in enumerate(mine[-2:]):
            self._begin(f"caller {number}", self.ask(message))

    def _begin(self, who: str, wait: Any) -> None:
        self.waits.append(self.sim.loop.create_task(wait))
        self.sim.offer(f"cancel {self.name}{who}", self.waits[-1].cancel)

    async def no_longer_wait(self) -> None:
        """Cancels whoever still waits."""
        for wait in self.waits:
            wait.cancel()
        await asyncio.gather(*self.waits, return_exceptions=True)
        for wait in self.waits:
            assert wait.cancelled() or wait.exception() is None, wait

    # --- who takes -------------------------------------------------------------------------------

    async def handle(self, message: int) -> int:
        """Takes its time, sends another message perhaps, fails perhaps, and returns the message."""
        with self.hand(message):
            try:
                await self.work(message)
            except Planned:
                self.fail(message)
                raise
            self.settle("handled", message)
            return message

    async def work(self, message: int) -> None:
        """What a handler does; ``break_`` makes it raise."""
        if message % 4 == 1 and message < FOLLOW_UPS:
            self.send(next(self._follow_ups))
        loop = asyncio.get_running_loop()
        self._breaks[message] = future = loop.create_future()
        timer = loop.call_later(TAKES, lambda: future.done() or future.set_result(None))
        try:
            await future
        finally:
            timer.cancel()
            del self._breaks[message]
        if message % 10 == 6:
            raise Planned(message)

    def break_(self) -> None:
        """Makes the handler that has waited the longest raise."""
        future = next(iter(self._breaks.values()), None)
        if future is not None and not future.done():
            future.set_exception(Planned("broken"))
            future.exception()

    def cancel_a_handler(self) -> None:
        """Cancels the task in which the last message is being handled, as a third party would."""
        for task in [*self.in_hand.values()][-1:]:
            if task is not None:
                task.cancel()

    async def bury(self, message: int, _error: BaseException, _attempts: int) -> None:
        """Is the dead-letter hook; it raises now and then."""
        await asyncio.sleep(TAKES / 2)
        self.settle("dead", message)
        if message % 20 == 6:
            raise Planned(f"the hook, for {message}")

    async def take_back(self, messages: Sequence[int]) -> None:
        """Takes what was left, if it is given the time."""
        fate = "dropped"
        try:
            await asyncio.sleep(TAKES)
            fate = "returned"
        finally:
            for message in messages:
                self.settle(fate, message)

    def pause(self) -> None:
        """Pauses the mailbox for a while."""
        self.mailbox.pause()
        self._pauses.append(self.sim.loop.call_later(2 * TAKES, self.mailbox.resume))

    def check_at_the_end(self) -> None:
        """Asserts the same when all is over, and the pauses too."""
        for pause in self._pauses:
            pause.cancel()
        super().check_at_the_end()


def faults_of_handlers(sim: Simulation, *ledgers: Traffic) -> None:
    """Offers, for each ledger: a handler that raises or is cancelled, and a pause."""
    for ledger in ledgers:
        sim.offer(f"break {ledger.name}handler", ledger.break_)
        sim.offer(f"cancel {ledger.name}handler", ledger.cancel_a_handler)
        sim.offer(f"pause {ledger.name}", ledger.pause)


def assert_recorded(account: Any) -> None:
    """Asserts that the account of a record or an event adds up."""
    assert Account(**account).adds_up, account


Maker = Callable[[Traffic], QueueConsumer[int]]


def variant_of(sim: Simulation) -> int:
    """Returns the setting of a run: a limit or none, time enough to drain or too little."""
    return (VARIANT + sim.seed) % 4


def options(ledger: Traffic) -> dict:
    """Returns what all consumers here have in common: a grace that may be too short."""
    grace = (100, 2.5)[variant_of(ledger.sim) // 2] * TAKES
    return {"name": "consumer", "mailbox": ledger.mailbox, "stopping_grace_period": grace}


async def lives(sim: Simulation, make: Maker, **about: object) -> None:
    """Has several consumers of a kind live one after the other, and looks at every step."""
    mailbox: Mailbox[int] = Mailbox(maxsize=(3, 0)[variant_of(sim) % 2])
    ledger = Traffic(sim, mailbox, **about)  # type: ignore[arg-type]
    faults_of_handlers(sim, ledger)
    accounted: list[WorkerEvent] = []
    with checked_at_every_step(sim, ledger):
        for life in range(LIVES):
            consumer = make(ledger)
            consumer.cancel_period = 2 * TAKES
            consumer.on_undelivered = ledger.take_back  # type: ignore[method-assign]
            consumer.subscribe(accounted.append)
            faults_of(sim, consumer)
            ledger.feed(life, SIZE)
            await end_of(consumer.startup())
            await asyncio.sleep(4 * TAKES)
            assert_recorded((await consumer.status())["messages"])
            await stop_at_last(consumer)
            if consumer.has_started():
                assert_recorded(consumer.worker_exit.account)
        await ledger.no_longer_wait()
        await asyncio.sleep(10)  # those that are left alone end by themselves
    ledger.check_at_the_end()
    for event in accounted:
        if isinstance(event, MessagesAccounted):
            assert_recorded(event.account)
    TOTALS["runs"] += 1
    sim.sometimes("something was dead", bool(ledger.dead))
    sim.sometimes("something was returned", bool(ledger.returned))
