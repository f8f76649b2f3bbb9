"""The kit's loops do what asyncio's does, event by event.

This is a sample; ``python -m tests.testing.differential 10000`` compares more.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from random import Random

import pytest

from fluid.testing import Simulation, VirtualLoop, explore
from tests.testing import differential

SAMPLE = 500


@pytest.fixture(autouse=True)
def collected() -> Iterator[None]:
    """Keeps dead tasks from adding up: asyncio.all_tasks() looks at every one of them."""
    yield
    gc.collect()


@pytest.mark.parametrize("first", range(0, SAMPLE, 200))
def test_generated_programs_go_as_on_stock_asyncio(first: int):
    for seed in range(first, first + 200):
        loops = list(differential.KIT)
        differential.compare(seed, [loops[seed // 2 % len(loops)]])


def test_generated_programs_do_all_that_they_can():
    said = {
        what.split(" ")[0]
        for seed in range(100)
        for _, _, what in differential.on_stock(seed, timed=True)
    }
    assert said >= {
        "begins", "ends", "callback", "lost", "got", "holds", "cancels", "timer", "timed", "caught",
        "gathered", "group", "first",
    }  # fmt: skip


def test_a_difference_is_told_with_the_seed_of_the_program(monkeypatch: pytest.MonkeyPatch):
    def last_in_first_out(self: VirtualLoop) -> None:
        self._ready.reverse()
        real(self)

    real = VirtualLoop._run_ready
    monkeypatch.setattr(VirtualLoop, "_run_ready", last_in_first_out)
    with pytest.raises(AssertionError) as caught:
        differential.compare(1, ["fluid.testing.run"])
    told = str(caught.value)
    assert told.startswith("program 1 differs under fluid.testing.run:\n")
    assert "\n  asyncio: [(" in told
    assert "\n  here:    [(" in told


# Programs whose result does not depend on the schedule


async def network(shape: int) -> list[int]:
    """Runs deterministic processes that share nothing but queues, and returns what comes out.

    Source: Kahn process networks, whose output is the same in whatever order the processes run.
    """
    random, layers = Random(f"network/{shape}"), (2, 3, 2)
    pipes = {
        (layer, source, target): asyncio.Queue[int](random.choice((0, 1, 3)))
        for layer in (1, 2)
        for source in range(layers[layer - 1])
        for target in range(layers[layer])
    }

    async def process(layer: int, me: int, delays: list[float]) -> int:
        inputs = [pipe for (to, _, target), pipe in pipes.items() if (to, target) == (layer, me)]
        outputs = [
            pipe for (to, source, _), pipe in pipes.items() if (to, source) == (layer + 1, me)
        ]
        state = me
        for number, delay in enumerate(delays):
            for pipe in inputs:
                state = state * 31 + await pipe.get()
            await asyncio.sleep(delay)
            for pipe in outputs:
                await pipe.put(state + number)
        return state

    return await asyncio.gather(
        *(
            process(layer, me, [random.choice((0, 0, 0.001, 0.5)) for _ in range(5)])
            for layer in range(3)
            for me in range(layers[layer])
        )
    )


def test_what_does_not_depend_on_the_order_is_the_same_in_every_schedule():
    shapes, expected = 20, list[list[int]]()
    for shape in range(shapes):
        with asyncio.Runner(loop_factory=differential.stock_loop) as runner:
            expected.append(runner.run(network(shape)))

    async def scenario(sim: Simulation) -> None:
        shape = sim.seed % shapes
        assert await network(shape) == expected[shape]

    assert explore(scenario, seeds=300, eager="both").schedules == 300
