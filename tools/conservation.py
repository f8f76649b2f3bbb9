"""The campaign of conservation: a million messages, with every fault at every step.

The scenarios are those of ``tests/scenarios/test_conservation.py``, larger. Each is run once for
every fault that it offers at every step, in each of its settings; then all go on, round after round
of new seeds, until so many messages have gone through. A failing schedule is printed with the line
that replays it, and the campaign goes on.

    make conservation
    make conservation ARGS="--messages 50000 -k batch"
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from itertools import product
from typing import Any

from fluid.testing import explore, sweep
from fluid.testing.schedules.report import ExplorationError, NeverHappenedError
from fluid.testing.schedules.tally import TOTAL

# By name, because what it finds there is tests, and those are not for the type checker.
cast: Any = import_module("tests.scenarios.conservation_cast")
test_conservation: Any = import_module("tests.scenarios.test_conservation")

MESSAGES = 1_000_000
SIZE = 18
"""Messages that each life is sent."""
SEEDS_A_ROUND = 200
VARIANTS = 4
"""With and without a limit, with time to drain and too little."""
PAIRS = 100
"""Schedules with two faults, in the first round."""


class Campaign:
    """Runs scenarios until enough messages have gone through them, and counts what fails."""

    def __init__(self, scenarios: Sequence[Callable[..., Any]], messages: int) -> None:
        self.scenarios: Sequence[Callable[..., Any]] = scenarios
        self.messages: int = messages
        self.violations: list[str] = []
        self._began: float = time.monotonic()

    def run(self) -> None:
        """Sweeps each scenario, then explores all of them by turns."""
        for cast.VARIANT, scenario in product(range(VARIANTS), self.scenarios):
            if cast.TOTALS["accepted"] < self.messages:
                self._attempt(sweep, scenario, pairs=PAIRS)
        first = 0
        while cast.TOTALS["accepted"] < self.messages:
            for scenario in self.scenarios:
                seeds = range(first, first + SEEDS_A_ROUND)
                self._attempt(explore, scenario, seeds=seeds, faults="offered")
            first += SEEDS_A_ROUND

    def _attempt(
        self, how: Callable[..., Any], scenario: Callable[..., Any], **options: Any
    ) -> None:
        name = scenario.__qualname__
        try:
            how(scenario, eager="both", **options)
        except ExplorationError as error:
            self.violations.append(name)
            setting = f"SIZE = {cast.SIZE}, VARIANT = {cast.VARIANT}"
            print(f"\n=== VIOLATION in {name}, with {setting}\n{error}\n", flush=True)
        except NeverHappenedError as error:  # which the suite judges, and a part of it cannot
            print(error)
        minutes = (time.monotonic() - self._began) / 60
        print(f"{how.__name__} {name}: {self.totals()}, {minutes:.1f} minutes", flush=True)

    def totals(self) -> str:
        """Returns how far it has come, in one line."""
        count = cast.TOTALS["accepted"]
        return f"{count:,} messages, {TOTAL}, {len(self.violations)} violations"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--messages", type=int, default=MESSAGES, help="how many (1,000,000)")
    parser.add_argument("--size", type=int, default=SIZE, help=f"sent to each life ({SIZE})")
    parser.add_argument("-k", default="", help="only scenarios with this in their name")
    args = parser.parse_args()
    cast.SIZE = args.size
    tests = [test for name, test in vars(test_conservation).items() if name.startswith("test_")]
    scenarios = [test.__wrapped__ for test in tests if args.k in test.__name__]
    campaign = Campaign(scenarios, args.messages)
    campaign.run()
    print(f"\n{campaign.totals()}")
    for fate in ("handled", "dead", "returned", "dropped", "queued"):
        print(f"  {fate:10} {cast.TOTALS[fate]:>12,}")
    for fault, times in TOTAL.faults.most_common():
        print(f"  fault {fault:30} {times:>9,}")
    for name in sorted(set(campaign.violations)):
        print(f"  VIOLATION in {name}")
    return 1 if campaign.violations else 0


if __name__ == "__main__":
    sys.exit(main())
