"""``module:attribute``: what may stand there, and what is said of everything else."""

from __future__ import annotations

import sys
import types

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import fluid
from fluid.cli.refusal import Refusal
from fluid.cli.target import maker

APP = """
import asyncio, functools
from fluid import Worker, Workers

class Cache(Worker):
    async def run(self):
        while await self.sleep(60):
            pass

class Named(Cache):
    def __init__(self, name):
        super().__init__(name=name)

class Base(Worker):
    pass

class Half(Cache):
    def __init__(self):
        pass

class Settings:
    worker = Cache(name="inner")

class Broken:
    def __getattr__(self, name):
        raise OSError(name)

async def make() -> Workers:
    return Workers(Cache(), name="made")

def both(first, second="b", *, third=3) -> Worker:
    return Named(f"{first}-{second}")

def none():
    return None

def fail():
    raise ConnectionError("no\\nroute")

def fail_so_inside():
    fail()

def yields():
    yield Cache()

partly = functools.partial(both, second="c")
main = Workers(Cache(), name="app")
number = 3
broken = Broken()
half = Half()
"""


@pytest.fixture
def app(project):
    """A project whose module ``app`` has something of every kind."""
    project.write("app.py", APP)
    return project


# --- what runs -----------------------------------------------------------------------------------

GOOD = {
    "app:main": "app",
    "app:Cache": "cache",
    "app:Settings.worker": "inner",
    "app:make": "made",
    "app:both -- a": "a-b",
    "app:both -- a --deadline": "a---deadline",
    "app:partly -- a": "a-c",
    "app:Named -- x": "x",
    "app:Named -- --": "--",
}


@pytest.mark.parametrize("words", GOOD)
def test_a_worker_is_an_instance_or_made_by_a_class_or_a_function(app, words):
    end = app.fluid("check", *words.split())
    assert (end.code, end.errors) == (0, [])
    assert end.lines[0].split()[0] == GOOD[words]


def test_modules_are_found_in_packages_and_in_the_current_directory_first(project):
    project.write("json/__init__.py", "")
    project.write("json/inner.py", APP)
    sys.modules.pop("json", None)
    try:
        end = project.fluid("check", "json.inner:main")
    finally:
        for name in ("json", "json.inner"):
            sys.modules.pop(name, None)
    assert (end.code, end.errors) == (0, [])


# --- the text ------------------------------------------------------------------------------------

FORM = (
    "is not of the form package.module:attribute; it may have identifiers and dots around one "
    "colon, and is not evaluated"
)

WRONG_TEXTS = {
    "app": (
        "target 'app' says which module, but not what is in it; write app:NAME, with the name of "
        "a worker, its class, or a function that makes it"
    ),
    "app.py": "target 'app.py' names a file; it has to be a module, as in app:NAME",
    "src/app.py:main": (
        "target 'src/app.py:main' names a file; it has to be a module, as in app:main"
    ),
    "app:main()": f"target 'app:main()' {FORM}",
    "app:main.": f"target 'app:main.' {FORM}",
    "app:a:b": f"target 'app:a:b' {FORM}",
    ":main": f"target ':main' {FORM}",
    "app:": f"target 'app:' {FORM}",
    "..app:main": f"target '..app:main' {FORM}",
    "app:main;print(1)": f"target 'app:main;print(1)' {FORM}",
    "app:__import__('os').system('true')": (
        f"target \"app:__import__('os').system('true')\" {FORM}"
    ),
    "app:main\nfluid: all is well": f"target 'app:main\\nfluid: all is well' {FORM}",
    "app:\x1b[2Jmain": f"target 'app:\\x1b[2Jmain' {FORM}",
    "app:\udc80": f"target 'app:\\udc80' {FORM}",
}


@pytest.mark.parametrize("text", WRONG_TEXTS)
def test_a_target_is_two_dotted_names_around_a_colon(app, text):
    """I11, Z13"""
    assert app.fluid("check", text) == (2, [], [f"fluid: {WRONG_TEXTS[text]}"])


@given(st.text(st.sampled_from("ab:._- ()'\"\n\0é\x1b%{}/\\;") | st.characters(), max_size=30))
@example("a:b" * 2000)
@example("%s:{0}")
@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_no_target_is_more_than_one_line_of_error(project, text):
    """I11, Z13"""
    end = project.fluid("check", *([text] if text[:1] != "-" else []))
    assert (end.code, end.lines, len(end.errors)) == (2, [], 1)
    assert end.errors[0].startswith("fluid: ")
    assert end.errors[0].isprintable()


def test_without_a_target_it_says_where_to_put_one(project):
    """Z13"""
    line = (
        "fluid: there is no target; write  fluid run package.module:attribute, set FLUID_TARGET, "
        "or put  target = 'package.module:attribute'  under [tool.fluid]"
    )
    assert project.fluid("run") == (2, [], [line])


# --- what is there -------------------------------------------------------------------------------

WORKERS = "workers in app: Cache, Named, Half, make, both and 2 more"

WRONG_TARGETS = {
    "app:mian": f"app:mian: module 'app' has no attribute 'mian' (did you mean 'main'?); {WORKERS}",
    "app:xyz": f"app:xyz: module 'app' has no attribute 'xyz'; {WORKERS}",
    "app:number.x": f"app:number.x: 3 has no attribute 'x'; {WORKERS}",
    "app:broken.x": "app:broken.x: looking up 'x' raised OSError: x",
    "app:number": (
        "app:number is neither a worker, nor a class of workers, nor a function that makes one: 3; "
        + WORKERS
    ),
    "app:Settings": (
        "app:Settings is neither a worker, nor a class of workers, nor a function that makes one: "
        f"<class 'app.Settings'>; {WORKERS}"
    ),
    "app:asyncio": "app:asyncio is a module; name what is in it: asyncio:NAME",
    "app:Base": "app:Base is an abstract class, and no worker can be made of it: it lacks run()",
    "app:half": (
        "app:half cannot run: Half is not a whole worker: its __init__ did not call "
        "super().__init__(); add the line  super().__init__()"
    ),
    "app:yields": "app:yields is a generator; it has to return a worker, not to yield it",
    "app:main -- a": (
        "app:main is a worker, made when 'app' was imported, and takes no arguments; name its "
        "class, or a function that makes it"
    ),
    "app:both": (
        "app:both cannot be called with what follows '--': missing a required argument: 'first'; "
        "it is both(first, second='b', *, third=3) and got none"
    ),
    "app:both -- a b c": (
        "app:both cannot be called with what follows '--': too many positional arguments; it is "
        "both(first, second='b', *, third=3) and got 'a', 'b', 'c'"
    ),
    "app:Named": (
        "app:Named cannot be called with what follows '--': missing a required argument: 'name'; "
        "it is Named(name) and got none"
    ),
    "app:none": 'app:none has to make a worker, not None; is a "return" missing?',
    "ap:main": "module 'ap' was not found in {here} or elsewhere on the path (did you mean 'app'?)",
    "app.db:main": "module 'app.db' was not found: 'app' is a module, not a package",
}


@pytest.mark.parametrize("words", WRONG_TARGETS)
def test_what_is_no_worker_is_refused_in_one_line(app, words):
    """I11, Z13"""
    app.write("app.py", APP + "\nhalf = Half()\n")
    line = WRONG_TARGETS[words].format(here=app.folder)
    assert app.fluid("check", *words.split()) == (2, [], [f"fluid: {line}"])


@pytest.mark.parametrize("hidden", ["types.py", "types/shop.py"])
def test_a_module_that_another_one_hides_is_told_with_the_file_of_that(project, hidden):
    """I11"""
    project.write(hidden, "main = 1")
    line = (
        f"fluid: types:main: module 'types' (not the one here, but {types.__file__}, which was "
        "imported before) has no attribute 'main'"
    )
    assert project.fluid("check", "types:main") == (2, [], [line])


def test_a_module_may_have_put_any_object_in_its_place(project, monkeypatch):
    monkeypatch.setitem(sys.modules, "five", 5)
    line = "fluid: five:main: module 'five' has no attribute 'main'"
    assert project.fluid("check", "five:main") == (2, [], [line])


def test_a_missing_part_of_a_package_is_named_with_what_is_close(project):
    """I11"""
    project.write("shop/__init__.py", "")
    project.write("shop/workers.py", "")
    line = "fluid: module 'shop.worker' was not found in package 'shop' (did you mean 'workers'?)"
    assert project.fluid("check", "shop.worker:main") == (2, [], [line])


def test_a_coroutine_is_closed_and_its_function_named(project):
    """Z13"""
    project.write("app.py", "async def make(): ...\nmain = make()\ndel make\n")
    line = (
        "fluid: app:main is a coroutine that nobody has awaited, what make() returned; name the "
        "function itself, make, without the parentheses"
    )
    assert project.fluid("check", "app:main") == (2, [], [line])  # and no warning
    project.write("app2.py", "async def make(): ...\nmain = make()\n")
    end = project.fluid("check", "app2:main")
    assert end.errors[0].endswith("; name the function itself: app2:make")


def test_a_function_that_raises_is_a_failed_start(app):
    line = "fluid: app:fail_so_inside raised ConnectionError: no, at app.py:37"
    assert app.fluid("check", "app:fail_so_inside") == (3, [], [line])


async def test_a_worker_that_has_been_started_is_refused(monkeypatch):
    """Z13"""

    class Short(fluid.Worker):
        async def run(self):
            pass

    module = types.ModuleType("started")
    module.main = Short()
    monkeypatch.setitem(sys.modules, "started", module)
    async with module.main:
        with pytest.raises(Refusal, match="started:main cannot run: it is running already"):
            maker("started:main", [])
    with pytest.raises(Refusal, match="started:main cannot run: it is stopped already"):
        maker("started:main", [])
