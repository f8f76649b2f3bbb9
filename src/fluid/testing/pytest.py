"""The pytest plug-in: fixtures for virtual time and explored schedules, and options to replay.

Name it in the ``conftest.py`` at the root of your tests::

    pytest_plugins = ["fluid.testing.pytest"]

It is not loaded unless you ask for it, and what a test does not use costs it nothing.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack
from functools import partial
from typing import Any, TypeVar

import pytest

from ..errors import FluidValueError
from ..worker.base import Worker
from .exploring import AnyScenario, exhaust, explore, replay, sweep
from .leaks import leaks
from .loop import VirtualLoop
from .recorder import LifecycleEvents
from .run import run_on
from .schedules.overrides import overridden, seeds_from
from .schedules.schedule import Schedule
from .schedules.simulate import Run
from .schedules.tally import TOTAL, Tally
from .stress import stress
from .wall_clock import WallClock

__all__ = ["ExplorerFixture", "VirtualClock"]

T = TypeVar("T")

_session = pytest.StashKey[ExitStack]()
_TALLY = "fluid_tally"


# --- fixtures ------------------------------------------------------------------------------------


class VirtualClock:
    """The clock of a virtual loop, and how to run on it.

    An ``async def`` test that asks for the fixture ``virtual_clock`` runs on its loop. A plain test
    calls :meth:`run`, once.
    """

    def __init__(self) -> None:
        self.loop: VirtualLoop = VirtualLoop()
        """The loop."""

    @property
    def wall(self) -> WallClock:
        """The time of day, which can be scripted."""
        return self.loop.wall

    def time(self) -> float:
        """Returns the virtual seconds since the test began."""
        return self.loop.time()

    def run(self, main: Callable[[], Coroutine[Any, Any, T]] | Coroutine[Any, Any, T]) -> T:
        """Runs ``main`` as :func:`fluid.testing.run` does, on this clock."""
        return run_on(self.loop, main)


class ExplorerFixture:
    """What :mod:`fluid.testing` explores with: call it as :func:`fluid.testing.explore`."""

    def __call__(self, scenario: AnyScenario, **options: Any) -> Tally:
        """Explores, as :func:`fluid.testing.explore` does."""
        return explore(scenario, **options)

    def sweep(self, scenario: AnyScenario, **options: Any) -> Tally:
        """Sweeps, as :func:`fluid.testing.sweep` does."""
        return sweep(scenario, **options)

    def exhaust(self, scenario: AnyScenario, **options: Any) -> Tally:
        """Exhausts, as :func:`fluid.testing.exhaust` does."""
        return exhaust(scenario, **options)

    def replay(self, scenario: AnyScenario, schedule: Schedule | str, **options: Any) -> Run:
        """Replays, as :func:`fluid.testing.replay` does."""
        return replay(scenario, schedule, **options)

    def stress(self, factory: Callable[[], Worker], **options: Any) -> Tally:
        """Stresses, as :func:`fluid.testing.stress` does."""
        return stress(factory, **options)


@pytest.fixture
def virtual_clock(request: pytest.FixtureRequest) -> Iterator[VirtualClock]:
    """A clock on which hours pass in milliseconds; an async test that asks for it runs on it."""
    clock = VirtualClock()
    yield clock
    was_used = clock.loop.is_closed()
    clock.loop.close()
    if inspect.iscoroutinefunction(getattr(request.node, "obj", None)) and not was_used:
        pytest.fail(
            "another plug-in has run this async test on a real loop, in place of virtual_clock: "
            "leave its mark or its automatic mode off here"
        )


@pytest.fixture
def explorer() -> ExplorerFixture:
    """``explorer(scenario, seeds=…)``, ``.sweep``, ``.exhaust``, ``.replay``, ``.stress``."""
    return ExplorerFixture()


@pytest.fixture
def lifecycle_events() -> Iterator[LifecycleEvents]:
    """The lifecycle events of every worker of the process, while the test runs."""
    with LifecycleEvents() as events:
        yield events


@pytest.fixture
def no_leaks() -> Iterator[None]:
    """Fails the test if it leaves threads, files, child processes or garbage cycles behind."""
    with leaks():
        yield


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Runs an async test that asks for ``virtual_clock`` on it."""
    clock = getattr(pyfuncitem, "funcargs", {}).get("virtual_clock")
    if clock is None or not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = pyfuncitem._fixtureinfo.argnames
    clock.run(partial(pyfuncitem.obj, **{name: pyfuncitem.funcargs[name] for name in names}))
    return True


# --- options -------------------------------------------------------------------------------------


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the options."""
    group = parser.getgroup("fluid", "explored schedules")
    group.addoption(
        "--fluid-seeds",
        metavar="SEEDS",
        help="explore these seeds in place of those that the tests name: 500, or 500:1000",
    )
    group.addoption(
        "--fluid-replay",
        metavar="SCHEDULE",
        help="run every explored test in this one schedule, as a failure has printed it",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Puts the options into force until the session ends."""
    config.addinivalue_line("markers", "explored: runs under many schedules (@explored adds it)")
    seeds, schedule = config.getoption("--fluid-seeds"), config.getoption("--fluid-replay")
    session = config.stash[_session] = ExitStack()
    try:
        session.enter_context(
            overridden(
                seeds=None if seeds is None else seeds_from(seeds),
                schedule=None if schedule is None else Schedule.parse(schedule),
            )
        )
    except FluidValueError as error:
        raise pytest.UsageError(str(error)) from None


def pytest_unconfigure(config: pytest.Config) -> None:
    """Lets go of the options."""
    config.stash[_session].close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks the tests that ``@explored`` made, so that ``-m explored`` selects them."""
    for item in items:
        if getattr(getattr(item, "function", None), "is_explored", False):
            item.add_marker("explored")


# --- what was explored ---------------------------------------------------------------------------


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Sends what this process has explored home, where pytest-xdist has made it one of many."""
    output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if output is not None:
        output[_TALLY] = TOTAL.as_data()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Adds what a process of pytest-xdist's has explored."""
    if (data := getattr(node, "workeroutput", {}).get(_TALLY)) is not None:
        TOTAL.add(Tally.from_data(data))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Says what was explored, if anything was."""
    if TOTAL.schedules:
        terminalreporter.write_line(f"fluid explored {TOTAL}")
