"""mode: a background task sees that it has to stop, and puts its work away for 0.1 seconds.

The loop is the one of the documentation, "a background task that keeps running". Beside it is a
task that ignores its cancellation for a second.
"""

from __future__ import annotations

import asyncio
import json
import time

from mode import Service


class Careful(Service):
    """Needs a moment at its end."""

    was_put_away = False

    @Service.task
    async def work(self) -> None:
        while not self.should_stop:
            await self.sleep(1.0)
        await asyncio.sleep(0.1)
        self.was_put_away = True


class Deaf(Service):
    """Ignores its cancellation for a second."""

    @Service.task
    async def work(self) -> None:
        until = time.monotonic() + 1.1
        while (left := until - time.monotonic()) > 0:
            try:
                await asyncio.sleep(left)
            except asyncio.CancelledError:
                continue


async def observe() -> dict[str, object]:
    careful, deaf = Careful(), Deaf()
    await careful.start()
    await deaf.start()
    await asyncio.sleep(0.1)
    await careful.stop()
    began = time.monotonic()
    await deaf.stop()
    seconds = time.monotonic() - began
    did = "was put away" if careful.was_put_away else "was cancelled at once"
    return {
        "expected": "it has a moment to put its work away, and the stop has a limit",
        "observed": f"the work {did}; a task deaf for 1 s is waited for, {seconds:.2f} s",
        "as_expected": careful.was_put_away and seconds < 0.9,
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(observe())))
