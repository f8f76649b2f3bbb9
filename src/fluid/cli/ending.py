"""The end of a command that has imported a user's code and runs nothing: in time, it too.

A module may begin threads when it is imported, and Python waits for them. A container whose import
has failed would then neither run nor end, and so would a ``fluid check`` in a pipeline.
"""

from __future__ import annotations

from math import inf

from ..runtime.exit_codes import Facts
from ..runtime.front import Front
from ..runtime.guard import hold
from ..runtime.stacks import threads_left


def end_in_time(name: str, deadline: float) -> None:
    """Ends this process, which is to exit now, ``deadline`` seconds from now if it has not.

    Where no thread is left that Python would wait for, it does nothing.

    Args:
        name: Whose last words are said then.
        deadline: Seconds.
    """
    if deadline < inf and threads_left():
        hold(deadline, name, Facts(overran=deadline), Front())
