"""What is wrong with the value of an option, said in one line, wherever it stands."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from fluid.cli.options import OPTIONS

# --- the file ------------------------------------------------------------------------------------


WRONG_FILES = {
    "[tool]\nfluid = 3": "[tool.fluid] in {path} is not a table: 3",
    "tool = 'x'": "[tool] in {path} is not a table: 'x'",
    "[[tool.fluid]]": "[tool.fluid] in {path} is not a table: [{{}}]",
    "[tool.fluid]\ndeadlin = 3": (
        "unknown key 'deadlin' in [tool.fluid] of {path} (did you mean 'deadline'?)"
    ),
    '[tool.fluid]\n"a\\nb" = 3': "unknown key 'a\\nb' in [tool.fluid] of {path}",
    "[tool.fluid.deadline]\nx = 3": (
        "deadline in [tool.fluid] of {path} is {{'x': 3}}; it has to be a number"
    ),
    "[tool.fluid]\ndeadline = '3'": (
        "deadline in [tool.fluid] of {path} is '3', a string; it has to be a number"
    ),
    "[tool.fluid]\ndeadline = true": (
        "deadline in [tool.fluid] of {path} is True, true or false; it has to be a number"
    ),
    "[tool.fluid]\ndeadline = -1": (
        "deadline in [tool.fluid] of {path}: -1 is not a number of seconds, more than 0 and at "
        "most 31536000, or inf"
    ),
    "[tool.fluid]\nstall-threshold = nan": (
        "stall-threshold in [tool.fluid] of {path}: nan is not a number of seconds, from 0 to "
        "31536000"
    ),
    "[tool.fluid]\nstopping-grace-period = 1e300": (
        "stopping-grace-period in [tool.fluid] of {path}: 1e+300 is not a number of seconds, from "
        "0 to 31536000, or inf"
    ),
    f"[tool.fluid]\ndeadline = 0x1{'0' * 5000}": (
        "deadline in [tool.fluid] of {path}: a value of type int that cannot be shown is not a "
        "number of seconds, more than 0 and at most 31536000, or inf"
    ),
    "[tool.fluid]\nreload = 'yes'": (
        "reload in [tool.fluid] of {path} is 'yes', a string; it has to be true or false"
    ),
    "[tool.fluid]\nlog-level = 1979-05-27": (
        "log-level in [tool.fluid] of {path} is datetime.date(1979, 5, 27), a date or a time; it "
        "has to be a string"
    ),
    "[tool.fluid]\nlog-level = 'loud'": (
        "log-level in [tool.fluid] of {path}: 'loud' is not one of 'debug', 'info', 'warning', "
        "'error', 'critical'"
    ),
    "[tool.fluid]\nloop = 'trio'": (
        "loop in [tool.fluid] of {path}: 'trio' is neither asyncio nor uvloop nor module:factory"
    ),
    "[tool.fluid]\nreload-path = [1]": (
        "reload-path in [tool.fluid] of {path} is [1]; it has to be a string or a list of strings"
    ),
    "[tool.fluid]\nlog-level = 'info'\nlog_level = 'info'": (
        "log-level is twice in [tool.fluid] of {path}: with a dash and with an underscore"
    ),
    f"x = {'[' * 5000}": "{path} cannot be read: it is nested too deeply",
    "x =": "{path} cannot be read: Invalid value (at end of document)",
}


@pytest.mark.parametrize("text", WRONG_FILES, ids=lambda text: text[:50])
def test_a_wrong_file_is_refused_by_its_path_and_key(project, text):
    """I12, Z13"""
    path = project.write("pyproject.toml", text)
    end = project.fluid("config")
    assert end == (2, [], [f"fluid: {WRONG_FILES[text].format(path=path)}"])


def test_a_file_that_cannot_be_read_is_refused_by_its_path(project):
    """I12"""
    path = project.folder / "pyproject.toml"
    path.mkdir()
    assert project.fluid("config") == (2, [], [f"fluid: {path} cannot be read: Is a directory"])


def test_a_wrong_file_does_not_keep_the_help_away(project):
    project.configure("nonsense = 3")
    end = project.fluid("run", "--help")
    assert (end.code, end.errors) == (0, [])


values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(
    key=st.sampled_from([option.key for option in OPTIONS]) | st.text(max_size=10),
    value=values.filter(lambda value: "null" not in json.dumps(value)),
)
@example(key="target", value="\0")
@example(key="reload-path", value=["\0"])
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_no_value_in_the_file_is_more_than_one_line_of_error(project, key, value):
    """I12, Z13"""
    text = json.dumps(value).replace("NaN", "nan").replace("Infinity", "inf")
    project.configure(f"{json.dumps(key)} = {text}")
    end = project.fluid("config")
    assert (end.code, len(end.errors)) in ((0, 0), (2, 1))
    assert all(line.startswith("fluid: ") and line.isprintable() for line in end.errors)


# --- flags and variables -------------------------------------------------------------------------

WRONG_WORDS = {
    ("--deadline", "soon"): (
        "--deadline: 'soon' is not a number of seconds, more than 0 and at most 31536000, or inf"
    ),
    ("--deadline", "0"): (
        "--deadline: '0' is not a number of seconds, more than 0 and at most 31536000, or inf"
    ),
    ("--deadline",): "option '--deadline' requires an argument; see  fluid config --help",
    ("--depline", "3"): (
        "no such option '--depline' (did you mean '--deadline'?); see  fluid config --help"
    ),
    ("--log-format=\x1b[31m",): (
        "--log-format: '\\x1b[31m' is not one of 'auto', 'plain', 'rich', 'json'"
    ),
    ("--reload-path", ""): "--reload-path: '' is not a path",
    ("a:b", "c"): (
        "unexpected argument 'c'; what is for the worker follows '--': fluid config a:b -- c"
    ),
}


@pytest.mark.parametrize("words", WRONG_WORDS, ids=" ".join)
def test_a_wrong_word_on_the_command_line_is_refused_in_one_line(project, words):
    """Z13"""
    assert project.fluid("config", *words) == (2, [], [f"fluid: {WRONG_WORDS[words]}"])


def test_a_wrong_variable_is_refused_by_its_name(project, monkeypatch):
    """I12, Z13"""
    monkeypatch.setenv("FLUID_RELOAD", "perhaps")
    end = project.fluid("config")
    assert end == (2, [], ["fluid: FLUID_RELOAD: 'perhaps' is not a valid boolean"])


def test_a_command_that_does_not_exist_is_refused_in_one_line(project):
    end = project.fluid("rum")
    assert end == (
        2,
        [],
        ["fluid: no such command 'rum' (did you mean 'run'?); see  fluid --help"],
    )


def test_a_target_in_place_of_a_command_is_understood(project):
    (line,) = project.fluid("app:main").errors
    assert "(did you mean  fluid run app:main ?)" in line


def test_without_a_command_it_says_what_there_is(project):
    end = project.fluid()
    assert (end.code, end.lines) == (2, [])
    commands = [line.split()[0] for line in end.errors if line.startswith("  ") and line.split()]
    assert [word for word in commands if word in ("run", "check", "config")] == [
        "run",
        "check",
        "config",
    ]


def test_a_target_in_the_file_of_a_parent_is_found_from_any_folder_below(app, monkeypatch):
    app.configure('target = "app:make"')
    below = app.folder / "docs" / "pages"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert app.fluid("check").code == 0
    assert app.fluid("check", "other:make").errors[0].startswith("fluid: module 'other' was not")
