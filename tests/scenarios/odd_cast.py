"""What the scenarios of how pools end share: a pool whose messages say what becomes of them."""

from __future__ import annotations

import asyncio
from math import inf
from typing import Any

from tests.scenarios.pool_cast import Pooled, options_of
from tests.worker.fakes import deaf_to
from tests.worker.group_cast import end_of


class Odd(Pooled):
    """A pool whose messages say what becomes of them."""

    async def on_message(self, message: str) -> None:
        self.books.began.append(message)
        match message.split("-"):
            case ["bad", seconds]:
                await asyncio.sleep(float(seconds))
                raise ValueError(message)
            case ["tidy", seconds]:
                try:
                    await asyncio.sleep(inf)
                finally:
                    await asyncio.sleep(float(seconds))
            case ["worse", _]:
                try:
                    await asyncio.sleep(inf)
                finally:
                    raise OSError(message)
            case ["deaf", cancels]:
                await deaf_to(float(cancels))(self)
            case ["long", _]:
                await asyncio.sleep(inf)


def patient(kind: str) -> dict[str, Any]:
    """Returns the options of a kind of pool, with a time limit of hours if any, and many keys."""
    options = options_of(kind)
    limit = 9000 if "handler_timeout" in options else None
    return {**options, "handler_timeout": limit, "key": str if "key" in options else None}


async def ended(pool: Odd, messages: str) -> BaseException | None:
    """Gives a pool messages at once, and waits for its end."""
    await pool.startup()
    pool.send_all(messages)
    return await end_of(pool.wait_for_shutdown())
