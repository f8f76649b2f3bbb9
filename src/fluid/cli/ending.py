"""The end of a command that has imported a user's code and runs nothing: in time, it too.

A module may begin threads when it is imported, and Python waits for them. A container whose import
has failed would then neither run nor end, and so would a ``fluid check`` in a pipeline.
"""

from __future__ import annotations

import threading
from math import inf

from ..runtime.exit_codes import Facts
from ..runtime.front import Front
from ..runtime.guard import hold


def end_in_time(name: str, deadline: float) -> None:
    """Ends this process, which is to exit now, ``deadline`` seconds from now if it has not.

    Where no thread is left that Python would wait for, it does nothing.

    Args:
        name: Whose last words are said then.
        deadline: Seconds.
    """
    main = threading.main_thread()
    if deadline < inf and any(
        not each.daemon for each in threading.enumerate() if each is not main
    ):
        hold(deadline, name, Facts(overran=deadline), Front())
