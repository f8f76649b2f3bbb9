"""Says hello twice a second until it is told to stop: the smallest worker.

Run it, and press Ctrl-C when you have seen enough::

    $ fluid run examples.hello:Hello
    10:15:00 INFO     worker hello is ready
    hello 1
    hello 2
    ^C
    10:15:01 INFO     SIGINT: hello is to stop; a second signal takes away its grace
    10:15:01 INFO     worker hello is stopping; at most 17.0 seconds
    goodbye, after 2 hellos
    10:15:01 INFO     worker hello stopped after 1.0 seconds (normal shutdown)
    $ echo $?
    0

fluid makes the worker of the class, takes the signals, and writes the log to stderr. It knows
nothing of hellos: what the worker is, is in its three methods, each of which may be left out.
"""

from __future__ import annotations

from fluid import Worker


class Hello(Worker):
    """Counts the hellos that it says."""

    async def on_startup(self) -> None:
        self.said = 0

    async def run(self) -> None:
        while await self.sleep(0.5):  # False as soon as a stop is asked for
            self.said += 1
            print("hello", self.said)

    async def on_shutdown(self) -> None:
        print("goodbye, after", self.said, "hellos")
