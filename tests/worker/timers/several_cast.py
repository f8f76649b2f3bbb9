"""A worker that fires several times at once, and what its calls may do."""

from __future__ import annotations

import asyncio
from math import inf
from typing import Any

from fluid import Overlap, every
from tests.worker.fakes import now
from tests.worker.group_cast import end_of
from tests.worker.timers.firing_cast import Ticker

THREE = Overlap.concurrent(3)
BOOM = "OSError('boom')"


class Several(Ticker):
    """Fires once a second, three at a time; what each call does is written down by its number."""

    schedule = every(1)
    overlap = THREE

    def __init__(self, *acts: Any, **options: Any) -> None:
        super().__init__(self.play, **options)
        self.acts = acts
        self.ends: list[tuple[int, str, float]] = []

    async def play(self, number: int) -> None:
        how = "returned"
        try:
            await self.acts[number - 1](self)
        except BaseException as error:
            how = type(error).__name__
            raise
        finally:
            self.ends.append((number, how, now()))


def fail_after(seconds: float, error: BaseException | None = None) -> Any:
    """Returns a call that fails when some time has passed."""

    async def act(_worker: object) -> None:
        await asyncio.sleep(seconds)
        raise OSError("boom") if error is None else error

    return act


def fail_when_cancelled(error: BaseException) -> Any:
    """Returns a call that fails when it is cancelled."""

    async def act(_worker: object) -> None:
        try:
            await asyncio.sleep(inf)
        finally:
            raise error

    return act


async def end_in_words(ticker: Ticker) -> str:
    """Starts a worker that ends by itself, and returns what its end has raised."""
    await ticker.startup()
    return repr(await end_of(ticker.wait_for_shutdown()))
