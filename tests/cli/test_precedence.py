"""Where the value of an option comes from: the order, and what ``fluid config`` says of it."""

from __future__ import annotations

import itertools
import json
import os
from typing import NamedTuple

import pytest

from fluid.cli.options import OPTIONS


class Case(NamedTuple):
    """One option, given in each of the ways: what is written there, and what it comes to."""

    flag: tuple[tuple[str, ...], str]
    variable: tuple[str, str]
    file: tuple[object, str]
    default: str


CASES = {
    "target": Case((("a:x",), "a:x"), ("b:y", "b:y"), ("c:z", "c:z"), "none"),
    "deadline": Case(
        (("--deadline", "1"), "1 seconds"), ("2.5", "2.5 seconds"), (3, "3 seconds"), "25 seconds"
    ),
    "drain-delay": Case(
        (("--drain-delay", "5"), "5 seconds"), ("2.5", "2.5 seconds"), (3, "3 seconds"), "0 seconds"
    ),
    "stopping-grace-period": Case(
        (("--stopping-grace-period=0",), "0 seconds"),
        ("inf", "inf seconds"),
        (3.5, "3.5 seconds"),
        "10 seconds",
    ),
    "stall-threshold": Case(
        (("--stall-threshold", "1e1"), "10 seconds"),
        ("0", "0 seconds"),
        (0.5, "0.5 seconds"),
        "0.25 seconds",
    ),
    "http": Case(
        (("--http", "0.0.0.0:80"), "0.0.0.0:80"),
        ("[::1]:81", "[::1]:81"),
        (8080, "127.0.0.1:8080"),
        "none",
    ),
    "health-file": Case(
        (("--health-file", "/a"), "/a"), ("/run/b", "/run/b"), ("/c", "/c"), "none"
    ),
    "log-level": Case(
        (("--log-level", "ERROR"), "error"), ("debug", "debug"), ("warning", "warning"), "info"
    ),
    "log-format": Case(
        (("--log-format", "json"), "json"), ("plain", "plain"), ("rich", "rich"), "auto"
    ),
    "loop": Case((("--loop", "uvloop"), "uvloop"), ("a:b", "a:b"), ("c:d.e", "c:d.e"), "asyncio"),
    "reload": Case((("--reload",), "yes"), ("no", "no"), (True, "yes"), "no"),
    "reload-path": Case(
        (("--reload-path", "a", "--reload-path", "b"), "a, b"),
        (f"c{os.pathsep}d", "c, d"),
        (["/e", "/f"], "/e, /f"),
        "the current directory",
    ),
    "init": Case((("--init",), "yes"), ("no", "no"), (True, "yes"), "no"),
    "debug": Case((("--no-debug",), "no"), ("1", "yes"), (True, "yes"), "no"),
}

PLACES = ("flag", "variable", "file")


def row(end, key):
    """Returns the value of an option, and its source, as ``fluid config`` shows them."""
    (line,) = (line for line in end.lines if line.split()[0] == key)
    return tuple(part.strip() for part in line[len(key) :].split("  ") if part.strip())


def test_every_option_has_its_cases():
    assert [option.key for option in OPTIONS] == list(CASES)


@pytest.mark.parametrize("key", CASES)
@pytest.mark.parametrize(
    "given_in",
    [chosen for number in range(4) for chosen in itertools.combinations(PLACES, number)],
    ids=lambda chosen: "+".join(chosen) or "nowhere",
)
def test_a_flag_goes_before_a_variable_and_that_before_the_file(
    project, monkeypatch, key, given_in
):
    """Z13"""
    case, words = CASES[key], ()
    variable = f"FLUID_{key.upper().replace('-', '_')}"
    outcome = (case.default, "default")
    if "file" in given_in:
        path = project.configure(f"{key} = {json.dumps(case.file[0])}")
        outcome = (case.file[1], f"[tool.fluid] in {path}")
    if "variable" in given_in:
        monkeypatch.setenv(variable, case.variable[0])
        outcome = (case.variable[1], variable)
    if "flag" in given_in:
        words = case.flag[0]
        outcome = (case.flag[1], "command line")
    end = project.fluid("config", *words)
    assert (end.code, end.errors) == (0, [])
    assert row(end, key) == outcome


def test_an_empty_variable_counts_as_none(project, monkeypatch):
    monkeypatch.setenv("FLUID_DEADLINE", "")
    assert row(project.fluid("config"), "deadline") == ("25 seconds", "default")


def test_variables_that_are_not_fluids_are_named_without_their_values(project, monkeypatch):
    """Z13"""
    monkeypatch.setenv("FLUID_PORT", "tcp://10.0.0.1:80")
    monkeypatch.setenv("FLUID_TOKEN", "secret")
    end = project.fluid("config")
    assert (end.code, end.errors) == (0, [])
    assert end.lines[-1] == "variables that are not used: FLUID_PORT, FLUID_TOKEN"
    assert "secret" not in str(end)


def test_the_nearest_file_counts_and_its_paths_begin_where_it_is(project, monkeypatch):
    path = project.configure("deadline = 3\nreload_path = 'src'\nhealth-file = 'h'")
    below = project.folder / "a" / "b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    end = project.fluid("config")
    assert row(end, "deadline") == ("3 seconds", f"[tool.fluid] in {path}")
    assert row(end, "reload-path")[0] == str(project.folder / "src")
    assert row(end, "health-file")[0] == str(project.folder / "h")
    project.write("a/pyproject.toml", "")
    assert row(project.fluid("config"), "deadline") == ("25 seconds", "default")


def test_keys_have_dashes_or_underscores(project):
    project.configure("log-level = 'error'\nlog_format = 'json'")
    end = project.fluid("config")
    assert row(end, "log-level")[0] == "error"
    assert row(end, "log-format")[0] == "json"
