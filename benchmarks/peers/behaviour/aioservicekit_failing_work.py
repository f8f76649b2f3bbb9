"""aioservicekit: a service whose work raises each time, for 0.3 seconds.

Its docstring says that the exception "will be caught, emitted via the ``on_error`` event, and the
loop will continue". Listened to is that event, as in its documentation.
"""

from __future__ import annotations

import asyncio
import json

from aioservicekit import Service


class Failing(Service):
    """Fails each time."""

    calls = 0

    async def __work__(self) -> None:
        self.calls += 1
        await asyncio.sleep(0)
        raise ConnectionError("no route")


async def observe() -> dict[str, object]:
    errors: list[BaseException] = []
    service = Failing()
    service.on_error.add_listener(errors.append)
    await service.start()
    await asyncio.sleep(0.3)
    service.stop()
    await service.wait()
    return {
        "expected": "a pause between two attempts",
        "observed": f"attempts in 0.3 s: {service.calls:,}; `on_error` was told of {len(errors):,}",
        "as_expected": service.calls < 100,
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(observe())))
