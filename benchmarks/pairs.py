"""The method: two ways to do the same, in turn, many times, on a machine that others use as well.

A figure by itself says little, since the machine is faster now and slower then. Two figures taken
one right after the other share its mood, so what counts is their ratio, and of many such ratios
the median. A first pair is thrown away: it fills the caches and lets the interpreter adapt its
bytecode.
"""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
Clock = Callable[[], float]

ROOT = Path(__file__).parents[1]
"""Where new processes start, so that they find this package."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much to measure, and how."""

    pairs: int | None = None
    """Pairs for every benchmark; None for as many as each of them wants."""
    scale: float = 1.0
    """What all sizes are multiplied by."""
    clock: Clock = time.process_time
    """What times a side that only computes, in seconds.

    By default the CPU time of the process: it counts all threads of ours and nobody else's work.
    It does not count waiting, so whoever suspects a pause in there passes ``time.perf_counter``.
    """

    def sized(self, size: int) -> int:
        """Returns ``size`` to scale, at least 1."""
        return max(round(size * self.scale), 1)

    def alternate(
        self, fluid: Callable[[], T], other: Callable[[], T], *, pairs: int = 11
    ) -> list[tuple[T, T]]:
        """Measures both sides in turn, after one pair that does not count.

        The garbage collector is run before each side, so that nobody pays for the one before, and
        stays on during it, because the garbage that a side makes is part of its price.

        Args:
            fluid: Does it once with fluid, and returns its figures.
            other: Does the same without.
            pairs: How often, unless the plan says otherwise. Default 11.

        Returns:
            The figures of both, pair by pair.
        """

        def pair() -> tuple[T, T]:
            gc.collect()
            figures = fluid()
            gc.collect()
            return figures, other()

        pair()
        return [pair() for _ in range(self.pairs or pairs)]


def python(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs this Python anew and returns what it printed.

    Args:
        *arguments: What stands behind ``python``.
        **environment: Variables that it has besides ours, or in their place.

    Raises:
        CalledProcessError: If it failed; its traceback went to stderr.
    """
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.stderr.write(done.stderr)
    done.check_returncode()
    return done
