"""Those who tell the world outside how a process is doing: the seam for systemd and for files."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from ... import logs
from ...health import Phase
from ..stages import Stage

Witness: TypeAlias = Callable[[str, int], None]
"""Is called with the last line of a process, and its exit code."""


class Onlooker:
    """Is told of what happens to the root worker. Whatever it raises is logged, and hurts nobody.

    All but the last two are called in the event loop, and must not block it.
    """

    def turn(self, phase: Phase) -> None:
        """Is told where the tree is from now on, before anything follows from it."""

    def stage(self, stage: Stage) -> None:
        """Is told how far a start or a stop is that goes on, and once more when it is over."""

    def last_words(self, text: str, code: int) -> None:
        """Is told why the process ends as it does; nothing if all went well."""

    def close(self) -> None:
        """Is told that the run is over, and lets go of what it has."""

    def witness(self) -> Witness | None:
        """Returns what tells of an end that is forced after that; it holds on to nothing."""
        return None


class Onlookers(Onlooker):
    """Several of them as one."""

    def __init__(self) -> None:
        self._each: list[Onlooker] = []

    def add(self, onlooker: Onlooker) -> None:
        """Tells one more from now on."""
        self._each.append(onlooker)

    def turn(self, phase: Phase) -> None:
        """Tells everybody."""
        for each in self._each:
            logs.safely(each.turn, phase)

    def stage(self, stage: Stage) -> None:
        """Tells everybody."""
        for each in self._each:
            logs.safely(each.stage, stage)

    def last_words(self, text: str, code: int) -> None:
        """Tells everybody."""
        for each in self._each:
            logs.safely(each.last_words, text, code)

    def close(self) -> None:
        """Tells everybody."""
        for each in self._each:
            logs.safely(each.close)

    def witnesses(self) -> list[Witness]:
        """Returns those that there are."""
        return [witness for each in self._each if (witness := each.witness()) is not None]
