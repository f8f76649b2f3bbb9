"""Kills a thousand processes that run ``fluid run``, at random moments, and judges how they end.

Each is one of the cast (``signals_cast.py``): it behaves, fails, hangs or blocks in its own way, on
asyncio or on uvloop. It gets a SIGTERM somewhere between exec and exit, every third one a second
signal too, and some a third. Half of them are looked at meanwhile, by systemd, by clients, by a
file, and work on for a drain delay. What it has to do then is said in ``signals_rules.py``, and
what there has to be seen of it in ``signals_sights.py``.

    make signals
    make signals ARGS="--count 100 --first 5000"
    make signals ARGS="--only 4711"
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from math import inf
from tempfile import TemporaryDirectory

from .signals_life import Case, Pulse, case_of, live
from .signals_records import Life
from .signals_rules import KINDS, SLACK, TO_EXIT, codes, due, faults, name_of, phase
from .signals_sights import worked_on, wrong_sights

COUNT = 1000
DEADLINE = 1.5
EVERY = 50
"""Processes from one line of progress to the next."""


TOO_LATE = 0.05
"""The part of the slack for which the machine may keep somebody from running; where it did so for
longer, a failure may be the machine's. The deadline leaves a worker a grace of 0.05 seconds."""
ATTEMPTS = 5
"""Lives that a case has because of that, at the most."""


class Tally:
    """What there was, and what was wrong with it."""

    def __init__(self, deadline: float, slack: float) -> None:
        self.deadline: float = deadline
        self.slack: float = slack
        self.failures: list[int] = []
        self.count: int = 0
        self.signals: int = 0
        self.repeated: int = 0
        """Lives that failed on a machine that was too busy for them, and were lived again."""
        self.worst: float = -inf
        """Seconds after its deadline at which the last process was gone; before it, if negative."""
        self.phases: Counter[str] = Counter()
        self.codes: defaultdict[str, Counter[int]] = defaultdict(Counter)
        self.longest: defaultdict[str, float] = defaultdict(float)
        self.looked_at: int = 0
        self.drained: int = 0
        self.statuses: Counter[int] = Counter()
        """What clients were answered."""
        self._began: float = time.monotonic()

    def add(self, case: Case, life: Life) -> list[str]:
        """Judges one life; returns what was wrong with it."""
        self.count += 1
        self.signals += len(life.sent)
        self.codes[case.kind.name][life.code] += 1
        if life.sent:
            first = life.sent[0].at
            self.phases[phase(life, first)] += 1
            self.longest[case.kind.name] = max(self.longest[case.kind.name], life.gone_at - first)
        self.worst = max(self.worst, life.gone_at - due(life, self.deadline))
        self.statuses.update(answer.status for answer in life.sights.answers)
        self.looked_at += any(life.asked)
        self.drained += worked_on(case.kind, life) is not None
        if found := wrong(case, life, self.deadline, self.slack):
            self.failures.append(case.seed)
        return found

    def __str__(self) -> str:
        seconds = time.monotonic() - self._began
        return (
            f"{self.count:,} processes, {self.signals:,} signals, {len(self.failures)} failures; "
            f"the latest {self.worst + self.deadline:.2f} seconds after its signal or its own stop "
            f"(deadline {self.deadline:g}); {self.repeated} repeated; {seconds:.0f} seconds, "
            f"{self.count / seconds:.1f}/s"
        )

    def tables(self) -> Iterable[str]:
        """Yields the figures by kind, and by what the first signal has met."""
        yield f"\n{'kind':24}{'until it was gone':>18}   exit codes"
        for kind in KINDS:
            if counted := self.codes[kind.name]:
                each = ", ".join(f"{name_of(code)}: {n}" for code, n in sorted(counted.items()))
                yield f"{kind.name:24}{self.longest[kind.name]:>15.2f} s   {each}"
        met = ", ".join(
            f"{mark or 'exec'} {self.phases[mark]}" for mark in (*TO_EXIT, "failing", "hanging")
        )
        yield f"\nthe first signal came after: {met}; too late: {self._too_late()}"
        answers = ", ".join(f"{status}: {n}" for status, n in sorted(self.statuses.items()))
        yield f"looked at: {self.looked_at}; answers of /readyz: {answers or 'none'}"
        yield f"had to work on for a drain delay: {self.drained}"

    def _too_late(self) -> int:
        return self.count - self.phases.total()


def wrong(case: Case, life: Life, deadline: float, slack: float) -> list[str]:
    """Returns what was wrong with a life, and with what was to be seen of it."""
    return [*faults(case.kind, life, deadline, slack), *wrong_sights(case.kind, life)]


def report(case: Case, life: Life, found: Sequence[str]) -> str:
    """Returns all there is to know about a failure, and how to see it again."""
    zero = min(life.marks.values(), default=life.gone_at)
    marks = ", ".join(f"{mark} {at - zero:.3f}" for mark, at in life.marks.items())
    sent = ", ".join(f"{each.number} at {each.at - zero:.3f}" for each in life.sent)
    allowed = ", ".join(map(str, sorted(codes(case.kind, life))))
    return "\n".join(
        (
            f"\n=== FAILED {case}",
            *(f"  {each}" for each in found),
            f"  marks: {marks}",
            f"  signals: {sent or 'none'}",
            f"  gone at {life.gone_at - zero:.3f} with exit code {life.code}; allowed: {allowed}",
            *(f"  systemd: {text!r}" for text in life.sights.told),
            *(f"  | {line}" for line in life.errors.splitlines()[-30:]),
            f'  again: make signals ARGS="--only {case.seed}"\n',
        )
    )


def play(cases: Sequence[Case], deadline: float, jobs: int, slack: float = SLACK) -> Tally:
    """Lives them all, so many at a time."""
    tally = Tally(deadline, slack)
    with TemporaryDirectory() as cache, Pulse() as pulse, ThreadPoolExecutor(jobs) as pool:
        first = next(kind for kind in KINDS if kind.name == "ends")
        for loop in {case.loop for case in cases}:  # writes the bytecode that all others read
            live(Case(-1, first, loop, ()), deadline, cache)

        def live_undisturbed(case: Case) -> Life:
            for _ in range(ATTEMPTS):
                began = time.monotonic()
                life = live(case, deadline, cache)
                found = wrong(case, life, deadline, slack)
                if not found or pulse.late_since(began) <= TOO_LATE * slack:
                    break
                tally.repeated += 1
                print(f"once more, on a busy machine: {case.seed}: {'; '.join(found)}")
            return life

        waiting = {pool.submit(live_undisturbed, case): case for case in cases}
        for done in as_completed(waiting):
            case, life = waiting[done], done.result()
            if found := tally.add(case, life):
                print(report(case, life, found), flush=True)
            if tally.count % EVERY == 0:
                print(tally, flush=True)
    return tally


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    add = parser.add_argument
    add("--count", type=int, default=COUNT, help=f"how many processes ({COUNT:,})")
    add("--first", type=int, default=0, help="the seed to begin with (0)")
    add("--only", type=int, metavar="SEED", help="the one process of this seed")
    add("--deadline", type=float, default=DEADLINE, help=f"of each process, seconds ({DEADLINE})")
    add("--jobs", type=int, default=4 * (os.cpu_count() or 1), help="how many at a time")
    add("-k", default="", help="only kinds with this in their name")
    args = parser.parse_args()
    kinds = [kind for kind in KINDS if args.k in kind.name]
    only = args.only is not None
    seeds = [args.only] if only else range(args.first, args.first + args.count)
    cases = [case_of(seed) for seed in seeds]
    cases = [case for case in cases if case.kind in kinds]
    tally = play(cases, args.deadline, args.jobs)
    print(tally)
    for line in [str(case) for case in cases] if only else tally.tables():
        print(line)
    for seed in tally.failures:
        print(f"FAILED --only {seed}: {case_of(seed)}")
    return 1 if tally.failures else 0


if __name__ == "__main__":
    sys.exit(main())
