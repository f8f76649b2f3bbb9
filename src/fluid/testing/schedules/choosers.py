"""Who makes the choices of a run: nobody, a seed, or a list.

Every freedom of a schedule is one call of :meth:`Chooser.pick`, and 0 is always what FIFO would do.
So a schedule is the list of its choices, the plain run is all zeros, and a failing one is made
smaller by putting zeros into it.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import NamedTuple, Protocol


class Chooser(Protocol):
    """Makes the choices of one run."""

    def pick(self, options: int, what: str) -> int:
        """Returns one of ``range(options)``, of which there are two at least; 0 is FIFO's."""

    def flip(self, odds: int, what: str) -> bool:
        """Returns True about once in ``odds``; False is FIFO's."""


class Seeded:
    """Draws every choice from a random stream."""

    __slots__ = ("_random",)

    def __init__(self, stream: Random) -> None:
        self._random = stream.random

    def pick(self, options: int, what: str) -> int:
        """Returns any of them."""
        return int(self._random() * options)

    def flip(self, odds: int, what: str) -> bool:
        """Returns True once in ``odds``."""
        return self._random() * odds < 1.0


class Scripted:
    """Takes the choices of a list, and FIFO's everywhere else."""

    __slots__ = ("_deviations", "_number")

    def __init__(self, deviations: Mapping[int, int]) -> None:
        self._deviations = deviations
        self._number = 0

    def pick(self, options: int, what: str) -> int:
        """Returns what the list says; the last option, where it says more than there are."""
        taken = self._deviations.get(self._number, 0)
        self._number += 1
        return min(taken, options - 1)

    def flip(self, odds: int, what: str) -> bool:
        """Returns what the list says."""
        return self.pick(2, what) == 1


class Choice(NamedTuple):
    """A choice that was made."""

    number: int
    """It was the n-th of the run, counted from 0."""
    what: str
    """What was chosen."""
    options: int
    """How many there were."""
    taken: int
    """Which of them it was; 0 is what FIFO would have taken."""
    step: int
    """The step of the run that was about to begin."""


class Recorder:
    """Passes on what another chooser takes, and keeps it.

    Attributes:
        choices: All choices, those of FIFO too.
        step: The step of the run, which whoever counts steps keeps up to date.
    """

    def __init__(self, chooser: Chooser) -> None:
        self._chooser = chooser
        self.choices: list[Choice] = []
        self.step: int = 0

    def pick(self, options: int, what: str) -> int:
        """Returns what the other chooser takes."""
        return self._keep(self._chooser.pick(options, what), options, what)

    def flip(self, odds: int, what: str) -> bool:
        """Returns what the other chooser takes."""
        return self._keep(int(self._chooser.flip(odds, what)), 2, what) == 1

    def _keep(self, taken: int, options: int, what: str) -> int:
        self.choices.append(Choice(len(self.choices), what, options, taken, self.step))
        return taken

    def deviations(self) -> tuple[tuple[int, int], ...]:
        """Returns where the run differs from FIFO: (number of the choice, what was taken)."""
        return tuple((choice.number, choice.taken) for choice in self.choices if choice.taken)
