"""What can be imported from where, and what that costs."""

from __future__ import annotations

import functools
import importlib
import inspect
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import fluid
import fluid.errors
import fluid.utils.dispatcher
import fluid.utils.errors
import fluid.utils.worker

SOURCE = Path(fluid.__file__).parent.parent

DOORS = ["fluid", "fluid.utils.worker", "fluid.utils.dispatcher", "fluid.utils.errors"]

DOCUMENTED = {
    "fluid.utils.worker": [
        *("WorkerState", "Worker", "HasWorkers", "MessageProducer", "WorkerFunction"),
        *("QueueConsumer", "QueueConsumerWorker", "AsyncConsumer", "Workers"),
    ],
    "fluid.utils.dispatcher": ["Event", "BaseDispatcher", "Dispatcher", "AsyncDispatcher"],
    "fluid.utils.errors": ["FluidError", "FluidValueError", "ValidationError", "WorkerStartError"],
}
"""The names of the documented API."""

ALONE = f"import sys; sys.path.insert(0, {str(SOURCE)!r}); before = set(sys.modules)\n"
"""Runs without site-packages, so that nothing but the standard library can be found."""


@functools.cache
def in_a_fresh_python(program: str) -> list[str]:
    """Runs ``program`` in an interpreter that has nothing installed; returns its lines."""
    command = [sys.executable, "-I", "-S", "-W", "error", "-c", ALONE + program]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def imported_by(statement: str) -> list[str]:
    """Returns the modules that ``statement`` adds to a fresh interpreter."""
    return in_a_fresh_python(f"{statement}\nprint(*sorted(set(sys.modules) - before))")


def public_names(module: ModuleType) -> list[str]:
    """Returns what a module has bound that is neither private nor a module."""
    return [
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and not inspect.ismodule(value)
        and name not in ("annotations", "TYPE_CHECKING")
    ]


# --- what an import brings with it ---------------------------------------------------------------


@pytest.mark.parametrize(
    "statement", ["from fluid.utils.worker import Worker", *(f"import {door}" for door in DOORS)]
)
def test_import_brings_nothing_from_outside_of_the_standard_library(statement: str) -> None:
    roots = {module.partition(".")[0] for module in imported_by(statement)}
    assert roots - sys.stdlib_module_names == {"fluid"}


@pytest.mark.parametrize(
    "statement", ["from fluid.utils.worker import Worker", *(f"import {door}" for door in DOORS)]
)
def test_import_brings_neither_the_testing_kit_nor_the_runtime_nor_the_commands(
    statement: str,
) -> None:
    rooms = {".".join(module.split(".")[:2]) for module in imported_by(statement)}
    assert rooms & {"fluid.testing", "fluid.runtime", "fluid.cli"} == set()


def test_runtime_and_testing_kit_need_nothing_but_the_standard_library_either() -> None:
    roots = {
        module.partition(".")[0]
        for module in imported_by("import fluid.runtime, fluid.testing; fluid.run")
    }
    assert roots - sys.stdlib_module_names == {"fluid"}


@pytest.mark.parametrize("door", DOORS)
def test_timers_and_time_zones_are_loaded_when_somebody_asks_for_them(door: str) -> None:
    loaded = set(imported_by(f"import {door}"))
    timers = {module for module in loaded if "timers" in module or "schedules" in module}
    assert timers | loaded & {"cronsim", "zoneinfo"} == set()


def test_a_rate_needs_neither_cron_expressions_nor_time_zones() -> None:
    program = "from fluid import PeriodicWorker, every, Missed, Overlap; every(5, first='aligned')"
    loaded = set(imported_by(program))
    assert "fluid.worker.timers.firing" in loaded
    assert loaded & {"cronsim", "zoneinfo", "fluid.rules.schedules.cron"} == set()


def test_import_does_not_configure_logging_or_start_a_thread_or_a_loop() -> None:
    program = (
        "import fluid, fluid.testing, fluid.runtime, asyncio, logging, signal, threading\n"
        "print(len(logging.getLogger().handlers), threading.active_count())\n"
        "print(signal.getsignal(signal.SIGTERM) is signal.SIG_DFL)\n"
        "print(asyncio._get_running_loop())"
    )
    assert in_a_fresh_python(program) == ["0", "1", "True", "None"]


# --- fluid.run -----------------------------------------------------------------------------------


def test_run_is_loaded_when_somebody_asks_for_it() -> None:
    program = (
        "import fluid\n"
        "print('fluid.runtime' in sys.modules)\n"
        "run = fluid.run\n"
        "print('fluid.runtime' in sys.modules)\n"
        "import fluid.runtime\n"
        "print(run is fluid.run is fluid.runtime.run)"
    )
    assert in_a_fresh_python(program) == ["False", "True", "True"]


def test_run_can_be_imported_by_name_and_by_a_star() -> None:
    program = "from fluid import run\nfrom fluid import *\nimport fluid\nprint(run is fluid.run)"
    assert in_a_fresh_python(program) == ["True"]


def test_name_that_fluid_does_not_have_is_an_ordinary_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'fluid' has no attribute 'runn'"):
        fluid.runn  # noqa: B018 - reading it is the test
    assert not hasattr(fluid, "__wrapped__")


# --- __all__ and the doors -----------------------------------------------------------------------


@pytest.mark.parametrize("door", [*DOORS, "fluid.worker", "fluid.runtime", "fluid.testing"])
def test_all_is_sorted_and_every_name_in_it_is_there(door: str) -> None:
    module = importlib.import_module(door)
    constants_first = sorted(set(module.__all__), key=lambda name: (not name.isupper(), name))
    assert list(module.__all__) == constants_first
    for name in module.__all__:
        assert getattr(module, name) is not None


@pytest.mark.parametrize("door", DOORS)
def test_all_has_every_public_name_of_its_module(door: str) -> None:
    module = importlib.import_module(door)
    assert set(public_names(module)) <= set(module.__all__)


def test_front_door_has_everything_that_the_doors_to_workers_and_errors_have() -> None:
    behind = {*fluid.utils.worker.__all__, *fluid.utils.errors.__all__, "run"}
    assert behind <= set(fluid.__all__)


@pytest.mark.parametrize("door", ["fluid", "fluid.utils.errors"])
def test_door_has_every_error_that_fluid_can_raise(door: str) -> None:
    errors = {
        name
        for name, value in vars(fluid.errors).items()
        if inspect.isclass(value) and issubclass(value, BaseException)
    }
    assert (
        {"FluidError", "WorkerStartError"} <= errors <= set(importlib.import_module(door).__all__)
    )


@pytest.mark.parametrize(
    ("door", "name"), [(door, name) for door, names in DOCUMENTED.items() for name in names]
)
def test_documented_name_can_be_imported_from_its_documented_path(door: str, name: str) -> None:
    module = importlib.import_module(door)
    assert name in module.__all__
    assert getattr(module, name).__name__ == name


@pytest.mark.parametrize(
    "door", ["fluid.utils.worker", "fluid.utils.dispatcher", "fluid.utils.errors"]
)
def test_door_defines_nothing_and_leads_to_the_same_objects_as_every_other_way_in(
    door: str,
) -> None:
    module = importlib.import_module(door)
    for name in module.__all__:
        thing = getattr(module, name)
        home = importlib.import_module(thing.__module__)
        assert home.__name__ != door
        assert getattr(home, name) is thing
        if name in fluid.__all__:
            assert getattr(fluid, name) is thing


def test_every_public_thing_says_what_it_is() -> None:
    silent = [
        name
        for door in DOORS
        for name in importlib.import_module(door).__all__
        if not inspect.getdoc(getattr(importlib.import_module(door), name))
    ]
    assert silent == []


def test_package_is_typed_and_says_its_version() -> None:
    assert (SOURCE / "fluid" / "py.typed").is_file()
    assert fluid.__version__.count(".") >= 2
