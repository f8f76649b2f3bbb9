"""Three stages that feed each other, and a stop in the middle: nothing is lost on the way.

A reader hands lines to a parser, and that hands measurements to a store. The store is slow, so the
mailboxes before it are full, and the others wait for room. The stop comes while all are busy::

    $ python -m examples.pipeline
    ...
    before the stop, parser: 17 accepted, 10 handled, 3 dead, 3 queued, 1 in_hand
    before the stop, store: 10 accepted, 5 handled, 4 queued, 1 in_hand
    ...
    after the stop, parser: 17 accepted, 13 handled, 4 dead
    after the stop, store: 13 accepted, 13 handled

The reader ends first and the store last, each when nobody feeds it any more, so both accounts add
up. The dead are lines that are no measurements. What is left out above is what is said of each: a
warning of fluid's, with the error, and a line of ``bury()``.
"""

from __future__ import annotations

import asyncio
from itertools import cycle

from fluid import Account, Pipeline, QueueConsumerWorker, Worker

LINES = ("kitchen 20.5", "cellar 12.0", "attic ?", "garden 3.5")
"""What the thermometers say, over and over; one of them is broken."""


class Reader(Worker):
    """Reads ten lines a second, as long as the parser has room for them."""

    def __init__(self, parser: QueueConsumerWorker[str]) -> None:
        super().__init__()
        self.parser = parser

    async def run(self) -> None:
        for line in cycle(LINES):
            await self.parser.put(line)  # waits while the parser is full
            if not await self.sleep(0.1):
                return


async def bury(line: str, _error: BaseException, _attempts: int) -> None:
    """Takes each line that cannot be parsed; elsewhere this is a file, or a table."""
    print(f"buried {line!r}")


async def save(_place: str, _degrees: float) -> None:
    """Stands in for a database that needs its time."""
    await asyncio.sleep(0.3)


class Thermometers:
    """The three stages, with what each hands to the next."""

    def __init__(self) -> None:
        self.parser = QueueConsumerWorker(self.parse, name="parser", maxsize=4, on_dead_letter=bury)
        self.store = QueueConsumerWorker(self.keep, name="store", maxsize=4)
        self.pipeline = Pipeline(Reader(self.parser), self.parser, self.store, name="app")

    async def parse(self, line: str) -> None:
        place, degrees = line.split()
        await self.store.put((place, float(degrees)))

    async def keep(self, measurement: tuple[str, float]) -> None:
        await save(*measurement)


def told(account: Account) -> str:
    """Returns an account in words, without the columns that are 0."""
    return ", ".join(f"{number} {name}" for name, number in account._asdict().items() if number)


async def main() -> None:
    thermometers = Thermometers()
    parser, store = thermometers.parser, thermometers.store
    async with thermometers.pipeline:
        await asyncio.sleep(1.65)
        for stage in parser, store:
            print(f"before the stop, {stage.worker_name}: {told(stage.worker_mailbox.account())}")
    for stage in parser, store:
        print(f"after the stop, {stage.worker_name}: {told(stage.worker_mailbox.account())}")


if __name__ == "__main__":
    asyncio.run(main())
