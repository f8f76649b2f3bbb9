"""Watches a program: which functions of fluid are entered, in which task, in which order."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from types import FrameType
from typing import NamedTuple, TypeAlias

import fluid
from fluid.testing import run

ROOT = f"{Path(fluid.__file__).parent}/"

LOOP = "the event loop"
"""Where a function runs that the loop calls, outside of every task."""


class Call(NamedTuple):
    """A function that was entered, for the first time or again after a wait."""

    task: str
    function: str
    file: str
    """Below ``src/fluid``."""


class Step(NamedTuple):
    """A call that a picture shows."""

    task: str
    function: str
    note: str
    """What it does, in a few words."""
    via: str = ""
    """How control comes here from the task of the step before."""


Watch: TypeAlias = Callable[[], None]
Play: TypeAlias = Callable[[Watch], Awaitable[None]]
"""A program. It calls what it is given when it gets to what is to be seen."""


def watched(play: Play) -> list[Call]:
    """Runs a program on the virtual clock; returns the calls of the part that it wants seen."""
    calls: list[Call] = []

    def note(frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(ROOT):
            calls.append(Call(_task(), code.co_qualname, code.co_filename.removeprefix(ROOT)))

    async def main() -> None:
        try:
            await play(lambda: sys.setprofile(note))
        finally:
            sys.setprofile(None)

    before = sys.getprofile()
    try:
        run(main())
    finally:
        sys.setprofile(before)
    return calls


def _task() -> str:
    try:
        task = asyncio.current_task()
    except RuntimeError:
        return LOOP
    return LOOP if task is None else task.get_name()


def found_in(calls: Iterable[Call], steps: Iterable[Step], story: str) -> list[tuple[Step, Call]]:
    """Returns each step with the call that it was.

    Raises:
        LookupError: If a step did not happen after the one before it.
    """
    rest = iter(calls)
    found: list[tuple[Step, Call]] = []
    for step in steps:
        call = next((c for c in rest if c.task == step.task and c.function == step.function), None)
        if call is None:
            after = found[-1][0].function if found else "the beginning"
            raise LookupError(
                f"{story}: {step.function} is not entered in {step.task} after {after}; "
                f"mend tools/flows/stories.py"
            )
        found.append((step, call))
    return found
