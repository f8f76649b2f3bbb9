"""``fluid run``: what it hands over to the runtime, and which loop, and when it reloads."""

from __future__ import annotations

import asyncio
import os
import sys
from importlib.util import find_spec

import pytest

from fluid.cli import init, reload, running
from fluid.cli.child import LIFELINE
from fluid.runtime.settings import Settings
from fluid.settings import default_grace_period


@pytest.fixture
def operated(monkeypatch):
    """Takes note of what would be operated, and how, instead of doing it."""
    notes = {}

    def operate(make, *, name, settings, front):
        notes.update(make=make, name=name, settings=settings, front=front)
        return 42

    monkeypatch.setattr(running, "operate", operate)
    monkeypatch.setattr(running, "set_up", lambda **options: notes.update(options) or "front")
    return notes


def test_run_hands_everything_over_and_leaves_with_the_code(app, operated):
    words = ("--deadline=3", "--stall-threshold=0", "--log-format=json", "--log-level=error")
    end = app.fluid("run", *words, "app:make", "--", "x", "-y")
    assert end == (42, [], [])
    assert operated.pop("make").args == ("x", "-y")
    assert operated == {
        "name": "app:make",
        "settings": Settings(deadline=3.0, stall_threshold=0.0),
        "level": "error",
        "format": "json",
        "debug": False,
        "front": "front",
    }


def test_debugging_means_all_log_lines_and_a_loop_that_debugs(app, operated):
    app.fluid("run", "--debug", "--log-level=error", "app:make")
    assert (operated["level"], operated["debug"]) == ("debug", True)
    assert operated["settings"].debug


def test_arguments_may_follow_a_target_from_elsewhere(app, operated, monkeypatch):
    monkeypatch.setenv("FLUID_TARGET", "app:make")
    app.fluid("run", "--", "x")
    assert operated["name"] == "app:make"
    assert operated["make"].args == ("x",)


GRACES = {
    (): ("", 10.0),
    ("--stopping-grace-period", "2.5"): ("", 2.5),
    ("--stopping-grace-period", "inf"): ("3", float("inf")),
    ("--no-debug",): ("3", 3.0),
}


@pytest.mark.parametrize("words", GRACES, ids=" ".join)
def test_the_grace_period_reaches_the_constructors_by_the_environment(
    app, operated, monkeypatch, words
):
    """Z13"""
    variable, grace = GRACES[words]
    monkeypatch.setenv("FLUID_STOPPING_GRACE_PERIOD", variable)
    app.fluid("run", *words, "app:Cache")
    assert default_grace_period() == grace


def test_a_child_of_a_process_does_not_inherit_a_grace_period_that_nobody_gave(app, operated):
    app.fluid("run", "app:Cache")
    assert "FLUID_STOPPING_GRACE_PERIOD" not in os.environ


# --- the loop ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["asyncio", "app:make_loop", "app:asyncio.SelectorEventLoop", "uvloop"]
)
def test_the_loop_is_made_by_what_was_chosen(app, operated, name):
    if name == "uvloop" and find_spec("uvloop") is None:
        pytest.skip("uvloop is not installed")
    assert app.fluid("run", "--loop", name, "app:make").code == 42
    factory = operated["settings"].loop_factory
    assert (factory is None) == (name == "asyncio")
    if factory is not None:
        loop = factory()
        assert isinstance(loop, asyncio.AbstractEventLoop)
        loop.close()


WRONG_LOOPS = {
    "app:loop": "loop app:loop is not a function that makes an event loop: 3",
    "app:lop": "app:lop: module 'app' has no attribute 'lop' (did you mean 'loop'?); "
    "workers in app: Cache, make",
    "ap:loop": "module 'ap' was not found in {here} or elsewhere on the path (did you mean 'app'?)",
    "app:": "loop 'app:' is not of the form package.module:attribute; it may have identifiers and "
    "dots around one colon, and is not evaluated",
    "app:make_none": "loop app:make_none did not make an event loop, but None",
    "app:make_nothing": "loop app:make_nothing raised OSError: no descriptors, at app.py:20",
    "app:asyncio.timeout": "loop app:asyncio.timeout raised TypeError: timeout() missing 1 "
    "required positional argument: 'delay'",
}


@pytest.mark.parametrize("name", WRONG_LOOPS)
@pytest.mark.parametrize("command", ["run", "check"])
def test_a_loop_that_cannot_be_made_is_refused_in_one_line(app, monkeypatch, command, name):
    """I11, Z13"""
    monkeypatch.setattr(running, "set_up", lambda **_: None)
    line = f"fluid: {WRONG_LOOPS[name].format(here=app.folder)}"
    assert app.fluid(command, "--loop", name, "app:make") == (2, [], [line])


@pytest.mark.parametrize(
    ("words", "module", "line"),
    [
        (
            ("--loop", "uvloop"),
            "uvloop",
            'the loop uvloop is not installed: pip install "fluid-workers[uvloop]"',
        ),
        (
            ("--reload",),
            "watchfiles",
            '--reload needs a package; install it:  pip install "fluid-workers[reload]"',
        ),
    ],
)
def test_an_extra_that_is_missing_comes_with_its_install_line(
    app, operated, monkeypatch, words, module, line
):
    """Z13"""
    monkeypatch.setitem(sys.modules, module, None)
    assert app.fluid("run", *words, "app:make") == (2, [], [f"fluid: {line}"])


NO_PROCESS = {
    "--drain-delay=24.5": "--drain-delay: a drain delay of 24.5 seconds leaves nothing of the "
    "deadline of 25 for the stop; a deadline of 49.5 would do",
    "--http=8080": '--http needs a package; install it:  pip install "fluid-workers[http]"',
}


@pytest.mark.parametrize("word", NO_PROCESS)
@pytest.mark.parametrize("words", [("run",), ("run", "--reload"), ("check",)])
def test_what_no_process_can_be_run_with_is_refused_before_anything_is_made(
    app, operated, monkeypatch, words, word
):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    line = f"fluid: {NO_PROCESS[word]}"
    assert app.fluid(*words, word, "app:missing") == (2, [], [line])
    assert not operated


# --- reload --------------------------------------------------------------------------------------


@pytest.fixture
def reloaded(operated, monkeypatch):
    """Takes note of what would be run again and again, and of what is watched."""
    pytest.importorskip("watchfiles")
    monkeypatch.setattr(reload, "assembled", lambda *given, **_: operated.update(given=given))
    monkeypatch.setattr(reload, "_say_less", lambda: None)
    return operated


def test_reload_runs_the_same_command_line_options_of_the_interpreter_included(
    app, reloaded, monkeypatch
):
    """A module ``fluid`` of the user's own cannot take our place in the child, as ``-m`` has it."""
    monkeypatch.setattr(sys, "orig_argv", ["python", "-O", "/bin/fluid", "run", "--reload"])
    words = ("--reload", "--deadline=3", "--reload-path", str(app.folder))
    assert app.fluid("run", *words, "app:make").code == 42
    command, paths, deadline = reloaded["given"]
    assert command == [sys.executable, "-O", "/bin/fluid", "run", "--reload"]
    assert (paths, deadline) == ([app.folder], 3.0)
    assert reloaded["settings"].deadline == deadline + reload.RESERVE


@pytest.mark.parametrize("option", ["--reload", "--init"])
def test_the_child_of_a_reloader_runs_the_target_itself(app, operated, monkeypatch, option):
    monkeypatch.setattr(init, "stand_in_front", lambda: pytest.fail("a second process in front"))
    monkeypatch.setattr(running, "end_with_parent", lambda: None)
    monkeypatch.setenv(LIFELINE, "99999")
    assert app.fluid("run", option, "app:make").code == 42
    assert operated["name"] == "app:make"


def test_whoever_is_no_child_has_a_process_in_front_if_it_wants_one(app, operated, monkeypatch):
    monkeypatch.setattr(init, "stand_in_front", lambda: operated.update(front_process=True))
    app.fluid("run", "--init", "app:make")
    assert operated["front_process"]


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (
            ("--reload-path", "nowhere", "app:make"),
            "--reload-path nowhere: there is no such file or folder",
        ),
        (("app.py",), "target 'app.py' names a file; it has to be a module, as in app:NAME"),
    ],
)
def test_reload_refuses_what_no_change_can_mend(app, reloaded, words, line):
    """Z13"""
    assert app.fluid("run", "--reload", *words) == (2, [], [f"fluid: {line}"])
