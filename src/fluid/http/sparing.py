"""A logger that says little: for what strangers can cause to be said as often as they like."""

from __future__ import annotations

import logging
from collections.abc import Callable

from ..rules.rate import Bucket, RateLimit

AT_MOST = RateLimit(6, per=60, burst=5)
"""Records that pass: five at once, then one in ten seconds."""


class Sparing(logging.Logger):
    """Passes some of its records on to another logger, and counts the rest.

    Args:
        parent: The other logger.
        now: Tells the time.
    """

    def __init__(self, parent: logging.Logger, now: Callable[[], float]) -> None:
        super().__init__(parent.name)
        self.parent: logging.Logger | None = parent
        self._now: Callable[[], float] = now
        self._bucket: Bucket = Bucket(AT_MOST)
        self._unsaid: int = 0

    def isEnabledFor(self, level: int) -> bool:  # noqa: N802 - as the base class has it
        """Asks the other logger; this one is not told when levels are set anew."""
        return self.parent is not None and self.parent.isEnabledFor(level)

    def handle(self, record: logging.LogRecord) -> None:
        """Passes a record on if there were not too many of late, with the number of the others."""
        now = self._now()
        if self._bucket.take(now) > now:
            self._bucket.give_back()
            self._unsaid += 1
            return
        if self._unsaid:
            record.msg = f"{record.msg} (and {self._unsaid} times something like it)"
            self._unsaid = 0
        super().handle(record)
