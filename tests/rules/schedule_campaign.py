"""Cron expressions against brute force, as many as there is time for; and all time zones.

    python -m tests.rules.schedule_campaign 100000

compares so many expressions, by chance, and then each change of each zone from 2000 to 2040. The
suite does the same with a few of them.
"""

from __future__ import annotations

import sys
from bisect import bisect_right
from collections.abc import Iterator
from random import Random
from time import perf_counter

from fluid import FluidValueError, cron
from fluid.rules.schedules.moment import Moment
from fluid.rules.schedules.schedule import Series
from fluid.rules.schedules.times import Times
from fluid.rules.schedules.zones import changes, zone_called
from tests.rules.schedule_cast import DAY, Fields, expression, fires, scan
from tests.rules.schedule_zone_cast import BEGIN, END, NAMES, Zone, zone_of

HOUR = 3600
SPANS = [HOUR, 6 * HOUR, *(days * DAY for days in (1, 5, 20, 100, 500, 2500, 15_000))]
ENOUGH = 8
"""Fires that make a period worth looking at."""


def series_of(text: str, zone: str) -> Times:
    """Returns what fluid makes of an expression, without what others may have asked before."""
    series = cron(text, tz=zone).series(Moment(0, 0))
    return Times(series.calendar, zone_called(zone, "zone"))


# --- expressions ----------------------------------------------------------------------------------


def check_expression(number: int) -> int:
    """Compares expression ``number``; returns how many fires were looked at, 0 if it has none."""
    random = Random(number)
    text, zone = expression(random), random.choice(["UTC", *NAMES])
    fields = Fields(text)
    try:
        series = series_of(text, zone)
    except FluidValueError:  # it may have no time at all, and that is all that can be wrong with it
        assert not any(fields.local_times(0, 50 * 366 * DAY)), text
        return 0
    begin = random.randrange(BEGIN, END - 366 * DAY)
    for span in SPANS:
        end = min(begin + span, END)
        expected = fires(fields, zone_of(zone), begin, end)
        if len(expected) >= ENOUGH:
            break
    check_series(series, expected, begin, end, random, f"{text} in {zone} from {begin}")
    return len(expected)


def check_series(
    series: Series, expected: list[int], begin: int, end: int, random: Random, case: str
) -> None:
    """Compares a series with its fires of a period: from one to the next, and at random."""
    at: float | None = begin
    for fire in expected[: 3 * ENOUGH]:
        assert at is not None
        at = series.after(at)
        assert at == fire, case
    marks = [begin, end, *random.choices(expected or [begin], k=4)]
    marks += [random.uniform(begin, end) for _ in range(4)]
    for _ in range(10):
        low, high = sorted(random.sample(marks, 2))
        between = expected[bisect_right(expected, low) : bisect_right(expected, high)]
        assert series.count(low, high) == len(between), (case, low, high)
        if between:
            assert series.after(low) == between[0], (case, low)
            assert series.newest(low, high) == between[-1], (case, low, high)
        elif high < end:
            following = series.after(low)
            assert following is None or following > high, (case, low)


# --- zones ----------------------------------------------------------------------------------------


def check_changes(name: str, begin: int = BEGIN, end: int = END) -> None:
    """Compares the changes that fluid finds in a period with those that the zone's file has."""
    zone = zone_called(name, "zone")
    expected = [change for change in zone_of(name).changes if begin < change <= end]
    assert list(changes(zone, begin, end)) == expected, name


def all_changes(names: list[str]) -> Iterator[tuple[str, int]]:
    """Yields each change of zones; of those that do the same, only the first one's."""
    seen = set()
    for name in names:
        zone = zone_of(name)
        for change in zone.changes:
            what = change, zone.offset(change - 1), zone.offset(change)
            if what not in seen:
                seen.add(what)
                yield name, change


def around(zone: Zone, change: int) -> list[str]:
    """Returns expressions to which a change of the clock may do something."""
    before, after = zone.offset(change - 1), zone.offset(change)
    low, high = sorted((change + before, change + after))
    first, middle, last = (
        (local // HOUR % 24, local // 60 % 60) for local in (low, (low + high) // 2, high)
    )
    return [
        f"{first[1]} {first[0]} * * *",
        f"{middle[1]} {middle[0]} * * *",
        f"{last[1]} {last[0]} * * *",
        f"{middle[1]},{(middle[1] + 7) % 60} {first[0]},{middle[0]},{last[0]} * * *",
        f"*/20 {middle[0]} * * *",
        f"{middle[1]} * * * *",
        f"{first[1]} */2 * * *",
    ]


def check_change(name: str, change: int) -> int:
    """Compares what is fired around a change with cron's own scan; returns how many."""
    zone, seen = zone_of(name), 0
    shift = abs(zone.offset(change) - zone.offset(change - 1))
    begin, end = change - shift - 2 * HOUR, change + shift + 2 * HOUR
    for text in around(zone, change):
        expected = scan(Fields(text), zone, begin, end)
        case = f"{text} in {name} at {change}"
        check_series(series_of(text, name), expected, begin, end, Random(change), case)
        seen += len(expected)
    return seen


# --- all of it ------------------------------------------------------------------------------------


def main(expressions: int) -> None:
    """Runs everything and says how far it is."""
    begin, looked_at = perf_counter(), 0
    for number in range(expressions):
        looked_at += check_expression(number)
        if (number + 1) % 5000 == 0 or number + 1 == expressions:
            print(f"{number + 1} expressions, {looked_at} fires, {perf_counter() - begin:.0f} s")
    for number, name in enumerate(NAMES, start=1):
        check_changes(name)
        if number % 100 == 0 or number == len(NAMES):
            print(f"the changes of {number} zones, {perf_counter() - begin:.0f} s")
    cases = list(all_changes(NAMES))
    for number, (name, change) in enumerate(cases, start=1):
        looked_at += check_change(name, change)
        if number % 1000 == 0 or number == len(cases):
            print(f"around {number} of {len(cases)} changes, {perf_counter() - begin:.0f} s")


if __name__ == "__main__":
    main(int(sys.argv[1]))
