"""The campaign: every explored test of the suite, under as many seeds as there is time for.

``make test`` runs a fixed, small number of seeds. This goes on where it ends, round after round of
new seeds, until the minutes or the seeds are over, and says what it has seen. A failing schedule is
printed with the line that replays it, and the campaign goes on: one seed less is no reason to lose
a night.

    make explore ARGS="--minutes 60"
    make explore ARGS="--seeds 5000 -k mailbox"
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator

import pytest

from fluid.testing.schedules.tally import TOTAL

FIRST_SEED = 0
SEEDS_A_ROUND = 200
"""So that a round takes a minute or two, and a campaign that ends on time ends nearly on time."""


class Failures:
    """Prints each failing test's report as it comes."""

    def __init__(self) -> None:
        self.tests: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Is told of each phase of each test."""
        if report.failed:
            self.tests.append(report.nodeid)
            print(f"\n=== FAILED {report.nodeid}\n{report.longreprtext}\n", flush=True)


def rounds(first: int, seeds: int | None, ends_at: float) -> Iterator[range]:
    """Yields the seeds of each round."""
    last = None if seeds is None else first + seeds
    while (last is None or first < last) and time.monotonic() < ends_at:
        upto = first + SEEDS_A_ROUND if last is None else min(first + SEEDS_A_ROUND, last)
        yield range(first, upto)
        first = upto


def explore(seeds: range, processes: str, pytest_args: list[str], failures: Failures) -> int:
    """Runs one round, and returns pytest's exit code."""
    return pytest.main(
        [
            "--quiet",
            "--no-header",
            "--no-summary",
            "--timeout=0",
            f"--numprocesses={processes}",
            "-m=explored",
            "--ignore=tests/testing",  # where the explorer itself is tested, by counting its seeds
            f"--fluid-seeds={seeds.start}:{seeds.stop}",
            *pytest_args,
        ],
        plugins=[failures],
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--seeds", type=int, help="stop after so many seeds for each test")
    parser.add_argument("--minutes", type=float, help="stop after the round that ends then (10)")
    parser.add_argument("--first", type=int, default=FIRST_SEED, help="the seed to begin with (0)")
    parser.add_argument("--processes", default="auto", help="how many at once (one for each core)")
    args, pytest_args = parser.parse_known_args()
    began = time.monotonic()
    limit = args.minutes if args.minutes or args.seeds else 10.0
    ends_at = began + limit * 60 if limit else float("inf")
    failures = Failures()
    for seeds in rounds(args.first, args.seeds, ends_at):
        code = explore(seeds, args.processes, pytest_args, failures)
        minutes = (time.monotonic() - began) / 60
        sum_so_far = f"{TOTAL}, {len(failures.tests)} failures"
        print(f"seeds {seeds.start} to {seeds.stop - 1}: {sum_so_far}, {minutes:.1f} minutes\n")
        if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
            return int(code)
    print(f"explored {TOTAL}, {len(failures.tests)} failures")
    for test in sorted(set(failures.tests)):
        print(f"  FAILED {test}")
    return 1 if failures.tests else 0


if __name__ == "__main__":
    sys.exit(main())
