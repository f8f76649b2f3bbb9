"""What the commands have in common, and the process that they are executed in."""

from __future__ import annotations

import asyncio
import errno
import io
import os
import signal
import subprocess
import sys
import threading
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

import fluid
from fluid.cli import main
from tests.cli.conftest import APP


@pytest.mark.parametrize("command", ["run", "check", "config"])
def test_the_commands_take_the_same_options_and_explain_them(project, command):
    end = project.fluid(command, "--help")
    assert (end.code, end.errors) == (0, [])
    assert end.lines[0] == f"Usage: fluid {command} [OPTIONS] [MODULE:ATTRIBUTE] [-- ARGS]"
    assert [line.split()[0] for line in end.lines if line.startswith("  -")] == [
        *("--deadline", "--drain-delay", "--stopping-grace-period", "--stall-threshold"),
        *("--http", "--health-file", "--log-level"),
        *("--log-format", "--loop", "--reload", "--reload-path", "--init", "--debug", "-h,"),
    ]


def test_the_version_is_that_of_the_package(project):
    assert project.fluid("--version") == (0, [f"fluid {fluid.__version__}"], [])


def test_ctrl_c_has_its_default_action_while_a_module_is_imported(project):
    project.write("app.py", "import signal\nprint(signal.getsignal(signal.SIGINT).name)\n")
    signal.signal(signal.SIGINT, signal.default_int_handler)
    assert project.fluid("check", "app:x").lines == ["SIG_DFL"]


def test_ctrl_c_stays_ignored_in_the_background(project):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    project.fluid("config")
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_ctrl_c_is_left_alone_off_the_main_thread_where_nobody_may_take_it(project):
    signal.signal(signal.SIGINT, signal.default_int_handler)
    codes = []

    def execute():
        with pytest.raises(SystemExit) as end:
            main(["config"])
        codes.append(end.value.code)

    thread = threading.Thread(target=execute)
    thread.start()
    thread.join()
    assert codes == [0]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_nothing_that_is_opened_takes_the_place_of_a_missing_stream(project, monkeypatch):
    """Z11"""
    missing, inherited, fstat, open_file = {0, 2}, [], os.fstat, os.open

    def fstat_of(number):
        if number in missing:
            raise OSError(errno.EBADF, "Bad file descriptor")
        return fstat(number)

    def opened(path, *options):
        if path != os.devnull:
            return open_file(path, *options)
        missing.discard(lowest := min(missing))
        return lowest

    monkeypatch.setattr(os, "fstat", fstat_of)
    monkeypatch.setattr(os, "open", opened)
    monkeypatch.setattr(os, "set_inheritable", lambda *given: inherited.append(given))
    assert project.fluid("config").code == 0
    assert missing == set()
    assert inherited == [(0, True), (2, True)]


@pytest.mark.parametrize(
    ("word", "line"),
    [
        ("config", "the output cannot be written: No space left on device"),
        ("--help", "the system is in the way: OSError: [Errno 28] No space left on device"),
    ],
)
def test_an_output_that_cannot_be_written_is_one_line_and_1(project, word, line):
    """Z11"""

    class Full(io.StringIO):
        def write(self, _):
            raise OSError(28, "No space left on device")

    err = io.StringIO()
    with redirect_stdout(Full()), redirect_stderr(err), pytest.raises(SystemExit) as end:
        main([word])
    assert end.value.code == 1
    assert err.getvalue() == f"fluid: {line}\n"


def test_what_the_system_has_no_more_of_is_one_line_and_1(app, monkeypatch):
    def make_loop():
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(asyncio.events, "new_event_loop", make_loop)
    line = "fluid: the system is in the way: OSError: [Errno 24] Too many open files"
    assert app.fluid("check", "app:make") == (1, [], [line])


def test_a_defect_of_fluids_own_keeps_its_traceback(app, monkeypatch):
    def make_loop():
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(asyncio.events, "new_event_loop", make_loop)
    with pytest.raises(OSError, match="Invalid argument"):
        main(["check", "app:make"])


@pytest.mark.parametrize("words", [("check", "app:Cache"), ("check", "app:x")])
def test_streams_that_a_program_has_closed_are_as_none(app, monkeypatch, words):
    app.write("app.py", f"import sys\nsys.stdout.close(), sys.stderr.close()\n{APP}")
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as end:
        main(words)
    assert end.value.code == (2 if "app:x" in words else 0)


@pytest.mark.real
def test_python_m_fluid_is_the_same_and_ends_well(project):
    """Z10"""
    project.write(
        "app.py",
        """
        from fluid import Worker
        class Short(Worker):
            async def run(self): pass
        """,
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(fluid.__file__).parents[1])}
    words = ("run", "--log-level", "warning", "app:Short")
    end = subprocess.run(
        [sys.executable, "-m", "fluid", *words],
        env=environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (end.returncode, end.stdout, end.stderr) == (0, "", "")


@pytest.mark.real
def test_ctrl_c_during_an_import_ends_the_process_quietly(project):
    """Z03"""
    project.write("app.py", "import time\nprint('importing', flush=True)\ntime.sleep(30)\n")
    with subprocess.Popen(
        [sys.executable, "-m", "fluid", "run", "app:main"],
        env={**os.environ, "PYTHONPATH": str(Path(fluid.__file__).parents[1])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout.readline() == "importing\n"
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=30) == ("", "")
    assert process.returncode == -signal.SIGINT
