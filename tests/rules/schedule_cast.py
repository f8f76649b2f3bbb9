"""Brute force for cron expressions: their fields, and each local time that they name, one by one.

It reads the text by itself and shares no code with fluid or with what fluid reads expressions with.
What it does with changes of the clock is the written rule, in the simplest form: a scan.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator
from datetime import date
from random import Random

from tests.rules.schedule_zone_cast import Zone

DAY = 86_400
FIRST_DAY = date(1970, 1, 1).toordinal()

DAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
BOUNDS = [(0, 59), (0, 59), (0, 23), (1, 31), (1, 12), (0, 7)]


class Fields:
    """An expression, read."""

    def __init__(self, expression: str) -> None:
        texts = expression.upper().split()
        self.by_second = len(texts) == 6
        texts = texts if self.by_second else ["0", *texts]
        names: list[list[str]] = [[], [], [], [], ["", *MONTHS], DAYS]
        numbers = [
            {number for term in text.split(",") for number in _numbers(term, *bounds, named)}
            for text, bounds, named in zip(texts, BOUNDS, names, strict=True)
        ]
        self.seconds, self.minutes, self.hours, self._days, self._months, self._weekdays = numbers
        self._last_days = {term for term in texts[3].split(",") if term.startswith("L")}
        self._special = [term for term in texts[5].split(",") if "#" in term or term.endswith("L")]
        self._both = texts[3].startswith("*") or texts[5].startswith("*")
        self.is_interval = texts[1].startswith("*") or texts[2].startswith("*")

    def is_day(self, on: date) -> bool:
        """Returns whether a day matches."""
        if on.month not in self._months:
            return False
        last = monthrange(on.year, on.month)[1]
        by_day = on.day in self._days
        if "L" in self._last_days and on.day == last:
            by_day = True
        if any(term.startswith("LW") for term in self._last_days):
            left = [date(on.year, on.month, day) for day in range(on.day + 1, last + 1)]
            by_day |= on.weekday() < 5 and all(day.weekday() >= 5 for day in left)
        weekday = on.isoweekday() % 7
        by_weekday = bool(self._weekdays & ({weekday, 7} if weekday == 0 else {weekday}))
        for term in self._special:
            name, _, which = term.partition("#")
            if _number(name.removesuffix("L"), DAYS) % 7 == weekday:
                in_month = (on.day - 1) // 7 + 1
                by_weekday |= in_month == int(which) if which else on.day + 7 > last
        return by_day and by_weekday if self._both else by_day or by_weekday

    def matches(self, local: int) -> bool:
        """Returns whether a local time is one of its times."""
        day, second = divmod(local, DAY)
        return (
            second % 60 in self.seconds
            and second // 60 % 60 in self.minutes
            and second // 3600 in self.hours
            and self.is_day(date.fromordinal(FIRST_DAY + day))
        )

    def local_times(self, begin: int, end: int) -> Iterator[int]:
        """Yields its local times after ``begin``, up to ``end``."""
        minutes, seconds = sorted(self.minutes), sorted(self.seconds)
        for day in range(begin // DAY, end // DAY + 1):
            if self.is_day(date.fromordinal(FIRST_DAY + day)):
                for hour in sorted(self.hours):
                    at = day * DAY + hour * 3600
                    if at + 3600 > begin and at <= end:
                        every = (at + m * 60 + s for m in minutes for s in seconds)
                        yield from (local for local in every if begin < local <= end)


def _numbers(term: str, low: int, high: int, names: list[str]) -> range:
    body, _, step = term.partition("/")
    if re.fullmatch(r"\w+#\d|\d?LW?", body):
        return range(0)
    if body == "*":
        first, last = low, high
    elif "-" in body:
        first, last = (_number(end, names) for end in body.split("-"))
    else:
        first = _number(body, names)
        last = high if step else first
    return range(first, last + 1, int(step or 1))


def _number(text: str, names: list[str]) -> int:
    return names.index(text) if text in names else int(text)


def fires(fields: Fields, zone: Zone, begin: int, end: int) -> list[int]:
    """Returns when it fires after ``begin``, up to ``end``: each local time is looked for."""
    found: set[int] = set()
    offsets = zone.offsets_in(begin, end)
    for local in fields.local_times(begin + min(offsets) - 1, end + max(offsets)):
        places = zone.instants_of(local)
        if fields.is_interval:
            found.update(places)
        else:
            found.add(places[0] if places else zone.change_over(local))
    return sorted(instant for instant in found if begin < instant <= end)


def scan(fields: Fields, zone: Zone, begin: int, end: int) -> list[int]:
    """Returns the same as cron itself finds it, which looks at the clock each minute or second.

    What says how often fires if the clock shows one of its times. What says when fires for all the
    times that the clock has come to, or gone beyond, since the latest that it has ever shown.
    """
    step = 1 if fields.by_second else 60
    begin -= begin % step
    latest = max(at + zone.offset(at) for at in range(begin - 2 * DAY, begin + 1, 1800))
    found = []
    for at in range(begin + step, end + 1, step):
        local = at + zone.offset(at)
        if fields.is_interval:
            if fields.matches(local):
                found.append(at)
        elif local > latest:
            if any(map(fields.matches, range(latest + step, local + 1, step))):
                found.append(at)
            latest = local
    return found


# --- expressions by chance ------------------------------------------------------------------------


def expression(random: Random) -> str:
    """Returns any expression that can be written, more often a simple one."""
    fields = [_field(random, *bounds) for bounds in BOUNDS]
    fields[3] = random.choice(["*", "*", fields[3], fields[3], "L", "LW", f"{fields[3]},L"])
    weekday = random.choice(DAYS) if random.random() < 0.5 else str(random.randint(0, 7))
    nth = f"{weekday}#{random.randint(1, 5)}"
    fields[4] = random.choice(["*", "*", fields[4], _names(random, MONTHS)])
    fields[5] = random.choice(
        ["*", "*", fields[5], _names(random, DAYS), nth, f"{random.randint(0, 7)}L", f"1,{nth}"]
    )
    return " ".join(fields if random.random() < 0.2 else fields[1:])


def _field(random: Random, low: int, high: int) -> str:
    one = str(random.randint(low, high))
    first, last = sorted(random.sample(range(low, high + 1), 2))
    step = f"/{random.randint(1, max(high // 2, 1))}"
    several = f"{first}-{last}"
    simple = ["*", "*", one, one, several, f"*{step}", f"{one}{step}", f"{several}{step}"]
    lists = [f"{one},{first},{several}", f"{several}{step},{one}", f"*{step},{one}"]
    return random.choice(simple + lists)


def _names(random: Random, names: list[str]) -> str:
    first, last = sorted((random.randrange(len(names)), random.randrange(len(names))))
    one = random.choice(names).lower()
    return random.choice([one, f"{names[first]}-{names[last]}", f"{one},{names[first]}"])
