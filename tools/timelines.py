"""Draws the pictures of docs/timers.md: what becomes of each fire, under each policy.

Nothing in them is drawn by hand. A periodic worker runs on the virtual clock, and what it did is
drawn as SVG, in tones that can be read on light and on dark paper. The same code draws the same
bytes, so a test can compare them with what is in docs/timers/.

Usage: ``python -m tools.timelines``, in the root of the project.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import NamedTuple, cast

from fluid import Fire, Missed, Overlap, PeriodicWorker, every
from fluid.testing import VirtualLoop, run

FOLDER = Path(__file__).parent.parent / "docs/timers"

PERIOD = 1.0
"""Seconds from fire to fire, in all pictures."""

LONG = 2.4
"""Seconds that a call takes where calls overlap."""

SHORT = 0.14
"""And where they do not."""

WINDOW = 7.8
"""Seconds that a picture shows."""

ASLEEP = 2.3
"""When the machine is suspended."""

SLEEP = 3.55
"""Seconds for which it is."""


class Call(NamedTuple):
    """One call of the function, in seconds since the start."""

    number: int
    due: float
    begin: float
    end: float


class Timeline(NamedTuple):
    """What happened."""

    policy: Overlap | Missed
    calls: list[Call]

    @property
    def left_out(self) -> list[float]:
        """The instants at which a fire was due that was never called."""
        called = {call.due for call in self.calls}
        first, number = min(called), int((WINDOW - min(called)) / PERIOD) + 1
        return [due for n in range(number) if (due := first + n * PERIOD) not in called]


PICTURES: dict[str, Overlap | Missed] = {
    "overlap-skip": Overlap.SKIP,
    "overlap-queue-one": Overlap.QUEUE_ONE,
    "overlap-concurrent": Overlap.concurrent(2),
    "missed-once": Missed.ONCE,
    "missed-skip": Missed.SKIP,
    "missed-all": Missed.all(3),
}
"""The policy that each shows, by the name of its file."""


def main(folder: Path = FOLDER) -> None:
    for name, picture in pictures():
        (folder / f"{name}.svg").write_text(picture, encoding="utf-8")
        print(folder / f"{name}.svg")


def pictures() -> Iterator[tuple[str, str]]:
    """Yields each picture after its name."""
    for name, policy in PICTURES.items():
        yield name, "".join(f"{line}\n" for line in draw(record(policy)))


# --- what happens --------------------------------------------------------------------------------


def record(policy: Overlap | Missed) -> Timeline:
    """Runs a worker with that policy, and returns what it did."""
    return run(_overlapping(policy) if isinstance(policy, Overlap) else _suspended(policy))


async def _overlapping(policy: Overlap) -> Timeline:
    calls: list[Call] = []
    async with PeriodicWorker(_noting(calls, LONG), every(PERIOD), overlap=policy):
        await asyncio.sleep(WINDOW)
    return Timeline(policy, sorted(calls))


async def _suspended(policy: Missed) -> Timeline:
    calls: list[Call] = []
    cast("VirtualLoop", asyncio.get_running_loop()).wall.suspend(SLEEP, at=ASLEEP)
    by_time_of_day = every(PERIOD, first="aligned")
    async with PeriodicWorker(_noting(calls, SHORT), by_time_of_day, missed=policy):
        await asyncio.sleep(WINDOW - SLEEP)
    return Timeline(policy, sorted(calls))


def _noting(calls: list[Call], takes: float) -> Callable[[Fire], Awaitable[None]]:
    """Returns a function that takes its time, and notes each call by the time of day."""
    loop = cast("VirtualLoop", asyncio.get_running_loop())
    start = loop.wall_time()

    async def note(fire: Fire) -> None:
        begin = loop.wall_time()
        await asyncio.sleep(takes)
        seconds = (fire.due.timestamp(), begin, loop.wall_time())
        calls.append(Call(fire.number, *(round(second - start, 6) for second in seconds)))

    return note


# --- how it is drawn -----------------------------------------------------------------------------

INK, BLUE, AMBER = "#7a7a7a", "#2f7fc1", "#c27a16"
"""Tones that are dark enough for white paper, and light enough for black."""

LEFT, TOP, SCALE, LANE, BAR = 80, 74, 74, 28, 22
"""Pixels: the margin, the first lane, a second, a lane, and a bar in it."""

DUES = 50
"""How far down the dues are."""


def draw(timeline: Timeline) -> Iterator[str]:
    """Yields the lines of a picture."""
    lanes = list(_lanes(timeline.calls))
    bottom = TOP + LANE * (max(lanes) + 1) + 2
    width, height = round(_x(WINDOW)) + 16, bottom + 26
    left_out = "skipped" if isinstance(timeline.policy, Overlap) else "missed"
    situation = (
        f"every {PERIOD:g} s, and each call takes {LONG:g} s"
        if isinstance(timeline.policy, Overlap)
        else f"every {PERIOD:g} s by the time of day; the machine was suspended"
    )
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" role="img" font-family="system-ui, sans-serif" font-size="13" '
        f'fill="{INK}">'
    )
    yield f"<title>{timeline.policy!r}: {situation}</title>"
    if any(call.end > WINDOW for call in timeline.calls):
        yield from _fading()
    yield (
        f'<text x="8" y="19"><tspan font-weight="bold">{timeline.policy!r}</tspan>'
        f'<tspan dx="10">{situation}</tspan></text>'
    )
    yield from _legend(width, left_out)
    yield f'<text x="8" y="{DUES + 4}">due</text>'
    yield f'<text x="8" y="{TOP + 15}">calls</text>'
    if isinstance(timeline.policy, Missed):
        yield from _asleep(bottom)
    for due in timeline.left_out:
        yield _due(due, called=False)
    for call, lane in zip(timeline.calls, lanes, strict=True):
        yield from _call(call, TOP + lane * LANE)
    yield from _axis(bottom)
    yield "</svg>"


def _x(seconds: float) -> float:
    return round(LEFT + seconds * SCALE, 1)


def _lanes(calls: list[Call]) -> Iterator[int]:
    """Yields the first lane that is free for each call."""
    ends: list[float] = []
    for call in calls:
        free = [lane for lane, end in enumerate(ends) if end <= call.begin]
        lane = free[0] if free else len(ends)
        ends[lane : lane + 1] = [call.end]
        yield lane


def _legend(width: int, left_out: str) -> Iterator[str]:
    x = width - 150
    yield f'<circle cx="{x}" cy="15" r="5" fill="{BLUE}"/><text x="{x + 10}" y="19">called</text>'
    x += 68
    yield _ring(x, 15) + f'<text x="{x + 10}" y="19">{left_out}</text>'


def _ring(x: float, y: float) -> str:
    return f'<circle cx="{x}" cy="{y}" r="4.2" fill="none" stroke="{AMBER}" stroke-width="1.6"/>'


def _due(due: float, *, called: bool) -> str:
    x = _x(due)
    return f'<circle cx="{x}" cy="{DUES}" r="5" fill="{BLUE}"/>' if called else _ring(x, DUES)


def _call(call: Call, y: int) -> Iterator[str]:
    """Yields when it was due, the call, and the way between them, which is slanted if it waited."""
    yield _due(call.due, called=True)
    x, end = _x(call.begin), min(_x(call.end), _x(WINDOW))
    yield f'<path d="M{_x(call.due)} {DUES}L{x} {y}" stroke="{BLUE}" stroke-width="1.4"/>'
    fill, width = "url(#on)" if call.end > WINDOW else BLUE, round(end - x - 1, 1)
    yield f'<rect x="{x - 1}" y="{y}" width="{width}" height="{BAR}" rx="3" fill="{fill}"/>'
    yield (
        f'<text x="{x - 1 + width / 2:.1f}" y="{y + 15}" text-anchor="middle" font-size="11" '
        f'fill="#fff">{call.number}</text>'
    )


def _fading() -> Iterator[str]:
    """Yields the colour of a call that goes on beyond the picture."""
    begin, end = _x(WINDOW - 0.15), _x(WINDOW)
    yield f'<linearGradient id="on" gradientUnits="userSpaceOnUse" x1="{begin}" x2="{end}">'
    yield f'<stop stop-color="{BLUE}"/><stop offset="1" stop-color="{BLUE}" stop-opacity="0"/>'
    yield "</linearGradient>"


def _asleep(bottom: int) -> Iterator[str]:
    """Yields the time for which the machine was suspended."""
    x, width = _x(ASLEEP), round(SLEEP * SCALE, 1)
    top = DUES - 14
    yield (
        f'<rect x="{x}" y="{top}" width="{width}" height="{bottom - top}" fill="{INK}" '
        f'opacity="0.16"/>'
    )
    yield f'<text x="{x + width / 2:.1f}" y="{TOP + 15}" text-anchor="middle">suspended</text>'


def _axis(y: int) -> Iterator[str]:
    ticks = "".join(f"M{_x(second)} {y}v5" for second in range(int(WINDOW) + 1))
    yield f'<path d="M{_x(0)} {y}H{_x(WINDOW)}{ticks}" stroke="{INK}" fill="none"/>'
    yield f'<text x="8" y="{y + 19}">seconds</text>'
    for second in range(int(WINDOW) + 1):
        yield f'<text x="{_x(second)}" y="{y + 19}" text-anchor="middle">{second}</text>'


if __name__ == "__main__":
    main()
