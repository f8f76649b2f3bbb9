"""Runs the tests on one mutant after another, each in a process of its own.

All of them are forks of one process, which has loaded what the tests need and nothing of fluid. A
fork changes the tree of one module in its memory, imports fluid with it, and runs the tests until
one fails. No file is changed; examples are made up from the same seed each time.
"""

from __future__ import annotations

import ast
import importlib
import os
import pickle
import resource
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import Enum
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from itertools import islice
from pathlib import Path
from types import CodeType, ModuleType
from typing import NamedTuple

import pytest

from tools.mutants_changes import Mutant
from tools.mutants_tests import Choice, Known, Recorder

TESTS = "tests/rules"

LEAST_LIMIT = 10
"""Seconds of the processor that any trial may take."""

FACTOR = 4
"""How many times as long as without a change its tests may take, before they count as endless."""

MEMORY = 4 << 30
"""Bytes that a trial may take: one that would take all fails instead."""

OPTIONS = (
    *("-qq", "--exitfirst", "--tb=no", "--no-header", "--noconftest"),
    *("-p", "no:cacheprovider", "-p", "no:faulthandler", "-p", "pytest_timeout"),
)
PRELOADED = ("asyncio", "cronsim", "hypothesis", "logging.config", "statistics", "zoneinfo")


class Verdict(Enum):
    """What the tests made of a mutant."""

    KILLED = "killed"
    """One failed."""
    ENDLESS = "timed out"
    """They did not end."""
    SURVIVED = "survived"
    """All passed."""


class Trial(NamedTuple):
    """A mutant and its module."""

    module: str
    mutant: Mutant
    tree: ast.Module


def prepare(folder: Path) -> None:
    """Makes this process the one to fork: in a copy of the repository, with nothing of fluid."""
    os.chdir(folder)
    sys.path[:0] = [str(folder / "src"), str(folder)]
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    for name in PRELOADED:
        importlib.import_module(name)
    from hypothesis import Phase, settings

    settings.register_profile(
        "mutants",
        database=None,
        deadline=None,
        derandomize=True,
        phases=(Phase.explicit, Phase.generate),
    )
    settings.load_profile("mutants")
    assert "fluid" not in sys.modules


def observed() -> Known:
    """Returns what the tests do if nothing is changed.

    Raises:
        RuntimeError: If one fails: then nothing can be said of a mutant.
    """
    recorder = Recorder()
    with tempfile.TemporaryFile() as file:

        def run() -> int:
            sys.settrace(recorder.trace)
            code = pytest.main([*OPTIONS, TESTS], plugins=[recorder])
            sys.settrace(None)
            pickle.dump(recorder.known, file)
            file.flush()
            return int(code)

        _, status = os.waitpid(_forked(run), 0)
        if status:
            raise RuntimeError(f"a test in {TESTS} fails with nothing changed: run them first")
        file.seek(0)
        known: Known = pickle.load(file)
        return known


def judged(
    trials: Iterable[Trial], known: Known, *, at_once: int
) -> Iterator[tuple[Trial, Verdict]]:
    """Yields each trial with its verdict, as they end; so many are run ``at_once``."""
    waiting, running = iter(trials), dict[int, Trial]()
    while True:
        for trial in islice(waiting, at_once - len(running)):
            running[_begun(trial, known)] = trial
        if not running:
            return
        pid, status = os.wait()
        yield running.pop(pid), _verdict(status)


def _verdict(status: int) -> Verdict:
    if os.WIFSIGNALED(status):
        return Verdict.ENDLESS
    return Verdict.KILLED if os.WEXITSTATUS(status) else Verdict.SURVIVED


def _begun(trial: Trial, known: Known) -> int:
    """Begins a trial; returns the id of its process."""
    tests = known.tests_of(trial.module, trial.mutant.place)
    files = list(dict.fromkeys(test.partition("::")[0] for test in tests))
    usual = sum(known.seconds[test] for test in tests)
    limit = LEAST_LIMIT + int(FACTOR * usual)

    def run() -> int:
        resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        trial.mutant.apply()
        sys.meta_path.insert(0, Finder(trial.module, trial.tree))
        return int(pytest.main([*OPTIONS, *files], plugins=[Choice(tests, known)]))

    return _forked(run)


def _forked(run: Callable[[], int]) -> int:
    """Runs a function in a silent process of its own, which exits with what it returns."""
    if pid := os.fork():
        return pid
    code = 1
    try:
        nowhere = os.open(os.devnull, os.O_RDWR)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        code = run()
    finally:
        os._exit(code)


class Finder(MetaPathFinder):
    """Finds one module, and loads it from a tree in place of its file."""

    def __init__(self, module: str, tree: ast.Module) -> None:
        self._module: str = module
        self._tree: ast.Module = tree

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Returns where that module is, and nothing for all others."""
        if name != self._module:
            return None
        spec = PathFinder.find_spec(name, path)
        assert spec is not None
        assert spec.origin is not None
        spec.loader = Changed(name, spec.origin, self._tree)
        return spec


class Changed(SourceFileLoader):
    """Loads a module from a tree."""

    def __init__(self, name: str, path: str, tree: ast.Module) -> None:
        super().__init__(name, path)
        self._tree: ast.Module = tree

    def get_code(self, fullname: str) -> CodeType:
        """Returns what the tree says."""
        code: CodeType = compile(ast.fix_missing_locations(self._tree), self.path, "exec")
        return code
