"""Names of which everything that can be missing is missing: each rule has to find its fault."""

from __future__ import annotations

from enum import Enum

from fluid import FluidValueError


class Color(Enum):
    """A member of it says nothing."""

    RED = 1


class Careless:
    """Says what it does, and little else."""

    delay: float
    """How late it is."""

    def silent(self) -> None: ...

    def greet(self, name: str, loud: bool = False) -> None:
        """Greets somebody."""

    def invented(self, name: str) -> None:
        """Greets somebody.

        Args:
            name: Whom.
            volume: How loud.
        """

    def hurry(self, pace: float = 2.0) -> None:
        """Goes on.

        Args:
            pace: How fast, in seconds a mile.
        """

    def slow_down(self, period: float) -> None:
        """Goes on.

        Args:
            period: How much slower.
        """

    def check(self, value: int) -> None:
        """Refuses what ``value`` must not be."""
        _check(value)

    def dream(self) -> None:
        """Sleeps.

        Raises:
            NightmareError: Now and then.
        """

    async def rest(self) -> None:
        """Rests."""

    def answer(self) -> int:
        """Thinks for a long time."""
        return 42


def _check(value: int) -> None:
    if value < 0:
        raise FluidValueError(f"value is negative: {value!r}")
