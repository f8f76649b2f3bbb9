"""Whether there is a terminal, and whether it is still there."""

from __future__ import annotations

import os


def has_terminal() -> bool:
    """Returns whether this process belongs to a terminal that is still there."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True
