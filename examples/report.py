"""A report at six on each working day, also after days for which the machine was off.

``fluid run examples.report:app`` runs it, and then there is not much to see before six. So the
program rehearses: here is its week on a clock that jumps, in some milliseconds::

    $ python -m examples.report
      report 1, due Fri 06:00 CET
    Friday 12:00
      report 2, due Mon 06:00 CEST
      report 3, due Tue 06:00 CEST
    Wednesday 01:00
      report 4, due Wed 06:00 CEST
    Thursday 01:00

The laptop was shut from Friday evening to Tuesday morning, and the clocks went forward in between.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from zoneinfo import ZoneInfo

from fluid import Fire, Missed, PeriodicWorker, Supervisor, cron
from fluid.testing import VirtualLoop
from fluid.testing import run as run_on_virtual_time

ZONE = "Europe/Berlin"
DAY = 86_400.0


class Report(PeriodicWorker):
    """Writes a report at six on each working day; of those that were missed, the last three."""

    schedule = cron("0 6 * * MON-FRI", tz=ZONE)
    missed = Missed.all(3)

    async def on_fire(self, fire: Fire) -> None:
        # From `due`, never from the present: the call may be late by days.
        print(f"  report {fire.number}, due {fire.due:%a %H:%M %Z}")


def app() -> Supervisor:
    """Returns what a process runs."""
    return Supervisor(Report, name="app")


async def rehearsal() -> None:
    """Runs it over the end of March 2026: a laptop is shut for a weekend, and longer."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    wall = loop.wall
    wall.set_zone(ZONE)
    wall.set(datetime(2026, 3, 26, 12, tzinfo=ZoneInfo(ZONE)))  # a Thursday
    wall.suspend(3.5 * DAY, at=1.25 * DAY)  # shut on Friday at six in the evening
    async with app():
        for _ in range(3):
            await asyncio.sleep(DAY)
            print(f"{wall.now():%A %H:%M}")


if __name__ == "__main__":
    run_on_virtual_time(rehearsal)
