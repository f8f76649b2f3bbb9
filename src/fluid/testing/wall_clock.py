"""The time of day of a virtual loop, as a script has it: steps, slews, suspends, time zones.

Arithmetic only: the time of day is computed when somebody reads it, so nothing here waits or sets a
timer. And nothing here may move the loop's own clock, which is the business of
:mod:`fluid.testing.loop`: that the two clocks part is what the script is for.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from enum import Enum, auto
from fractions import Fraction
from heapq import heappop, heappush
from itertools import count
from math import isfinite
from typing import Any

from ..errors import FluidValueError

START = 946_684_800
"""The year 2000 begins, in UTC."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_PARTS = 10**9
"""Parts of a nanosecond in which the time of day is kept.

A slew of one part per billion gains one of them each nanosecond, so that no change of rate, and no
number of them, ever rounds anything.
"""


class _Change(Enum):
    """What a line of the script does."""

    STEP = auto()
    SET = auto()
    RATE = auto()
    ZONE = auto()


class WallClock:
    """The time of day, which the machine's owner, NTP and politics change; monotonic time goes on.

    It goes as fast as the monotonic clock, until a line of the script says otherwise. A line takes
    effect at an instant of the loop's clock, now by default; lines may be written in any order, and
    those for one instant take effect in the order in which they were written. Whole nanoseconds
    are kept, and nothing drifts: after a year of slewing, each of them is where it should be.

    Args:
        monotonic_ns: Returns the loop's time, in nanoseconds.
        start: The time of day now, as seconds since the epoch or an aware datetime. Default
            946,684,800: the year 2000 begins.
        zone: The name of the time zone that :meth:`now` is in. Default UTC.

    Raises:
        FluidValueError: From here and from each line of the script, if a value cannot be right,
            or an instant has passed.
    """

    def __init__(
        self,
        monotonic_ns: Callable[[], int],
        *,
        start: float | datetime = START,
        zone: str = "UTC",
    ) -> None:
        self._monotonic_ns = monotonic_ns
        self._zone = _zone_called(zone)
        # A straight line from the latest change on: where it begins, and how steep it is.
        self._since_ns = monotonic_ns()
        self._parts = _since_epoch(start) * _PARTS
        self._rate = _PARTS
        # A heap: what is still to come, by instant, and by number where instants tie.
        self._script: list[tuple[int, int, _Change, Any]] = []
        self._numbers = count()

    # Reading it

    def time_ns(self) -> int:
        """Returns the time of day, in whole nanoseconds since the epoch, rounded down."""
        return self._parts_at(self._up_to_now()) // _PARTS

    def time(self) -> float:
        """Returns the time of day, in seconds since the epoch."""
        return self.time_ns() / 1e9

    def zone(self) -> tzinfo:
        """Returns the current zone."""
        self._up_to_now()
        return self._zone

    def now(self) -> datetime:
        """Returns the time of day in the current zone, in whole microseconds, rounded down."""
        since_epoch = timedelta(microseconds=self.time_ns() // 1000)
        return (_EPOCH + since_epoch).astimezone(self._zone)

    def _up_to_now(self) -> int:
        """Follows the script up to now; returns the loop's time in nanoseconds."""
        now_ns = self._monotonic_ns()
        while self._script and self._script[0][0] <= now_ns:
            self._take_effect(*heappop(self._script))
        return now_ns

    # Writing its script

    def step(self, seconds: float, *, at: float | None = None) -> None:
        """Moves the time of day at one stroke, forwards or back, as NTP does at first.

        Args:
            seconds: How far, in seconds; below zero is back.
            at: The instant, in seconds of the loop's clock. Default now.

        Raises:
            FluidValueError: If that is no finite number, or the instant has passed.
        """
        self._write(_Change.STEP, _nanoseconds("a step", seconds), at)

    def slew(self, ppm: float, *, at: float | None = None) -> None:
        """Lets the time of day run faster or slower until the next slew, as NTP does later on.

        Steps and the like leave the rate as it is.

        Args:
            ppm: Microseconds that it gains each second, in whole thousandths; below zero it loses
                them; 0 ends the slew.
            at: The instant, in seconds of the loop's clock. Default now.

        Raises:
            FluidValueError: If time would stand still or run backwards, or the instant has passed.
        """
        ppb = _scaled("a slew", "parts per million", ppm, by=1000)
        if ppb <= -_PARTS:
            raise FluidValueError(
                f"a slew of {ppm!r} ppm is not possible: time would stand still or run backwards; "
                f"call step() to set it back"
            )
        self._write(_Change.RATE, _PARTS + ppb, at)

    def suspend(self, seconds: float, *, at: float | None = None) -> None:
        """Lets the machine sleep: the time of day goes on, the loop's clock stands still.

        So does ``CLOCK_MONOTONIC`` on Linux: a timer that was due in ten seconds is due ten
        seconds after the machine woke up. To the loop it is a step forward, and takes no time.

        Args:
            seconds: How long the machine sleeps; never below zero.
            at: The instant, in seconds of the loop's clock. Default now.

        Raises:
            FluidValueError: If that is below zero, or the instant has passed.
        """
        slept = _nanoseconds("a suspend", seconds)
        if slept < 0:
            raise FluidValueError(
                f"a suspend of {seconds!r} seconds is not possible: no machine sleeps for less "
                f"than no time; call step() to set the time of day back"
            )
        self._write(_Change.STEP, slept, at)

    def set(self, when: datetime, *, at: float | None = None) -> None:
        """Sets the time of day.

        Args:
            when: To what, as an aware datetime.
            at: The instant, in seconds of the loop's clock. Default now.

        Raises:
            FluidValueError: If the datetime has no time zone, or the instant has passed.
        """
        self._write(_Change.SET, _since_epoch(when), at)

    def set_zone(self, name: str, *, at: float | None = None) -> None:
        """Sets the time zone that :meth:`now` is in; the time since the epoch stays as it is.

        Args:
            name: What the IANA database calls it, as in ``Europe/Berlin``.
            at: The instant, in seconds of the loop's clock. Default now.

        Raises:
            FluidValueError: If there is no such zone, or the instant has passed.
        """
        self._write(_Change.ZONE, _zone_called(name), at)

    def _write(self, change: _Change, value: Any, at: float | None) -> None:
        heappush(self._script, (self._instant(at), next(self._numbers), change, value))

    def _instant(self, at: float | None) -> int:
        now_ns = self._monotonic_ns()
        if at is None:
            return now_ns
        at_ns = _nanoseconds("at", at)
        # In floats, because loop.time() is one, and coarser than a nanosecond after 104 days.
        if at < now_ns / 1e9:
            raise FluidValueError(
                f"the time of day cannot be changed at {at!r} seconds: the loop's clock shows "
                f"{now_ns / 1e9!r} already. Leave out `at` to change it now, or write  "
                f"at=loop.time() + delay"
            )
        return max(at_ns, now_ns)

    # The straight line

    def _parts_at(self, instant_ns: int) -> int:
        return self._parts + (instant_ns - self._since_ns) * self._rate

    def _take_effect(self, at_ns: int, _number: int, change: _Change, value: Any) -> None:
        self._parts, self._since_ns = self._parts_at(at_ns), at_ns
        match change:
            case _Change.STEP:
                self._parts += value * _PARTS
            case _Change.SET:
                self._parts = value * _PARTS
            case _Change.RATE:
                self._rate = value
            case _Change.ZONE:
                self._zone = value


def _nanoseconds(subject: str, seconds: float) -> int:
    return _scaled(subject, "seconds", seconds, by=10**9)


def _scaled(subject: str, unit: str, value: float, *, by: int) -> int:
    """Returns ``value * by``, rounded once: ``round(seconds * 1e9)`` would round twice."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or (isinstance(value, float) and not isfinite(value)):
        raise FluidValueError(f"{subject} is not a finite number of {unit}: {value!r}")
    return round(Fraction(value) * by)


def _since_epoch(when: float | datetime) -> int:
    """Returns a time of day in nanoseconds since the epoch."""
    if not isinstance(when, datetime):
        return _nanoseconds("the time of day", when)
    if when.utcoffset() is None:
        raise FluidValueError(
            f"the time of day {when!r} has no time zone, so nobody knows when that is; "
            f"write  datetime(..., tzinfo=UTC)"
        )
    return (when - _EPOCH) // timedelta(microseconds=1) * 1000


def _zone_called(name: str) -> tzinfo:
    if name == "UTC":  # known everywhere, also where there is no database of time zones
        return UTC
    from zoneinfo import ZoneInfo  # here, because it reads how Python itself was built

    try:
        return ZoneInfo(name)
    except (KeyError, OSError, TypeError, ValueError, AttributeError):
        raise FluidValueError(
            f"there is no time zone called {name!r}: it takes a name of the IANA database, as in "
            f"'Europe/Berlin'; where the system has no such database, install tzdata"
        ) from None
