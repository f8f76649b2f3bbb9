"""No message vanishes and none is handled twice: by message and by account, at every step.

One scenario for each kind of consumer. Here they run under a few seeds, each with up to two faults
somewhere; ``make conservation`` runs the same scenarios with every fault at every step, and then
seeds until a million messages have gone through.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial

from fluid import (
    AsyncConsumer,
    Backoff,
    BatchConsumer,
    ConsumerClosed,
    Mailbox,
    MessagesFailed,
    Pipeline,
    QueueConsumerWorker,
    RateLimit,
    Retry,
)
from fluid.dispatcher import AsyncDispatcher
from fluid.testing import Simulation
from tests.exploring import explored
from tests.scenarios import conservation_cast as cast
from tests.scenarios.cast import Planned, Watch, faults_of
from tests.scenarios.conservation_cast import TAKES, Traffic, lives, options
from tests.scenarios.ledger import TOTALS, checked_at_every_step
from tests.worker.group_cast import end_of

conserved = partial(explored, faults="offered")
"""A few seeds; each has up to two faults."""

SOON = Backoff(initial=TAKES, jitter=0.2, maximum=2 * TAKES)
TWICE = Retry(on=Planned, attempts=2, backoff=SOON, seed=0)
"""So that a retry may be due before the end of the grace, or after."""


@conserved()
async def test_a_plain_consumer_conserves_messages(sim: Simulation) -> None:
    """Q01, Q04, Q13"""
    await lives(sim, lambda ledger: QueueConsumerWorker(ledger.handle, **options(ledger)))


@conserved()
async def test_a_pool_conserves_messages(sim: Simulation) -> None:
    """Q01, Q04, Q05"""
    await lives(
        sim, lambda ledger: QueueConsumerWorker(ledger.handle, concurrency=3, **options(ledger))
    )


@conserved()
async def test_a_pool_with_keys_retries_and_dead_letters_conserves_messages(
    sim: Simulation,
) -> None:
    """Q01, Q02, Q03, Q06, Q07"""
    retry = Retry(Planned, 2, SOON, keeps_order=sim.random().random() < 0.5, seed=0)

    def key(message: int) -> int:
        if message % 20 == 13:
            raise Planned(f"no key for {message}")
        return message % 3

    await lives(
        sim,
        lambda ledger: QueueConsumerWorker(
            ledger.handle,
            concurrency=3,
            key=key,
            retry=retry,
            on_dead_letter=ledger.bury,
            **options(ledger),
        ),
        has_hook=True,
    )


@conserved()
async def test_a_pool_with_limits_conserves_messages(sim: Simulation) -> None:
    """Q01, Q10"""

    async def handle(ledger: Traffic, message: int) -> int:
        if message % 10 == 3:
            ledger.deaf.add(message)
        with ledger.hand(message):
            await ledger.work(message)
            await be_slow(message, 5 * TAKES if message % 5 == 3 else 0)
            ledger.settle("handled", message)
        return message

    async def be_slow(message: int, seconds: float) -> None:
        ends = sim.loop.time() + seconds
        while (left := ends - sim.loop.time()) > 0:
            try:
                await asyncio.sleep(left)
            except asyncio.CancelledError:
                if message % 10 != 3:
                    raise

    await lives(
        sim,
        lambda ledger: QueueConsumerWorker(
            partial(handle, ledger),
            concurrency=2,
            handler_timeout=2 * TAKES,
            rate_limit=RateLimit(2, per=TAKES, burst=2),
            retry=TWICE,
            on_dead_letter=ledger.bury,
            **options(ledger),
        ),
        has_hook=True,
        slack=3,
    )


@conserved()
async def test_a_batch_consumer_conserves_messages(sim: Simulation) -> None:
    """Q01, Q09"""

    async def handle(ledger: Traffic, batch: list[int]) -> None:
        with ledger.hand(*batch):
            await asyncio.sleep(TAKES)
            errors = {n: Planned(message) for n, message in enumerate(batch) if message % 10 == 6}
            for message in (batch[n] for n in errors):
                ledger.fail(message)
            for n, message in enumerate(batch):
                if n not in errors:
                    ledger.settle("handled", message)
            if errors:
                raise MessagesFailed(errors)

    await lives(
        sim,
        lambda ledger: BatchConsumer(
            partial(handle, ledger),
            size=3,
            age=TAKES,
            retry=TWICE,
            on_dead_letter=ledger.bury,
            **options(ledger),
        ),
        has_hook=True,
    )


class Numbers(AsyncDispatcher[int]):
    """Gives a number to two handlers at once, one of which takes longer and may fail."""

    def __init__(self, ledger: Traffic) -> None:
        super().__init__()
        self.ledger = ledger
        self.register_handler("number.slow", ledger.work)
        self.register_handler("number.quick", self._wait)

    def event_type(self, _message: int) -> str:
        return "number"

    async def _wait(self, _message: int) -> None:
        await asyncio.sleep(TAKES / 2)

    async def dispatch(self, message: int) -> None:
        with self.ledger.hand(message):
            try:
                await super().dispatch(message)
            except Planned:
                self.ledger.fail(message)
                raise
            self.ledger.settle("handled", message)


@conserved()
async def test_a_consumer_with_a_dispatcher_conserves_messages(sim: Simulation) -> None:
    """Q01, Q04"""
    await lives(sim, lambda ledger: AsyncConsumer(Numbers(ledger), **options(ledger)))


@conserved()
async def test_a_pipeline_of_three_conserves_messages(sim: Simulation) -> None:
    """U05"""
    source, middle, sink = (
        Traffic(sim, Mailbox(maxsize=maxsize), name=f"{name} ", has_hook=name == "middle")
        for name, maxsize in (("source", 3), ("middle", 2), ("sink", 4))
    )

    async def pass_on(mine: Traffic, following: Traffic, message: int) -> None:
        with mine.hand(message):
            try:
                await following.put(message)
            except ConsumerClosed:
                mine.fail(message)
                raise
            mine.settle("handled", message)

    async def store(batch: list[int]) -> None:
        with sink.hand(*batch):
            await asyncio.sleep(TAKES)
            for message in batch:
                sink.settle("handled", message)

    stages = [
        QueueConsumerWorker(
            partial(pass_on, source, middle), name="source", mailbox=source.mailbox
        ),
        QueueConsumerWorker(
            partial(pass_on, middle, sink),
            name="middle",
            mailbox=middle.mailbox,
            concurrency=2,
            key=lambda message: message % 2,
            on_dead_letter=middle.bury,
        ),
        BatchConsumer(store, name="sink", mailbox=sink.mailbox, size=3, age=TAKES),
    ]
    pipeline = Pipeline(*stages, name="pipeline")
    for stage, ledger in zip(stages, (source, middle, sink), strict=True):
        stage.on_undelivered = ledger.take_back  # type: ignore[method-assign]
        sim.offer(f"pause {ledger.name}", ledger.pause)
    watch = Watch(pipeline)
    faults_of(sim, pipeline)
    messages: Sequence[int] = range(2 * cast.SIZE)
    with checked_at_every_step(sim, source, middle, sink):
        producer = asyncio.ensure_future(source.deliver(messages))
        sim.offer("cancel the producer", producer.cancel)
        await end_of(pipeline.startup())
        await asyncio.sleep(2 * TAKES)
        await end_of(pipeline.shutdown())
        await asyncio.wait([producer])
        await asyncio.sleep(1)
    watch.assert_it_ended_well()
    for ledger in (source, middle, sink):
        ledger.check_at_the_end()
    assert source.handled == middle.accepted
    assert middle.handled == sink.accepted
    TOTALS["runs"] += 1
    sim.sometimes("all that was accepted went through", source.accepted == sink.handled)
    sim.sometimes("something was returned", bool(source.returned | middle.returned | sink.returned))
