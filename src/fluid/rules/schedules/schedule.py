"""What every schedule is: a value that says when something is to happen, and for how long.

A schedule knows no now and has no state; where it stands is kept by a :class:`~.course.Course`.
"""

from __future__ import annotations

from abc import abstractmethod
from datetime import UTC, datetime, tzinfo
from math import isfinite
from typing import Protocol

from ...errors import FluidValueError
from ...record import Record
from ...settings import duration
from .moment import Moment


class Series(Protocol):
    """The instants of a schedule that has begun, in seconds of its clock."""

    is_interval: bool
    """Whether they say how often, and not when."""

    def after(self, instant: float) -> float | None:
        """Returns the first one later than ``instant``; None if there is none."""

    def count(self, after: float, until: float) -> int:
        """Returns how many there are after ``after``, up to ``until``."""

    def newest(self, after: float, until: float) -> float:
        """Returns the last one after ``after``, up to ``until``: there has to be one."""


class Schedule(Record):
    """The base of ``every(...)`` and ``cron(...)``: frozen, comparable, printed in words."""

    jitter: float
    """Seconds by which each fire may come later, by chance; 0 for none."""
    until: datetime | None
    """No fire is due later than that, in UTC; None for no end."""
    max_fires: int | None
    """How often it fires at most; None for no limit."""

    @property
    @abstractmethod
    def by_wall_clock(self) -> bool:
        """Whether its instants are times of day; else they are those of the loop's clock."""

    @property
    def is_local(self) -> bool:
        """Whether it goes by the time zone of the machine, which may change."""
        return False

    @property
    def zone(self) -> tzinfo | None:
        """The time zone that it goes by; None for that of the machine."""
        return UTC

    @abstractmethod
    def series(self, start: Moment) -> Series:
        """Returns its instants, if it begins at ``start``."""

    @abstractmethod
    def _words(self) -> str:
        """Returns in words when it fires, without what all schedules may have beside."""

    def __str__(self) -> str:
        parts = [self._words()]
        if self.jitter:
            parts.append(f"up to {in_words(self.jitter)} later by chance")
        if self.until is not None:
            parts.append(f"until {self.until.isoformat(sep=' ')}")
        if self.max_fires is not None:
            parts.append("once" if self.max_fires == 1 else f"{self.max_fires} times at most")
        return ", ".join(parts)

    def __repr__(self) -> str:
        options = (("jitter", 0.0), ("until", None), ("max_fires", None))
        shown = [
            f"{name}={getattr(self, name)!r}"
            for name, default in options
            if getattr(self, name) != default
        ]
        return f"{self._call()}{''.join(f', {option}' for option in shown)})"

    @abstractmethod
    def _call(self) -> str:
        """Returns the beginning of the call that makes it, up to its own options."""


def checked_options(
    subject: str, jitter: float, until: datetime | None, max_fires: int | None
) -> tuple[float, datetime | None, int | None]:
    """Returns what all schedules may be given, if it can work.

    Raises:
        FluidValueError: If it cannot; it names ``subject``.
    """
    if not isfinite(duration(f"jitter of {subject}", jitter)):
        raise FluidValueError(f"jitter of {subject} is not finite: {jitter!r}")
    if until is not None:
        if not isinstance(until, datetime):
            raise FluidValueError(f"until of {subject} is not a datetime: {until!r}")
        if until.utcoffset() is None:
            raise FluidValueError(
                f"until of {subject} has no time zone, so nobody knows when that is: {until!r}; "
                f"write  datetime(..., tzinfo=UTC)"
            )
        until = until.astimezone(UTC)  # one instant, one value
    if max_fires is not None and (type(max_fires) is not int or max_fires < 1):
        raise FluidValueError(
            f"max_fires of {subject} is not a whole number, 1 or more: {max_fires!r}"
        )
    return float(jitter), until, max_fires


def in_words(seconds: float) -> str:
    """Returns ``1 h 30 min`` for 5400, ``250 ms`` for 0.25."""
    if seconds < 1:
        return f"{seconds * 1000:g} ms"
    words = []
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60)):
        whole = int(seconds // length)
        if whole:
            words.append(f"{whole} {unit}")
            seconds -= whole * length
    if seconds:
        words.append(f"{seconds:g} s")
    return " ".join(words)
