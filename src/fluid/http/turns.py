"""Who may go on, and when: as many turns a second as a server is to cost. No asyncio, no sockets.

The caller passes the time.
"""

from __future__ import annotations

from typing import Generic, TypeVar

from ..rules.rate import Bucket, RateLimit

W = TypeVar("W")


MOST_NEWCOMERS = 3
"""Newcomers that are served in a row where others wait as well.

Who comes again and again is a flood or can wait; but not for ever.
"""


class Turns(Generic[W]):
    """Two lines: of those who were never served, who go first, and of the others.

    So those who come again and again, however many they are, keep a newcomer waiting for no longer
    than one of their turns. Within each line the first to come is the first to be served.

    Args:
        limit: How often there is a turn.
    """

    def __init__(self, limit: RateLimit) -> None:
        self._bucket: Bucket = Bucket(limit)
        self._lines: tuple[dict[W, None], dict[W, None]] = {}, {}
        self._newcomers: int = 0
        """How many of them were served in a row while others waited."""

    def join(self, who: W, *, is_new: bool) -> None:
        """Puts somebody at the end of a line; whoever stands in it keeps the place."""
        self._lines[0 if is_new else 1].setdefault(who)

    def leave(self, who: W) -> None:
        """Lets somebody go who does not want to wait any more."""
        for line in self._lines:
            line.pop(who, None)

    def next_at(self, now: float) -> float | None:
        """Takes a turn for whoever is first when it is due; returns when, or None for nobody."""
        return self._bucket.take(now) if any(self._lines) else None

    def next(self) -> W | None:
        """Returns whose turn it is; if all have left, the turn is given back."""
        line = self._next_line()
        if not line:
            self._bucket.give_back()
            return None
        who = next(iter(line))
        del line[who]
        return who

    def _next_line(self) -> dict[W, None]:
        new, others = self._lines
        if new and others and self._newcomers < MOST_NEWCOMERS:
            self._newcomers += 1
            return new
        self._newcomers = 0
        return others or new
