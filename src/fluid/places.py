"""Lines of code, as stacks name them: which of them is the user's own.

Where a program stands is a stack of a dozen lines, most of them of libraries. A log line has room
for one: the innermost that the reader can change.
"""

from __future__ import annotations

import asyncio
import os

from .texts import one_line

_OWN: str = __file__.removesuffix("places.py")
_STANDARD_LIBRARY: str = os.__file__.removesuffix("os.py")
_ASYNCIO: str = asyncio.__path__[0]
_INSTALLED: tuple[str, str] = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")
"""Folders of packages that are installed; the second name is Debian's."""


def is_own(file: str) -> bool:
    """Returns whether a file is fluid's."""
    return file.startswith(_OWN)


def is_of_library(file: str) -> bool:
    """Returns whether a file is of Python's library, or of one that is installed."""
    return file.startswith((_STANDARD_LIBRARY, "<frozen")) or any(
        folder in file for folder in _INSTALLED
    )


def place_of(stack: tuple[str, ...]) -> str:
    """Returns the innermost place of a stack that is the user's own: no library's, if there is one.

    Else it is the innermost one that is neither asyncio's nor ours.
    """
    foreign = [place for place in stack if not place.startswith((_ASYNCIO, _OWN))]
    users = [place for place in foreign if not is_of_library(place)]
    own = users or foreign or list(stack[-1:])
    return f"at {one_line(own[-1])}" if own else "at an unknown place"
