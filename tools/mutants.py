"""Changes the rules one small thing at a time, and tells which changes no test notices.

A mutant is a module of ``fluid.rules`` with one change in it: a ``<`` that is a ``<=``, a number
one more, a row of a table less. If all of tests/rules pass all the same, it has survived: either a
test is missing, or the change changes nothing. Those of the second kind are in tests/mutants.toml,
each with the reason; any other is an error, and so is one that is listed and does not survive.

Usage: ``python -m tools.mutants [--only backoff] [--sample 200 --seed 1] [--jobs 2]``. It changes
no file: it works on a copy, and in the memory of processes.
"""

from __future__ import annotations

import argparse
import ast
import os
import shutil
import sys
import tempfile
import time
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import NamedTuple

from tools.mutants_changes import MODULE, Mutant, mutants
from tools.mutants_tests import Known
from tools.mutants_trials import Trial, Verdict, judged, observed, prepare

ROOT = Path(__file__).parents[1]
RULES = Path("src/fluid/rules")
LIST = ROOT / "tests" / "mutants.toml"
COPIED = ("src", "tests", "tools", "pyproject.toml", "conftest.py")

MUTANTS_SURVIVE = 1
NOTHING_TO_DO = 2


class Name(NamedTuple):
    """How a mutant is called in the list."""

    where: str
    """Module and function, as ``backoff:Backoff.base``."""
    change: str
    """What is changed, in which statement."""


class Account:
    """What became of the mutants."""

    def __init__(self) -> None:
        self.counts: defaultdict[str, Counter[Verdict]] = defaultdict(Counter)
        self.survivors: set[Name] = set()
        self.judged: set[Name] = set()

    def note(self, trial: Trial, verdict: Verdict) -> None:
        """Counts one mutant."""
        module, name = short(trial.module), name_of(trial)
        self.counts[module][verdict] += 1
        self.judged.add(name)
        if verdict is Verdict.SURVIVED:
            self.survivors.add(name)

    def table(self) -> str:
        """Returns the figures by module."""
        total = sum(self.counts.values(), Counter[Verdict]())
        rows = [*sorted(self.counts.items()), ("all", total)]
        head = f"{'module':24}{'mutants':>9}" + "".join(f"{v.value:>11}" for v in Verdict)
        return "\n".join(
            [
                head,
                *(
                    f"{module:24}{counts.total():>9}"
                    + "".join(f"{counts[verdict]:>11}" for verdict in Verdict)
                    for module, counts in rows
                ),
            ]
        )


def main() -> int:
    """Tries the mutants; returns the exit code."""
    options = parser().parse_args()
    explained = read_list(LIST)
    trials = list(all_trials(options.only))
    if not trials:
        print(f"no module of {RULES} has {options.only!r} in its name", file=sys.stderr)
        return NOTHING_TO_DO
    is_whole = not options.only and not options.sample
    if options.sample and options.sample < len(trials):
        trials = Random(options.seed).sample(trials, options.sample)
    account, begun = Account(), time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="fluid-mutants-") as folder:
        copy_to(Path(folder))
        prepare(Path(folder))
        try:
            known = observed()
            check_that_no_change_survives(known)
        except RuntimeError as error:
            print(error, file=sys.stderr)
            return NOTHING_TO_DO
        for trial, verdict in judged(trials, known, at_once=options.jobs):
            account.note(trial, verdict)
            if verdict is Verdict.SURVIVED and name_of(trial) not in explained:
                print("survived:", *name_of(trial), sep="\n  ", flush=True)
        os.chdir(ROOT)
    print(account.table())
    print(f"in {time.perf_counter() - begun:.0f} seconds")
    return conclusion(account, explained, is_whole=is_whole)


def parser() -> argparse.ArgumentParser:
    """Returns what reads the command line."""
    parser = argparse.ArgumentParser(prog="python -m tools.mutants", description=__doc__)
    parser.add_argument("--only", default="", help="modules with this in their name")
    parser.add_argument("--sample", type=int, default=0, help="so many, by chance")
    parser.add_argument("--seed", type=int, default=0, help="which ones these are")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="so many at once")
    return parser


def all_trials(only: str) -> Iterator[Trial]:
    """Yields all mutants of the modules that have ``only`` in their name."""
    for path in sorted((ROOT / RULES).rglob("*.py")):
        module = ".".join(path.relative_to(ROOT / "src").with_suffix("").parts)
        if only not in short(module):
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for mutant in mutants(tree):
            yield Trial(module, mutant, tree)


def check_that_no_change_survives(known: Known) -> None:
    """Tries a mutant that is none: if it is killed, so is everything, and no figure means anything.

    Raises:
        RuntimeError: It was.
    """
    tree = ast.parse((ROOT / RULES / "names.py").read_text(encoding="utf-8"))
    same = Mutant(MODULE, "nothing", tree, "body", 0, tree.body[0])
    [(_, verdict)] = judged([Trial("fluid.rules.names", same, tree)], known, at_once=1)
    if verdict is not Verdict.SURVIVED:
        raise RuntimeError(f"a module that is not changed at all was {verdict.value}")


def copy_to(folder: Path) -> None:
    """Copies what the tests need, so that nobody's edits meet a run that is under way."""
    for name in COPIED:
        source, target = ROOT / name, folder / name
        shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)


def read_list(path: Path) -> dict[Name, str]:
    """Returns the mutants that may survive, each with the reason."""
    rows = tomllib.loads(path.read_text(encoding="utf-8")).get("survivor", [])
    return {Name(row["where"], row["change"]): row["why"] for row in rows}


def conclusion(account: Account, explained: dict[Name, str], *, is_whole: bool) -> int:
    """Says which mutants should have been killed, and which are listed in vain."""
    known = account.judged | (explained.keys() if is_whole else set())
    unexplained = account.survivors - explained.keys()
    stale = (explained.keys() & known) - account.survivors
    for name in sorted(stale):
        print("does not survive, or is no more; take it off the list:", *name, sep="\n  ")
    print(f"{len(account.survivors)} survived; {LIST.name} has no reason for {len(unexplained)}")
    return MUTANTS_SURVIVE if unexplained or stale else 0


def name_of(trial: Trial) -> Name:
    """Returns how the list calls a mutant."""
    return Name(f"{short(trial.module)}:{trial.mutant.place}", trial.mutant.change)


def short(module: str) -> str:
    """Returns ``schedules.cron`` for ``fluid.rules.schedules.cron``."""
    return module.removeprefix("fluid.rules").removeprefix(".") or "(package)"


if __name__ == "__main__":
    sys.exit(main())
