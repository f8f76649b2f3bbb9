"""The log of ``fluid run``: what is set up, whose record it is, and what a broken stream does."""

from __future__ import annotations

import asyncio
import errno
import io
import json
import logging
import os
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import fluid.testing
from fluid import Worker, Workers
from fluid.cli import logs
from fluid.cli.display import TerminalFront
from fluid.cli.fronts import JsonFront, PlainFront
from fluid.cli.logs import LineHandler, leave_stages_to_others
from fluid.cli.refusal import Refusal
from fluid.runtime.front import SAY_AFTER, Front
from fluid.runtime.stages import Stage

log = logging.getLogger("myapp")


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


class Broken(io.StringIO):
    """A stream that cannot be written to for a while."""

    error: Exception | None = None

    def write(self, text: str) -> int:
        if self.error is not None:
            raise self.error
        return super().write(text)


@pytest.fixture(autouse=True)
def root(monkeypatch: pytest.MonkeyPatch) -> Iterator[logging.Logger]:
    """Has the root logger as a new process has it, until the test is over."""
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])
    monkeypatch.setattr(logging, "_warnings_showwarning", None)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
    level, shows = root.level, warnings.showwarning
    yield root
    root.setLevel(level)
    warnings.showwarning = shows


def set_up(**options: Any) -> Front:
    """Sets up the log without pytest's own handlers, which come back for each test."""
    root = logging.getLogger()
    root.handlers[:] = [each for each in root.handlers if "pytest" not in type(each).__module__]
    return logs.set_up(**options)


def set_up_plainly(stream: io.StringIO, level: str = "info", *, debug: bool = False) -> Front:
    return set_up(level=level, format="plain", debug=debug, stream=stream)


def written(stream: io.StringIO) -> list[str]:
    """Returns what was written, without the times."""
    return [line.partition(" ")[2] for line in stream.getvalue().splitlines()]


# --- what is set up ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "stream", "front"),
    [
        ("plain", Terminal, PlainFront),
        ("json", Terminal, JsonFront),
        ("rich", io.StringIO, TerminalFront),
        ("auto", Terminal, TerminalFront),
        ("auto", io.StringIO, PlainFront),
    ],
)
def test_the_front_fits_the_format(name: str, stream: type[io.StringIO], front: type[Front]):
    assert type(set_up(level="info", format=name, debug=False, stream=stream())) is front


class Bare:
    """What some programs put in the place of stderr."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> None:
        self.text += text

    def flush(self) -> None:
        pass


def test_what_stands_in_for_stderr_needs_to_do_no_more_than_write(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "stderr", bare := Bare())
    set_up(level="info", format="auto", debug=False)
    log.info("hello")
    assert bare.text.endswith("INFO myapp: hello\n")


@pytest.mark.parametrize("name", ["auto", "json", "rich"])
def test_a_stderr_that_the_program_has_closed_is_as_none(
    monkeypatch: pytest.MonkeyPatch, name: str
):
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stderr", closed)
    front = set_up(level="info", format=name, debug=False)
    log.info("hello")
    front.last_words("app: exit code 1: x", 1)


def test_without_rich_a_terminal_has_plain_lines(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(logs, "find_spec", lambda name: None)
    assert type(set_up(level="info", format="auto", debug=False, stream=Terminal())) is PlainFront
    with pytest.raises(Refusal) as caught:
        set_up(level="info", format="rich", debug=False, stream=Terminal())
    assert caught.value.message == (
        '--log-format rich needs a package; install it:  pip install "fluid-workers[rich]"'
    )


def test_the_level_is_the_least_that_is_written():
    stream = io.StringIO()
    set_up_plainly(stream, "warning")
    log.info("no")
    log.warning("yes")
    assert written(stream) == ["WARNING myapp: yes"]


def test_whoever_debugs_gets_everything():
    stream = io.StringIO()
    set_up_plainly(stream, "error", debug=True)
    log.debug("yes")
    assert written(stream) == ["DEBUG myapp: yes"]


def test_a_second_set_up_takes_back_the_first(root: logging.Logger):
    before, after = io.StringIO(), io.StringIO()
    set_up_plainly(before)
    set_up_plainly(after)
    log.info("once")
    assert (before.getvalue(), len(root.handlers)) == ("", 1)
    assert written(after) == ["INFO myapp: once"]


@pytest.mark.parametrize(("name", "told"), [("auto", "INFO"), ("json", "WARNING")])
def test_what_the_program_has_configured_is_left_as_it_is(
    root: logging.Logger, name: str, told: str
):
    theirs, ours = io.StringIO(), io.StringIO()
    handler = logging.StreamHandler(theirs)
    handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    set_up(level="debug", format=name, debug=True, stream=ours)
    log.debug("not at their level")
    assert (root.handlers, root.level, ours.getvalue()) == ([handler], logging.INFO, "")
    assert theirs.getvalue() == (
        f"{told} the program has configured logging: --log-level and --log-format change nothing\n"
    )


def test_a_process_without_stderr_has_no_log_and_no_trouble(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sys.stderr", None)
    front = set_up(level="info", format="auto", debug=False)
    log.error("to nobody")
    front.last_words("app: exit code 1: it failed", 1)


def test_a_warning_of_pythons_is_a_record():
    stream = io.StringIO()
    set_up_plainly(stream)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(False)  # catch_warnings() has put Python's own in place
        logging.captureWarnings(True)
        warnings.warn("old\nERROR root: forged", DeprecationWarning, stacklevel=1)
    first, second, *_ = stream.getvalue().splitlines()
    assert " WARNING py.warnings: " in first
    assert first.endswith("DeprecationWarning: old")
    assert second == "    ERROR root: forged"


def test_an_error_that_nobody_awaited_is_a_record_and_of_no_worker():
    stream = io.StringIO()
    set_up_plainly(stream)

    class Collecting(Worker):
        async def run(self) -> None:  # as the garbage collector does, wherever it runs
            error = OSError("lost")
            logging.getLogger("asyncio").error("never retrieved", exc_info=error)

    run(Collecting())
    assert "ERROR asyncio: never retrieved" in written(stream)
    assert "    OSError: lost" in stream.getvalue().splitlines()


class Failing:
    """Fails when it is collected, and has an evil name."""

    def __repr__(self) -> str:
        return "evil\nERROR root: forged"

    def __del__(self) -> None:
        raise OSError("in a finalizer")


def fail_in_a_thread() -> None:
    def fail() -> None:
        raise OSError("in a thread")

    thread = threading.Thread(target=fail, name="evil\nERROR root: forged")
    thread.start()
    thread.join()


@pytest.mark.real
@pytest.mark.parametrize(
    ("fail", "error"), [(fail_in_a_thread, "in a thread"), (Failing, "in a finalizer")]
)
def test_an_error_that_nobody_can_catch_is_a_record(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    fail: Callable[[], object],
    error: str,
):
    """A13"""
    monkeypatch.setattr(threading, "excepthook", threading.__excepthook__)
    monkeypatch.setattr(sys, "unraisablehook", sys.__unraisablehook__)
    stream = io.StringIO()
    set_up_plainly(stream)
    fail()
    first, *others = stream.getvalue().splitlines()
    assert " ERROR python: " in first
    assert all(line.startswith("    ") for line in others)
    assert others[-1] == f"    OSError: {error}"
    assert capsys.readouterr().err == ""


def test_hooks_of_the_programs_own_stay(monkeypatch: pytest.MonkeyPatch):
    theirs = [lambda _: None, lambda _: None]
    monkeypatch.setattr(threading, "excepthook", theirs[0])
    monkeypatch.setattr(sys, "unraisablehook", theirs[1])
    set_up_plainly(io.StringIO())
    assert [threading.excepthook, sys.unraisablehook] == theirs


# --- whose record it is --------------------------------------------------------------------------


def run(worker: Worker) -> None:
    async def main() -> None:
        async with worker:
            await worker.wait_for_shutdown()

    fluid.testing.run(main)


class Logging(Worker):
    """Logs in its own task, in a task of its own making, in a callback and in a thread."""

    async def run(self) -> None:
        loop, done = asyncio.get_running_loop(), asyncio.Event()
        log.info("own")
        await asyncio.create_task(in_a_task())
        loop.call_soon(lambda: (log.info("callback"), done.set()))
        await done.wait()
        await asyncio.to_thread(log.info, "thread")
        log.info("explicit", extra={"worker": "other"})
        logging.getLogger("fluid.runtime").info("of nobody")


async def in_a_task() -> None:
    log.info("task")


def test_a_record_has_the_path_of_the_worker_whose_code_has_made_it():
    stream = io.StringIO()
    set_up(level="info", format="json", debug=False, stream=stream)
    log.info("outside")
    run(Workers(Logging(name="db"), name="app"))
    records = [json.loads(line) for line in stream.getvalue().splitlines()]
    paths = {record["message"]: record.get("worker") for record in records}
    assert {text: paths[text] for text in ("own", "task", "callback", "thread")} == {
        "own": "app/db",
        "task": "app/db",
        "callback": "app/db",
        "thread": "app/db",
    }
    assert paths["explicit"] == "other"
    assert paths["of nobody"] is None
    assert paths["outside"] is None
    assert paths["worker app/db is ready"] == "app/db"


# --- what a broken stream does -------------------------------------------------------------------

BREAKS = [
    OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
    BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE)),
    BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN)),
    ValueError("I/O operation on closed file"),
]


@pytest.mark.parametrize("name", ["plain", "json", "rich"])
@pytest.mark.parametrize("error", BREAKS, ids=lambda error: type(error).__name__)
def test_a_log_that_cannot_be_written_is_no_concern_of_the_workers(
    name: str, error: Exception, capsys: pytest.CaptureFixture[str]
):
    """L13, Z11"""
    stream = Broken()
    front = set_up(level="info", format=name, debug=False, stream=stream)
    stream.error = error
    worker = Workers(Logging(name="db"), name="app")
    run(worker)
    front.last_words("app: exit code 1: it failed", 1)
    front.dump("where everything is")
    assert worker.worker_exit is not None
    assert worker.worker_exit.exception is None
    assert (stream.getvalue(), *capsys.readouterr()) == ("", "", "")


@pytest.mark.real
@pytest.mark.parametrize("name", ["plain", "json", "rich"])
@pytest.mark.parametrize("breaking", ["a full disk", "a pipe that nobody reads"])
def test_a_stream_that_is_really_broken_is_no_concern_either(
    name: str, breaking: str, capsys: pytest.CaptureFixture[str]
):
    """L13, Z11"""
    if breaking == "a full disk":
        if not Path("/dev/full").exists():
            pytest.skip("there is no full disk to write to")
        target = os.open("/dev/full", os.O_WRONLY)
    else:
        reader, target = os.pipe()
        os.close(reader)
    stream = os.fdopen(target, "w")
    front = set_up(level="info", format=name, debug=False, stream=stream)
    for number in range(3):
        log.info("%d%s", number, "x" * 10_000)  # more than a buffer takes
    front.last_words("app: exit code 1: it failed", 1)
    with suppress(OSError):
        stream.close()
    log.info("after the stream was closed")
    assert [*capsys.readouterr()] == ["", ""]


def test_when_it_can_be_written_again_it_says_how_much_is_missing():
    """L13"""
    stream = Broken()
    set_up_plainly(stream)
    stream.error = BREAKS[0]
    log.info("one")
    stream.error = None
    log.info("two")
    log.info("three")
    stream.error = BREAKS[0]
    for _ in range(7):
        log.info("seven")
    stream.error = None
    log.info("the last")
    why = "could not be written and may be lost (OSError: [Errno 28] No space left on device)"
    assert written(stream) == [
        f"WARNING fluid.cli: 1 log line {why}",
        "INFO myapp: two",
        "INFO myapp: three",
        f"WARNING fluid.cli: up to 7 log lines {why}",
        "INFO myapp: the last",
    ]


# --- outside of the log --------------------------------------------------------------------------


def test_the_last_words_of_a_plain_log_are_as_they_are():
    stream = io.StringIO()
    set_up_plainly(stream).last_words("app: exit code 1: it failed", 1)
    assert stream.getvalue() == "app: exit code 1: it failed\n"


@pytest.mark.parametrize(("code", "level"), [(0, "INFO"), (1, "ERROR")])
def test_the_last_words_of_json_are_a_record_with_the_code(code: int, level: str):
    stream = io.StringIO()
    front = set_up(level="critical", format="json", debug=False, stream=stream)
    front.last_words("app: exit code", code)
    fields = json.loads(stream.getvalue())
    assert fields.pop("time")
    assert fields == {
        "level": level,
        "logger": "fluid.runtime",
        "message": "app: exit code",
        "exit_code": code,
    }


def test_a_dump_is_one_record_in_json():
    stream = io.StringIO()
    set_up(level="info", format="json", debug=False, stream=stream).dump("app\n  app/db")
    assert json.loads(stream.getvalue())["message"] == "app\n  app/db"
    assert stream.getvalue().count("\n") == 1


@pytest.mark.parametrize("name", ["plain", "json", "rich"])
def test_where_no_terminal_is_a_stage_is_a_log_line_unless_a_child_shows_it(name: str):
    stream = io.StringIO()
    front = set_up(level="info", format=name, debug=False, stream=stream)
    front.stage(Stage("starting", "app", SAY_AFTER[0], 17.0, ()))
    assert stream.getvalue().count("app has been starting for 1.0 of at most 17.0 seconds") == 1
    leave_stages_to_others()
    front.stage(Stage("starting", "app", SAY_AFTER[1], 17.0, ()))
    assert stream.getvalue().count("\n") == 1


def test_a_defect_of_a_formatter_is_no_error_of_the_caller():
    class Defective(logging.Formatter):
        def format(self, record: logging.LogRecord) -> str:
            raise AssertionError("a defect")

    LineHandler(Defective(), PlainFront(io.StringIO())).handle(logging.makeLogRecord({}))
