"""Generated programs on stock asyncio and on this kit's loops, event by event.

    python -m tests.testing.differential 10000

compares so many, and says what it has compared. The stock loop is asyncio's own, on a selector that
moves a clock instead of waiting.
"""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Callable, Iterable
from functools import partial
from itertools import zip_longest
from selectors import SelectSelector
from typing import Any

import fluid.testing
from fluid.testing import Policy, Schedule
from fluid.testing.schedules.simulate import prepared, simulate
from tests.testing.programs import FAR, Log, program_of


class ClockSelector(SelectSelector):
    """Moves a clock to the end of each wait, and reports nothing."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise AssertionError("the program waits for what never comes")
        self.now += timeout
        return []


def stock_loop() -> asyncio.AbstractEventLoop:
    """Returns asyncio's own loop, on that clock."""
    selector = ClockSelector()
    loop = asyncio.SelectorEventLoop(selector)
    loop.time = lambda: selector.now  # type: ignore[method-assign]
    return loop


def on_stock(seed: int, timed: bool) -> Log:
    """Runs a program on asyncio's own loop."""
    log: Log = []
    with asyncio.Runner(loop_factory=stock_loop) as runner:
        runner.run(program_of(seed, timed, log)())
    return log


def on_virtual(seed: int, timed: bool) -> Log:
    """Runs it with ``fluid.testing.run``."""
    log: Log = []
    fluid.testing.run(program_of(seed, timed, log), leaks="ignore", horizon=100 * FAR)
    return log


def on_explored(policy: Policy, seed: int, timed: bool) -> Log:
    """Runs it under a policy that makes FIFO's choices and no others."""
    log: Log = []
    conditions = fluid.testing.Conditions(leaks="ignore", horizon=100 * FAR)
    plain = Schedule(policy, seed, choices=())
    error = simulate(prepared(program_of(seed, timed, log)), plain, conditions).error
    assert error is None, error
    return log


KIT: dict[str, Callable[[int, bool], Log]] = {
    "fluid.testing.run": on_virtual,
    **{f"the policy {policy}": partial(on_explored, policy) for policy in Policy},
}
"""What is compared with asyncio."""


def compare(seed: int, names: Iterable[str] = KIT) -> int:
    """Compares one program; every second has timers. Returns how many events were compared.

    Raises:
        AssertionError: If it goes two ways, with the seed of the program.
    """
    timed = seed % 2 == 1
    stock = on_stock(seed, timed)
    for name in names:
        log = KIT[name](seed, timed)
        assert log == stock, f"program {seed} differs under {name}:\n{parting(stock, log)}"
    return len(stock)


def parting(stock: Log, other: Log) -> str:
    """Returns the entries around the one where two logs part."""
    pairs = enumerate(zip_longest(stock, other))
    at = next(number for number, (one, another) in pairs if one != another)
    before = "".join(f"  both:    {entry}\n" for entry in stock[max(at - 3, 0) : at])
    return f"{before}  asyncio: {stock[at : at + 1]}\n  here:    {other[at : at + 1]}"


if __name__ == "__main__":
    count, events = int(sys.argv[1]) if sys.argv[1:] else 10_000, 0
    for seed in range(count):
        events += compare(seed)
        if seed % 100 == 0:
            gc.collect()  # asyncio.all_tasks() looks at every task that was not collected yet
    print(f"{count:,} programs of {events:,} events: asyncio, {', '.join(KIT)} agree")
