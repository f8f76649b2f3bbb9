"""Cron expressions, in a time zone."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timezone, tzinfo

from ...errors import FluidValueError
from .moment import Moment
from .schedule import Schedule, checked_options
from .times import Times, times_of
from .zones import zone_called

LOCAL = "local"

ALIASES: dict[str, str] = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}

_FIELDS = "minute hour day-of-month month day-of-week"

_TAKES: dict[str, str] = {
    "second": "0 to 59",
    "minute": "0 to 59",
    "hour": "0 to 23",
    "day-of-month": "1 to 31, L or LW",
    "month": "1 to 12 or JAN to DEC",
    "day-of-week": "0 to 7 or SUN to SAT",
}
_RANGE = re.compile(r"\w-\w")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Cron(Schedule):
    """Times of day and days; :func:`cron` makes it."""

    expression: str
    """Its fields, in the one way to write them."""
    tz: str
    """The name of its time zone, or "local"."""

    @property
    def by_wall_clock(self) -> bool:
        """Whether its instants are times of day."""
        return True

    @property
    def is_local(self) -> bool:
        """Whether it goes by the time zone of the machine, which may change."""
        return self.tz == LOCAL

    @property
    def zone(self) -> tzinfo | None:
        """The time zone that it goes by; None for that of the machine."""
        return None if self.is_local else zone_called(self.tz, "tz of a cron expression")

    def series(self, start: Moment) -> Times:
        """Returns its instants."""
        return times_of(self.expression, self.zone or start.zone or UTC)

    def next(self, after: datetime) -> datetime | None:
        """Returns when it fires next after an aware datetime, in its zone; None if it never does.

        Jitter is not in it, and ``max_fires`` is for its worker to count.

        Args:
            after: The aware datetime.

        Raises:
            FluidValueError: If ``after`` is not an aware datetime, or the zone is "local", which
                only a worker knows.
        """
        if not isinstance(after, datetime) or after.utcoffset() is None:
            raise FluidValueError(
                f"next() of {self!r} takes a datetime with a time zone, as  datetime.now(UTC): "
                f"{after!r}"
            )
        zone = self.zone
        if zone is None:
            raise FluidValueError(f"next() of {self!r} needs the name of a time zone, not 'local'")
        found = times_of(self.expression, zone).after((after - _EPOCH).total_seconds())
        if found is None or (self.until is not None and found > self.until.timestamp()):
            return None
        return datetime.fromtimestamp(found, zone)

    def _words(self) -> str:
        words = times_of(self.expression, UTC).calendar.words()
        zone = "local time" if self.is_local else self.tz
        return f"{words[:1].lower()}{words[1:]} ({self.expression}, {zone})"

    def _call(self) -> str:
        return f"cron({self.expression!r}" + ("" if self.tz == "UTC" else f", tz={self.tz!r}")


def cron(
    expression: str,
    *,
    tz: str | tzinfo = "UTC",
    jitter: float = 0.0,
    until: datetime | None = None,
    max_fires: int | None = None,
) -> Cron:
    """Returns a schedule from a cron expression.

    ::

        from fluid import cron

        cron("*/5 * * * *")  # every five minutes
        cron("30 2 * * MON-FRI", tz="Europe/Berlin")
        cron("@hourly")
        cron("*/10 * * * * *")  # six fields: every ten seconds

    The fields are minute, hour, day of the month, month and day of the week; with six of them the
    first are the seconds. They are those of cron(8), with names, ranges, steps and lists, ``L`` for
    the last day, ``LW`` for the last working day, ``FRI#2`` for the second Friday and ``5L`` for
    the last one. Instead of fields there may be ``@hourly``, ``@daily`` or ``@midnight``,
    ``@weekly``, ``@monthly``, and ``@yearly`` or ``@annually``.

    Where the clock is put forward or back, an expression whose minute or hour begins with a star
    goes by the time that passes; every other one fires once, at the instant of the change if its
    time does not exist.

    Args:
        expression: The fields, or an alias.
        tz: The name of the time zone, or a ``ZoneInfo``; "local" for that of the machine, whatever
            it is at the time. UTC unless given.
        jitter: Seconds by which each fire may come later, by chance, so that a thousand processes
            do not do the same thing at once; none comes later than the next one is due. 0, the
            default, for none.
        until: No fire is due later than that; an aware datetime, or None for no end.
        max_fires: How often it fires at most, counted from the start of its worker; None for no
            limit.

    Raises:
        FluidValueError: If the expression cannot be read, or never comes true, if there is no such
            time zone, or an option cannot work.
    """
    fields = _fields(expression)
    name = _zone_name(tz)
    jitter, until, max_fires = checked_options(f"cron({expression!r})", jitter, until, max_fires)
    return Cron(jitter, until, max_fires, fields, name)


def _fields(expression: object) -> str:
    """Returns an expression in the one way to write it, if it can be read."""
    if not isinstance(expression, str):
        raise FluidValueError(f"a cron expression is a string, and not {expression!r}")
    text = " ".join(expression.split())
    text = ALIASES.get(text.lower(), text).upper()
    if text.startswith("@"):
        raise FluidValueError(
            f"cron({expression!r}) is no alias that is known: there are {', '.join(ALIASES)}"
            + ("; what is to run at the start is every(period)" if text == "@REBOOT" else "")
        )
    from cronsim import CronSimError

    try:
        times = times_of(text, UTC)
    except CronSimError as error:
        raise FluidValueError(_lesson(expression, text, str(error))) from None
    if times.after(0) is None:
        raise FluidValueError(f"cron({expression!r}) never fires: there is no such day")
    return text


def _lesson(expression: str, text: str, problem: str) -> str:
    fields = text.split()
    names = (["second"] if len(fields) == 6 else []) + _FIELDS.split()
    if len(fields) != len(names):
        return (
            f"cron({expression!r}) has {len(fields)} fields; there have to be five, {_FIELDS}, "
            f"or six with the second first"
        )
    name = problem.removeprefix("Bad ")
    field = fields[names.index(name)] if name in names else text
    if "?" in field:
        hint = "what other programs write as ? is a *"
    elif name == "day-of-month" and field.isdigit() and 1 <= int(field) <= 31:
        hint = "none of its months has that day"
    elif field.endswith(","):
        hint = "a list has no blanks in it"
    else:
        upwards = ", and ranges that go upwards" if _RANGE.search(field) else ""
        hint = f"it takes {_TAKES.get(name, _FIELDS)}{upwards}"
    return f"cron({expression!r}) cannot be read: its {name} is {field!r}; {hint}"


def _zone_name(tz: object) -> str:
    """Returns the name of a time zone that exists."""
    subject = "tz of a cron expression"
    if isinstance(tz, str):
        return LOCAL if tz == LOCAL else _known(tz, subject)
    if tz is UTC:
        return "UTC"
    key = getattr(tz, "key", None)  # of a ZoneInfo
    if isinstance(key, str):
        return _known(key, subject)
    hint = (
        "a fixed offset has no daylight saving; name a place, or Etc/GMT-2 for UTC+2"
        if isinstance(tz, timezone)
        else "give it the name, as in 'Europe/Berlin'"
    )
    raise FluidValueError(f"{subject} is neither a name nor a ZoneInfo: {tz!r}; {hint}")


def _known(name: str, subject: str) -> str:
    return "UTC" if zone_called(name, subject) is UTC else name
