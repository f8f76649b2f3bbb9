"""What an operator gets to see of a process: the seam between the runtime and the command line."""

from __future__ import annotations

import sys
from contextlib import suppress

from .stages import Stage


class Front:
    """What ``fluid.run()`` shows by itself: log lines, and the last words on stderr.

    The command line puts others in its place, for terminals and for JSON.
    """

    period: float = 0.25
    """Seconds between two looks at a start or a stop that goes on."""

    def stage(self, stage: Stage) -> None:
        """Is told, in the event loop, how far a start or a stop is; again and again, then once more
        when it is over."""

    def last_words(self, text: str, code: int) -> None:
        """Says why the process ends as it does: one line, the last there is.

        Args:
            text: The whole line, ``app: exit code 1: app/db failed (...)``.
            code: The exit code.
        """
        with suppress(AttributeError, OSError, ValueError):  # there is none, disk full, closed
            sys.stderr.write(f"{text}\n")
