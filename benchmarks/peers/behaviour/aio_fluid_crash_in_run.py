"""aio-fluid: ``run()`` raises. What do those see who wait for it, or for its group, later?"""

from __future__ import annotations

import asyncio
import json

from fluid.utils.worker import Worker, Workers


class Crashing(Worker):
    """Fails after 0.1 seconds."""

    cleaned_up = False

    async def run(self) -> None:
        await asyncio.sleep(0.1)
        raise ConnectionError("no route")

    async def on_shutdown(self) -> None:
        self.cleaned_up = True


class App(Workers):
    """Keeps the reason for its end."""

    reason = ""

    def after_shutdown(self, reason: str, code: int) -> None:
        self.reason = reason


async def seen_by(worker: Worker) -> str:
    """Returns what a wait for the end of a worker raises."""
    try:
        await worker.wait_for_shutdown()
    except ConnectionError as error:
        return f"`{error!r}`"
    return "nothing"


async def observe() -> dict[str, object]:
    worker = Crashing()
    app = App(worker)
    await app.startup()
    await asyncio.sleep(0.6)
    seen = [await seen_by(worker), await seen_by(app)]
    await asyncio.sleep(0)
    return {
        "expected": "a wait raises the error, and `on_shutdown()` runs",
        "observed": (
            f"a wait for the worker raises {seen[0]}, for the group {seen[1]}; "
            f"the worker is {worker.worker_state.name}, the group's reason is {app.reason!r}, "
            f"`on_shutdown()` {'ran' if worker.cleaned_up else 'did not run'}"
        ),
        "as_expected": "nothing" not in seen and worker.cleaned_up,
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(observe())))
