"""``fluid health``: what a probe gets to see of a process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fluid.cli import health
from fluid.cli.options import BY_NAME
from fluid.health import Phase, Report, Trouble
from fluid.health.file import content
from tests.cli.conftest import Project

DOWN = (Trouble("app/db", "failed (OSError: gone)"),)


@pytest.fixture
def path(project: Project) -> str:
    """The file of a process that is live and not ready: this one."""
    report = Report("app", Phase.NOT_READY, True, False, (), DOWN, (), {"running": 5})
    data = content(report, pid=os.getpid(), mute_for=0.0, blocked_by="")
    path = project.folder / "health.json"
    path.write_bytes(data)
    return str(path)


LIVE = ["live: app is not ready: app/db failed (OSError: gone)"]
NOT_READY = [f"not {LIVE[0].replace('live', 'ready')}"]
NOWHERE = (
    "fluid: it is not known where the health file is; write  fluid health --health-file PATH, set "
    "FLUID_HEALTH_FILE, or put  health-file = 'PATH'  under [tool.fluid], as for fluid run"
)


# --- what is asked -------------------------------------------------------------------------------


@pytest.mark.parametrize("words", [[], ["live"]])
def test_a_process_that_is_live_is_exit_code_0_and_a_line(project, path, words):
    assert project.fluid("health", *words, "--health-file", path) == (0, LIVE, [])


def test_a_process_that_is_not_ready_is_exit_code_1_and_the_reason(project, path):
    assert project.fluid("health", "ready", "--health-file", path) == (1, NOT_READY, [])


@pytest.mark.parametrize("question", ["alive", "Live", "LIVE", ""])
def test_another_question_is_refused_with_those_that_there_are(project, path, question):
    code, lines, (error,) = project.fluid("health", question, "--health-file", path)
    assert (code, lines) == (2, [])
    assert "'live', 'ready'" in error


def test_a_plain_question_is_read_as_the_command_would_read_it():
    row = BY_NAME["health_file"]
    assert (row.flag, row.variable) == (health.FLAG, health.VARIABLE)


# --- where the file is ---------------------------------------------------------------------------


def forms(path):
    return {
        "a flag and a word": ["--health-file", path],
        "one word": [f"--health-file={path}"],
        "a flag before the question": ["--health-file", path, "live"],
        "a relative path": ["--health-file", "health.json"],
    }


@pytest.mark.parametrize("form", forms(""))
def test_the_file_can_be_given_in_every_way_that_a_flag_can(project, path, form):
    assert project.fluid("health", *forms(path)[form]) == (0, LIVE, [])


def test_the_file_can_be_that_of_the_variable(project, path, monkeypatch):
    monkeypatch.setenv("FLUID_HEALTH_FILE", path)
    assert project.fluid("health") == (0, LIVE, [])
    assert project.fluid("health", "ready") == (1, NOT_READY, [])


def test_the_file_can_be_that_of_the_project(project, path):
    project.configure("health-file = 'health.json'")
    assert project.fluid("health") == (0, LIVE, [])
    assert project.fluid("health", "ready") == (1, NOT_READY, [])


def test_a_flag_goes_before_a_variable_and_that_before_the_project(project, path, monkeypatch):
    project.configure("health-file = 'nowhere'")
    monkeypatch.setenv("FLUID_HEALTH_FILE", path)
    assert project.fluid("health") == (0, LIVE, [])
    monkeypatch.setenv("FLUID_HEALTH_FILE", "nowhere")
    assert project.fluid("health", "--health-file", path) == (0, LIVE, [])


@pytest.mark.parametrize("value", [None, ""])
def test_without_a_file_the_ways_to_name_one_are_told(project, monkeypatch, value):
    if value is not None:
        monkeypatch.setenv("FLUID_HEALTH_FILE", value)
    assert project.fluid("health") == (2, [], [NOWHERE])
    assert project.fluid("health", "ready") == (2, [], [NOWHERE])


@pytest.mark.parametrize(
    "words", [["--health-file"], ["--health-file="], ["--file", "x"], ["a", "b"]]
)
def test_a_command_line_that_is_not_right_is_refused(project, words):
    code, lines, (error,) = project.fluid("health", *words)
    assert (code, lines) == (2, [])
    assert error.startswith("fluid: ")


def test_a_project_that_is_not_right_does_not_matter_where_the_file_is_given(project, path):
    project.write("pyproject.toml", "[tool.fluid")
    assert project.fluid("health", "--health-file", path) == (0, LIVE, [])
    assert project.fluid("health", "--health-file", path, "live") == (0, LIVE, [])
    assert project.fluid("health")[0] == 2


def test_the_help_says_what_the_exit_codes_mean(project):
    code, lines, errors = project.fluid("health", "--help")
    assert (code, errors) == (0, [])
    assert lines[0] == "Usage: fluid health [OPTIONS] [live|ready]"
    assert "--health-file PATH" in "".join(lines)


# --- what is wrong with it -----------------------------------------------------------------------


def test_a_file_that_is_not_there_is_a_no_and_not_an_error(project):
    code, (line,), errors = project.fluid("health", "--health-file", "nowhere")
    assert (code, errors) == (1, [])
    assert line.startswith("not live: there is no file nowhere; ")


def test_what_is_in_a_file_cannot_forge_a_line(project):
    name = "app\x1b[2J\nlive: all is well"
    report = Report(name, Phase.READY, True, True, (), (), (), {})
    data = content(report, pid=os.getpid(), mute_for=0.0, blocked_by="")
    (project.folder / "health").write_bytes(data)
    code, (line,), _ = project.fluid("health", "--health-file", "health")
    assert code == 0
    assert line == r"live: app\x1b[2J\nlive: all is well is ready, 0 workers"


def test_a_line_is_escaped_where_the_output_has_no_such_character(project):
    report = Report("größe", Phase.READY, True, True, (), (), (), {})
    data = content(report, pid=os.getpid(), mute_for=0.0, blocked_by="")
    (project.folder / "health").write_bytes(data)
    end = project.fluid("health", "--health-file", "health", encoding="ascii")
    assert end == (0, [r"live: gr\xf6\xdfe is ready, 0 workers"], [])


# --- as a process of its own ---------------------------------------------------------------------


@pytest.mark.real
def test_the_code_is_right_where_nothing_can_be_printed_and_little_is_loaded(path):
    program = (
        "import sys; from fluid.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "finally: print(*sys.modules, file=sys.stderr)"
    )
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-c", program, "health", "--health-file", path],
            stdout=full,
            stderr=subprocess.PIPE,
            # not measured: what measures it loads tomllib
            env={**os.environ, "PYTHONUNBUFFERED": "", "COVERAGE_PROCESS_CONFIG": ""},
            text=True,
            check=False,
            timeout=30,
        )
    assert done.returncode == 0, done.stderr
    loaded = set(done.stderr.split())
    assert "fluid.health.judging" in loaded
    assert loaded.isdisjoint({"click", "tomllib", "fluid.runtime", "fluid.cli.commands"})
