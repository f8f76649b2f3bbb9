"""Pipelines: each stage drains into the next one, and what the first has accepted is not lost."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from fluid import (
    BatchConsumer,
    ConsumerClosed,
    Pipeline,
    QueueConsumerWorker,
    Worker,
    WorkerState,
)
from fluid.events import WorkerEnded, WorkerEvent, WorkerStopping
from fluid.testing import Simulation
from tests.exploring import explored
from tests.scenarios.cast import Planned, Watch, faults_of
from tests.scenarios.drain_cast import account_of
from tests.worker.fakes import now
from tests.worker.group_cast import end_of

STAGES = ("source", "middle", "sink")


class Stage(QueueConsumerWorker[int]):
    """Takes its time with a message, and puts it into the next stage if there is one."""

    def __init__(self, takes: float = 0.0, following: Worker | None = None, **options) -> None:
        super().__init__(self.pass_on, **options)
        self.takes, self.following = takes, following
        self.fails_with: int | None = None
        self.handled: list[int] = []
        self.dead: list[int] = []
        self.left: list[int] = []

    async def pass_on(self, message: int) -> None:
        try:
            await asyncio.sleep(self.takes)
            if message == self.fails_with:
                raise Planned
            if self.following is not None:
                await self.following.put(message)
        except (Planned, ConsumerClosed):
            self.dead.append(message)
            raise
        self.handled.append(message)

    async def on_undelivered(self, messages: Sequence[int]) -> None:
        self.left.extend(messages)


class Store(BatchConsumer[int]):
    """Takes its time with a batch, and keeps it."""

    def __init__(self, takes: float = 0.0, **options) -> None:
        super().__init__(self.store, **options)
        self.takes = takes
        self.handled: list[int] = []
        self.left: list[int] = []

    async def store(self, messages: list[int]) -> None:
        await asyncio.sleep(self.takes)
        self.handled.extend(messages)

    async def on_undelivered(self, messages: Sequence[int]) -> None:
        self.left.extend(messages)


def stages_of(takes: float = 0.01, **options) -> list[Stage]:
    """Returns three stages, the source first."""
    sink = Stage(takes, name="sink", **options)
    middle = Stage(takes, sink, name="middle", **options)
    return [Stage(takes, middle, name="source", **options), middle, sink]


@pytest.mark.parametrize("maxsize", [0, 1, 7])
async def test_all_that_the_source_has_accepted_gets_to_the_sink(maxsize: int) -> None:
    """U05"""
    stages = stages_of(maxsize=maxsize)
    async with Pipeline(*stages):
        for number in range(50):
            await stages[0].put(number)
    for stage in stages:
        assert stage.handled == list(range(50))
        assert account_of(stage) == {"accepted": 50, "handled": 50}


async def test_a_pool_between_two_others_loses_nothing_either() -> None:
    """U05"""
    store = Store(0.05, name="store", size=5, age=0.1, maxsize=5)
    pool = Stage(0.1, store, name="pool", concurrency=8, maxsize=2)
    source = Stage(0.001, pool, name="source", maxsize=3)
    async with Pipeline(source, pool, store):
        for number in range(50):
            await source.put(number)
    assert source.handled == list(range(50))
    assert sorted(store.handled) == list(range(50))
    assert account_of(store) == {"accepted": 50, "handled": 50}


async def test_each_stage_is_asked_to_stop_when_the_one_before_it_has_ended() -> None:
    """U05"""
    stages = stages_of(0.1)
    log: list[tuple[type[WorkerEvent], str]] = []
    pipeline = Pipeline(*stages, name="pipeline")
    pipeline.subscribe(lambda event: log.append((type(event), event.path)))
    async with pipeline:
        for number in range(10):
            stages[0].send(number)
    order = [
        (kind.__name__ if kind is WorkerStopping else "WorkerEnded", path.rpartition("/")[2])
        for kind, path in log
        if kind is WorkerStopping or issubclass(kind, WorkerEnded)
    ]
    assert order == [
        ("WorkerStopping", "pipeline"),
        *((what, name) for name in STAGES for what in ("WorkerStopping", "WorkerEnded")),
        ("WorkerEnded", "pipeline"),
    ]
    assert now() == pytest.approx(1.2)


async def test_the_source_is_closed_at_once_and_the_others_only_when_nobody_feeds_them() -> None:
    """U05"""
    stages = stages_of(1)
    pipeline = Pipeline(*stages)
    await pipeline.startup()
    for number in range(3):
        stages[0].send(number)
    pipeline.gracefully_stop()
    await asyncio.sleep(0.5)
    with pytest.raises(ConsumerClosed):
        stages[0].send(3)
    stages[2].send(100)
    await pipeline.wait_for_shutdown()
    assert stages[2].handled == [100, 0, 1, 2]


async def test_a_stage_whose_time_is_over_hands_back_and_the_following_ones_still_drain() -> None:
    """U05, U02"""
    stages = stages_of(1, stopping_grace_period=3.5)
    pipeline = Pipeline(*stages)
    async with pipeline:
        for number in range(10):
            stages[0].send(number)
    source, middle, sink = stages
    assert source.handled == [0, 1, 2]
    assert source.left == list(range(3, 10))
    assert middle.handled == sink.handled == [0, 1, 2]
    assert source.worker_state is WorkerState.FORCE_STOPPED
    assert sink.worker_state is WorkerState.STOPPED


async def test_a_paused_stage_hands_back_what_it_has_and_the_one_before_it_goes_on() -> None:
    """U05, U10"""
    stages = stages_of(0.01)
    async with Pipeline(*stages):
        stages[1].pause()
        for number in range(5):
            stages[0].send(number)
        await asyncio.sleep(1)
    source, middle, sink = stages
    assert source.handled == middle.left == list(range(5))
    assert sink.handled == []


@pytest.mark.parametrize("failing", STAGES)
async def test_when_a_stage_fails_each_message_is_where_it_was_or_one_further(failing: str) -> None:
    """U05"""
    stages = stages_of(0.01, maxsize=2)
    stages[STAGES.index(failing)].fails_with = 5
    pipeline = Pipeline(*stages)
    accepted: list[int] = []

    async def feed() -> None:
        try:
            for number in range(20):
                await stages[0].put(number)
                accepted.append(number)
        except ConsumerClosed:
            pass

    producer = asyncio.ensure_future(feed())
    await pipeline.startup()
    with pytest.raises(Planned):
        await pipeline.wait_for_shutdown()
    await producer
    sink = stages[-1]
    settled = [number for stage in stages for number in (*stage.dead, *stage.left)]
    assert sorted([*sink.handled, *settled]) == accepted
    assert 5 in settled
    for stage in stages:
        assert account_of(stage).get("dead", 0) == len(stage.dead)


@explored(faults="offered", seeds=20)
async def test_what_leaves_one_stage_has_reached_the_next_whatever_strikes(
    sim: Simulation,
) -> None:
    """U05"""
    stages = stages_of(0.01, maxsize=1)
    pipeline = Pipeline(*stages, name="pipeline")
    watch = Watch(pipeline)
    faults_of(sim, pipeline)
    accepted: list[int] = []

    async def feed() -> None:
        try:
            for number in range(8):
                await stages[0].put(number)
                accepted.append(number)
        except ConsumerClosed:
            pass

    producer = asyncio.ensure_future(feed())
    await end_of(pipeline.startup())
    await asyncio.sleep(0.04)
    await end_of(pipeline.shutdown())
    await producer
    watch.assert_it_ended_well()
    source, middle, sink = stages
    assert account_of(source).get("accepted", 0) == len(accepted)
    assert account_of(middle).get("accepted", 0) == len(source.handled)
    assert account_of(sink).get("accepted", 0) == len(middle.handled)
    settled = [n for stage in stages for n in (*stage.dead, *stage.left)]
    waiting = [n for stage in stages for n in stage.worker_mailbox.messages]
    assert sorted([*sink.handled, *settled, *waiting]) == accepted
    sim.sometimes("all went through", len(sink.handled) == len(accepted) > 2)
    sim.sometimes("something was handed back", any(stage.left for stage in stages))
