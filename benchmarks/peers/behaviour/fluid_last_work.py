"""fluid: a worker sees that it has to stop, and puts its work away for 0.1 seconds.

Beside it is one that ignores its cancellation for a second, with shorter periods than the defaults.
"""

from __future__ import annotations

import asyncio
import json

from fluid import Worker


class Careful(Worker):
    """Needs a moment at its end."""

    was_put_away = False

    async def run(self) -> None:
        while await self.sleep(1.0):
            pass
        await asyncio.sleep(0.1)
        self.was_put_away = True


class Deaf(Worker):
    """Ignores its cancellation for a second."""

    cancel_period = 0.1

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + 1.1
        while (left := until - loop.time()) > 0:
            try:
                await asyncio.sleep(left)
            except asyncio.CancelledError:
                continue


async def observe() -> dict[str, object]:
    loop = asyncio.get_running_loop()
    careful, deaf = Careful(), Deaf(stopping_grace_period=0.2)
    await careful.startup()
    await deaf.startup()
    await asyncio.sleep(0.1)
    await careful.shutdown()
    began = loop.time()
    await deaf.shutdown()
    seconds = loop.time() - began
    await asyncio.sleep(1)  # the task of the deaf one has ended as well
    did = "was put away" if careful.was_put_away else "was cancelled at once"
    return {
        "expected": "it has a moment to put its work away, and the stop has a limit",
        "observed": f"the work {did}; a task deaf for 1 s is abandoned after {seconds:.2f} s",
        "as_expected": careful.was_put_away and seconds < 0.9,
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(observe())))
