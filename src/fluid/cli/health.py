"""``fluid health``: asks the file of a running process how it is.

A probe calls this every few seconds, so a plain question is answered without click, the runtime or
a worker being loaded. Whatever else stands on the command line is for the command in
:mod:`.commands`, with its help and its errors.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from ..health.judging import Question, ask
from ..texts import one_line

FLAG = "--health-file"
VARIABLE = "FLUID_HEALTH_FILE"


def answer(words: Sequence[str]) -> int | None:
    """Answers the question that follows ``fluid health``, if it is a plain one.

    Args:
        words: ``live`` or ``ready`` or neither, and perhaps where the file is.

    Returns:
        The exit code, 0 or 1; None if there is more to it than that.
    """
    rest, question, path = list(words), Question.LIVE, os.environ.get(VARIABLE, "")
    if rest and rest[0] in [*Question]:
        question = Question(rest.pop(0))
    match rest:
        case []:
            pass
        case [flag, path] if flag == FLAG:
            pass
        case [word] if word.startswith(f"{FLAG}="):
            path = word.removeprefix(f"{FLAG}=")
        case _:
            return None
    return say_how(question, path) if path else None


def say_how(question: Question, path: str) -> int:
    """Prints the answer that a file has to a question, and returns the exit code."""
    is_good, line = ask(question, path)
    try:
        _say(one_line(line))
    except (AttributeError, OSError, ValueError):  # none, full, closed: the code says it as well
        sys.stdout = None  # else the exit would try again, and change the code
    return 0 if is_good else 1


def _say(line: str) -> None:
    encoding = sys.stdout.encoding or "ascii"
    sys.stdout.write(f"{line.encode(encoding, 'backslashreplace').decode(encoding)}\n")
    sys.stdout.flush()
