"""Runs ``async def`` tests on virtual time, once for each way in which tasks can start.

A plain async test runs as ``[virtual]`` and, from Python 3.12 on, as ``[eager]``, where a task
begins to run inside ``create_task``. ``@pytest.mark.lazy_only("reason")`` leaves the latter out,
and ``@pytest.mark.virtual(horizon=...)`` hands options to ``fluid.testing.run``. A test marked
``real`` runs as ``[asyncio]`` and ``[uvloop]`` instead. On every loop it fails if it leaves a task
behind.
"""

from __future__ import annotations

import asyncio
import gc
import importlib.util
import inspect
import signal
import sys
from collections.abc import Callable, Coroutine, Generator
from functools import partial
from typing import Any

import pytest

from fluid.testing import LeakError, Unhandled, UnhandledError, pending_tasks, run
from fluid.testing.run import nothing_older_collected

EAGER_TASKS = sys.version_info >= (3, 12)
UVLOOP = importlib.util.find_spec("uvloop") is not None

# Whoever runs the tests in the background of a shell has SIGINT ignored, here and in all processes.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "lazy_only(reason): does not run with eager tasks")
    config.addinivalue_line("markers", "virtual(**options): what fluid.testing.run is to be given")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collects the tests without a search for garbage: of thousands of them, hardly any is."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop() -> Generator[None, object, object]:
    """Spares the collector all tests that were collected, in each of the searches to come."""
    with nothing_older_collected():
        return (yield)


@pytest.fixture(scope="module", autouse=True)
def little_to_collect() -> None:
    """Keeps the collector from searching what other modules have left, again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def nothing_to_collect_of_others(little_to_collect: None) -> None:
    """Does the same for what the tests before have left, whose own garbage each has collected."""
    gc.freeze()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if inspect.iscoroutinefunction(metafunc.function):
        metafunc.fixturenames.append("loop_kind")
        metafunc.parametrize("loop_kind", loop_kinds(metafunc.definition))


def loop_kinds(test: pytest.Item) -> list[Any]:
    """Returns the kinds of loop that an async test runs on."""
    if test.get_closest_marker("real"):
        missing = pytest.mark.skipif(not UVLOOP, reason="uvloop is not installed")
        return ["asyncio", pytest.param("uvloop", marks=missing)]
    if test.get_closest_marker("lazy_only") or not EAGER_TASKS:
        return ["virtual"]
    return ["virtual", "eager"]


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = pyfuncitem._fixtureinfo.argnames
    test = partial(pyfuncitem.obj, **{name: pyfuncitem.funcargs[name] for name in names})
    match pyfuncitem.callspec.params["loop_kind"]:
        case "asyncio":
            run_really(test, asyncio.new_event_loop)
        case "uvloop":
            run_really(test, importlib.import_module("uvloop").new_event_loop)
        case kind:
            marker = pyfuncitem.get_closest_marker("virtual")
            run(test, eager=kind == "eager", **(marker.kwargs if marker else {}))
    return True


def run_really(
    test: Callable[[], Coroutine[Any, Any, None]],
    loop_factory: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    """Runs a test on a real loop, and holds it to what ``fluid.testing.run`` would."""
    unhandled: list[Unhandled] = []

    def handle(_: object, context: dict[str, Any]) -> None:
        unhandled.append(Unhandled(context["message"], context.get("exception")))

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(handle)
        await test()
        if tasks := pending_tasks(loop):
            raise LeakError("the test has ended and left alive:", tasks)

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(main())
    if unhandled:
        raise UnhandledError(unhandled)
