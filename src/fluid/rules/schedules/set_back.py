"""A clock that was set back: which of the times that it shows once more count again."""

from __future__ import annotations

from .moment import Moment
from .schedule import Series

SET_BACK = 1.0
"""Seconds. A clock that falls back by less was slewed, or not read at the very same instant."""

LOOK_AGAIN = 60.0
"""Seconds between two looks at the time of day: as long as it may take until a change is noticed.

Source: cron(8), which looks each minute for the same reasons.
"""

WRONG_CLOCK = 3 * 3600.0
"""Seconds. A clock that is set back by more was wrong, and is believed from then on.

Source: cron(8) of Debian.
"""


def seen_to(
    series: Series, now: Moment, *, by: float, last: float, last_loop: float, fired: float
) -> float | None:
    """Returns up to which time of day all has been seen to, if the clock was set back.

    What says how often goes on with the clock, but no two fires come closer than half their
    distance. What says when has fired at those times already, and waits until they have passed.
    That the clock was set is noticed some time later, and what was due by then is not lost.

    Args:
        series: The times.
        now: What the clocks show now.
        by: By how much the clock fell back, in seconds; below zero if it went forward.
        last: The time up to which all had been seen to.
        last_loop: When that was, by the loop's clock.
        fired: When the last fire was due, by the loop's clock.

    Returns:
        That time; None if it is what it was.
    """
    passed = min(max(now.loop - last_loop, 0.0), LOOK_AGAIN)
    before = now.wall - passed
    if now.wall >= last and (before >= last or by <= SET_BACK):  # else it has just caught up
        return None
    if not series.is_interval:
        return before if by > WRONG_CLOCK else None
    following = series.after(last)
    pause = 0.0 if following is None else (following - last) / 2
    while (slot := series.after(before)) is not None and slot <= last:
        if now.loop + (slot - now.wall) - fired >= pause:
            break
        before = slot
    return before
