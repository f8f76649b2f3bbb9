"""mode: ``@Service.timer(0.2)`` around work that takes 0.1 seconds.

The documentation has it as a "background timer executing every ``n`` seconds".
"""

from __future__ import annotations

import asyncio
import json
import time

from mode import Service


class Timed(Service):
    """Writes down when it is called."""

    def __post_init__(self) -> None:
        self.calls: list[float] = []

    @Service.timer(0.2)
    async def work(self) -> None:
        self.calls.append(time.monotonic())
        await asyncio.sleep(0.1)


async def observe() -> dict[str, object]:
    service = Timed()
    await service.start()
    await asyncio.sleep(2)
    await service.stop()
    period = (service.calls[-1] - service.calls[0]) / (len(service.calls) - 1)
    return {
        "expected": "a call every 0.200 s",
        "observed": f"a call every {period:.3f} s",
        "as_expected": 0.19 < period < 0.21,
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(observe())))
