"""Which tests can tell a mutant from the rules, and in which order they are tried.

Two plug-ins of pytest: one notes once, with nothing changed, which test calls which function and
how long it takes; the other runs those that matter, the quickest first.
"""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from collections.abc import Generator
from inspect import CO_OPTIMIZED
from types import CodeType, FrameType
from typing import NamedTuple

import pytest

from tools.mutants_changes import MODULE

PACKAGE = "fluid.rules"


class Known(NamedTuple):
    """What is known of the tests."""

    calls: dict[str, list[str]]
    """For each ``module:function``, and each ``module:(module)``, the tests that called it, and the
    files that did so while they were imported."""
    seconds: dict[str, float]
    """How long each test took."""

    def tests_of(self, module: str, place: str) -> list[str]:
        """Returns the tests to run, in order: those that call a function, or all for a table.

        What belongs to no function is read by tests that call none, too.
        """
        near = set(self.calls.get(f"{module}:{place}", ()))
        chosen = {test: (0, spent) for test, spent in self.seconds.items() if _is_in(test, near)}
        if not near or place == MODULE:
            near = set(self.calls.get(f"{module}:{MODULE}", ()))
            chosen = {test: (not _is_in(test, near), s) for test, s in self.seconds.items()}
        return sorted(chosen, key=chosen.__getitem__)


class Recorder:
    """Notes what the tests do when nothing is changed."""

    def __init__(self) -> None:
        self._calls: defaultdict[str, set[str]] = defaultdict(set)
        self._seconds: dict[str, float] = {}
        self._now: str = ""

    @property
    def known(self) -> Known:
        """What has been noted."""
        return Known({place: sorted(users) for place, users in self._calls.items()}, self._seconds)

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(
        self, collector: pytest.Collector
    ) -> Generator[None, object, object]:
        """Notes which file is being imported."""
        self._now = _file_of(collector.nodeid)
        return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Notes which test is being run, and how long it takes."""
        forget_answers()
        self._now, begun = item.nodeid, time.process_time()
        try:
            return (yield)
        finally:
            self._seconds[item.nodeid] = time.process_time() - begun

    def trace(self, frame: FrameType, _event: str, _arg: object) -> None:
        """Notes a call; for ``sys.settrace``, which is to trace no line of it."""
        module = frame.f_globals.get("__name__") or ""
        is_function = (
            frame.f_code.co_flags & CO_OPTIMIZED
        )  # and not the body of a module or a class
        if is_function and module.startswith(PACKAGE):
            for place in (_function_of(frame.f_code), MODULE):
                self._calls[f"{module}:{place}"].add(self._now)


class Choice:
    """Runs the given tests, in that order, after those that nobody knew: a mutant names them."""

    def __init__(self, tests: list[str], known: Known) -> None:
        self._ranks: dict[str, int] = {test: rank for rank, test in enumerate(tests)}
        self._known: Known = known

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Leaves out the others."""
        ranks, seconds = self._ranks, self._known.seconds
        items[:] = [test for test in items if test.nodeid in ranks or test.nodeid not in seconds]
        items.sort(key=lambda test: ranks.get(test.nodeid, -1))

    def pytest_runtest_setup(self) -> None:
        """Begins each test as if it were the first."""
        forget_answers()


def forget_answers() -> None:
    """Empties the caches of the rules: each test calls what it needs, whatever ran before it."""
    for name in [name for name in sys.modules if name.startswith(PACKAGE)]:
        for value in vars(sys.modules[name]).values():
            if hasattr(value, "cache_clear"):
                value.cache_clear()


def _function_of(code: CodeType) -> str:
    """Returns the name of a function; of one inside another, that of the outer one."""
    return code.co_qualname.partition(".<locals>")[0]


def _file_of(test: str) -> str:
    return test.partition("::")[0]


def _is_in(test: str, users: set[str]) -> bool:
    return test in users or _file_of(test) in users
