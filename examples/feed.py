"""A feed that comes back: its connection breaks, its supervisor waits, and it connects again.

The exchange is a TCP server on the loopback. It hangs up after three prices, and on the next one
who connects at once, so the back-off grows. ``^C`` is Ctrl-C; a line ``...`` stands for lines that
are left out here, and an ellipsis for the rest of one::

    $ fluid run examples.feed:market
    10:15:00 INFO     worker market/exchange is ready
    10:15:00 INFO     worker market/feed is ready
    10:15:00 INFO     worker market is ready
    price 1
    price 2
    price 3
    10:15:00 INFO     worker market/feed has ended by itself; cleaning up
    10:15:00 ERROR    worker market/feed failed after 0.0 seconds (ConnectionError: no more prices)
    ...
    10:15:00 WARNING  worker market/feed will be restarted in 0.2 seconds (attempt 1), because …
    10:15:00 INFO     worker market/feed is ready
    10:15:00 INFO     worker market/feed has ended by itself; cleaning up
    10:15:00 ERROR    worker market/feed failed after 0.0 seconds (ConnectionError: no more prices)
    ...
    10:15:00 WARNING  worker market/feed will be restarted in 0.4 seconds (attempt 2), because …
    10:15:01 INFO     worker market/feed is ready
    price 4
    price 5
    price 6
    ^C
    10:15:01 INFO     SIGINT: market is to stop; a second signal takes away its grace
    10:15:01 INFO     worker market is stopping; at most 16.0 seconds
    10:15:01 INFO     worker market/feed is stopping; at most 8.0 seconds
    10:15:01 INFO     worker market/feed stopped after 0.0 seconds (normal shutdown)
    10:15:01 INFO     worker market/exchange is stopping; at most 8.0 seconds
    10:15:01 INFO     worker market/exchange stopped after 0.7 seconds (normal shutdown)
    10:15:01 INFO     worker market stopped after 0.7 seconds (normal shutdown)

What is behind the second ``...`` are tracebacks, one for each crash. There is no loop in the feed
that connects again: it only says what is wrong, by an exception, and is made anew.
"""

from __future__ import annotations

import asyncio
from itertools import count

from fluid import Backoff, Supervisor, Worker

HOST = "127.0.0.1"
GRACE = 1.0
"""Seconds to end by oneself at a stop: neither of the two has anything to finish."""

BROKEN = (3, 0)
"""How many prices the first and the second one who connect are told before it hangs up."""


class Exchange(Worker):
    """Stands in for the other side: tells prices, and breaks connections.

    The server belongs to the worker's exit stack, which closes it, however the worker ends.
    """

    def __init__(self) -> None:
        super().__init__(stopping_grace_period=GRACE)

    async def on_startup(self) -> None:
        self.prices = count(1)
        self.broken = iter(BROKEN)
        server = await asyncio.start_server(self.tell, HOST, 0)
        self.worker_exit_stack.callback(server.close)
        self.port: int = server.sockets[0].getsockname()[1]

    async def run(self) -> None:
        await self.wait_or_stop(asyncio.Event().wait())

    async def tell(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serves one who has connected."""
        prices = next(self.broken, None)
        for _price in range(3 if prices is None else prices):
            writer.write(f"{next(self.prices)}\n".encode())
        if prices is None:
            await reader.read()  # until the other side hangs up
        writer.close()


class Feed(Worker):
    """Reads prices, line by line, until the connection breaks or a stop is asked for."""

    def __init__(self, exchange: Exchange) -> None:
        super().__init__(stopping_grace_period=GRACE)
        self.exchange = exchange

    async def on_startup(self) -> None:
        self.reader, writer = await asyncio.open_connection(HOST, self.exchange.port)
        self.worker_exit_stack.callback(writer.close)

    async def run(self) -> None:
        while (line := await self.wait_or_stop(self.reader.readline())) is not None:
            if not line:
                raise ConnectionError("no more prices")
            print("price", line.decode().rstrip())


def market() -> Supervisor:
    """Returns the exchange, and the feed that is made anew whenever it has failed."""
    exchange = Exchange()
    return Supervisor(
        exchange,
        lambda: Feed(exchange),
        name="market",
        backoff=Backoff(initial=0.2, factor=2, maximum=30),
        max_restarts=10,  # the waits before them take about a minute and a half,
        period=300,  # so a longer outage is not mended by waiting: the process ends, and says so
    )
