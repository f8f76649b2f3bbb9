"""What a terminal shows while a start or a stop goes on, and that nothing of it stays."""

from __future__ import annotations

import errno
import io
import logging
from math import inf
from pathlib import Path

import pytest

from fluid.cli.display import MOST_SHOWN, SHOWN_AFTER, TerminalFront, place_of, status
from fluid.cli.formats import TerminalFormatter
from fluid.cli.logs import LineHandler
from fluid.runtime.stages import Stage, Waiting
from tests.cli.screen import Screen


def waiting(path: str = "app/db", *, place: str = "/srv/shop/app.py:12 in Db.fetch") -> Waiting:
    return Waiting(path, "on_shutdown", 3.21, ("/srv/shop/main.py:1 in main", place))


def stopping(*who: Waiting, elapsed: float = 3.21, bound: float = 17.0, is_over: bool = False):
    return Stage("stopping", "app", elapsed, bound, who, is_over)


OVER = stopping(is_over=True)

HEAD = "app is stopping: 3.2 of at most 17.0 seconds"
DB = "  app/db    3.2 s  on_shutdown at shop/app.py:12 in Db.fetch"


@pytest.fixture(autouse=True)
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Is an ordinary one."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("LINES", "30")
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    size_is(monkeypatch, 80)


def size_is(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))


# --- the text ------------------------------------------------------------------------------------


def test_the_status_says_how_long_of_how_long_and_for_whom():
    assert status(stopping(waiting()), 80, 30) == [HEAD, DB]


def test_without_a_limit_there_is_none_to_be_named():
    stage = Stage("starting", "app", 1.0, inf, ())
    assert status(stage, 80, 30) == ["app is starting: 1.0 seconds"]


def test_of_many_workers_the_others_are_counted():
    crowd = [waiting(f"app/{number}") for number in range(20)]
    lines = status(stopping(*crowd), 80, 30)
    assert len(lines) == 1 + MOST_SHOWN + 1
    assert lines[-1] == "  and 12 more"
    assert not status(stopping(*crowd[:MOST_SHOWN]), 80, 30)[-1].startswith("  and")


@pytest.mark.parametrize("height", [1, 4, 5, 6, 8])
def test_a_low_terminal_is_not_filled(height: int):
    crowd = [waiting(f"app/{number}") for number in range(20)]
    assert len(status(stopping(*crowd), 80, height)) <= max(height - 1, 3)


def test_on_a_narrow_terminal_the_end_of_a_path_and_the_place_are_left():
    lines = status(stopping(waiting("app/ingest/customers/orders")), 40, 30)
    assert lines[1] == "  …ustomers/orders    3.2 s  shop/app.py:12 in Db.fetch"


def test_the_columns_are_as_wide_as_the_longest_of_them():
    first, second = status(stopping(waiting("a"), waiting("a/long/path")), 80, 30)[1:]
    assert first.index(" 3.2 s") == second.index(" 3.2 s")


def test_a_worker_of_which_no_place_is_known_has_its_hook():
    nowhere = Waiting("app/db", "on_startup", 1.0, ())
    for width in 40, 80:
        assert status(stopping(nowhere), width, 30)[1] == "  app/db    1.0 s  on_startup"


def test_a_file_below_the_current_directory_is_named_as_seen_from_there(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.chdir(tmp_path)
    assert place_of((f"{tmp_path}/a/b/c/app.py:3 in run",)) == "a/b/c/app.py:3 in run"
    assert place_of(("/else/where/lib/app.py:3 in run",)) == "lib/app.py:3 in run"


def test_a_file_with_an_evil_name_forges_no_line():
    """A13"""
    assert place_of(("/srv/a\n\x1b[2Jb.py:3 in run",)) == "srv/a\\n\\x1b[2Jb.py:3 in run"


# --- the screen ----------------------------------------------------------------------------------


def log_to(front: TerminalFront) -> logging.Logger:
    """Returns a logger that is written to this front, and to nothing else."""
    log = logging.Logger("fluid.worker")  # noqa: LOG001 - one that nobody else has
    log.addHandler(LineHandler(TerminalFormatter(colours=True, is_screen=True), front))
    return log


def seen(screen: Screen) -> list[str]:
    """Returns what is to be seen, without the times of the log lines."""
    return [row[9:] if row[2:3] == ":" else row for row in screen.rows]


def test_what_is_quick_shows_nothing():
    screen = Screen()
    front = TerminalFront(screen)
    front.stage(stopping(waiting(), elapsed=SHOWN_AFTER - 0.01))
    front.stage(OVER)
    assert screen.getvalue() == ""


def test_log_lines_are_above_the_status_and_nothing_of_it_stays():
    screen = Screen()
    front = TerminalFront(screen)
    log = log_to(front)
    log.info("before")
    front.stage(stopping(waiting("app/a"), waiting("app/b"), waiting()))
    assert len(seen(screen)) == 5
    front.stage(stopping(waiting()))
    assert seen(screen) == ["INFO     before", HEAD, DB]
    log.warning("one\ntwo")
    assert seen(screen) == ["INFO     before", "WARNING  one", "    two", HEAD, DB]
    front.stage(OVER)
    log.info("after")
    assert seen(screen) == ["INFO     before", "WARNING  one", "    two", "INFO     after"]


@pytest.mark.parametrize("columns", [20, 40, 80])
def test_a_line_that_is_too_long_spoils_nothing(monkeypatch: pytest.MonkeyPatch, columns: int):
    size_is(monkeypatch, columns)
    screen = Screen(columns)
    front = TerminalFront(screen)
    log = log_to(front)
    long = waiting("app/" + "x" * 100, place="/srv/" + "y" * 100 + ".py:1 in run")
    for number in range(3):
        front.stage(stopping(long, long))
        log.info("%s%d", "z" * 100, number)
    assert [row.endswith("…") for row in seen(screen)[-3:]] == [columns < 80, True, True]
    front.stage(OVER)
    text = "".join(screen.rows)
    assert [text.count("z" * 100 + str(number)) for number in range(3)] == [1, 1, 1]
    assert "app" not in text


def test_the_echo_of_ctrl_c_is_gone_with_the_next_look():
    screen = Screen()
    front = TerminalFront(screen)
    screen.write("^C")  # nothing had been shown: it stands where the status is to begin
    front.stage(stopping(waiting()))
    assert seen(screen) == [HEAD, DB]
    screen.write("^C")  # as the terminal does, wherever the cursor is
    assert seen(screen) == [HEAD, DB, " ^C"]
    front.stage(stopping(waiting()))
    assert seen(screen) == [HEAD, DB]
    screen.write("^C")
    front.stage(OVER)
    assert seen(screen) == []


def test_the_line_about_ctrl_c_is_written_over_its_echo():
    screen = Screen()
    front = TerminalFront(screen)
    log = log_to(front)
    log.name = "fluid.runtime"
    screen.write("^C")
    log.info("SIGINT: app is to stop")
    front.stage(stopping(waiting()))
    screen.write("^C")
    log.warning("SIGINT: app is to stop at once")
    assert seen(screen) == [
        "INFO     SIGINT: app is to stop",
        "WARNING  SIGINT: app is to stop at once",
        HEAD,
        DB,
    ]


def test_the_cursor_is_never_hidden_since_a_killed_process_cannot_bring_it_back():
    screen = Screen()
    front = TerminalFront(screen)
    front.stage(stopping(waiting()))
    front.stage(OVER)
    assert "?25" not in screen.getvalue()


def test_the_last_words_have_no_status_below_them():
    screen = Screen()
    front = TerminalFront(screen)
    front.stage(stopping(waiting()))
    front.last_words("app: exit code 1: it failed", 1)
    assert screen.rows == ["app: exit code 1: it failed"]


def test_what_is_printed_meanwhile_is_above_the_status_half_lines_at_the_end(
    monkeypatch: pytest.MonkeyPatch,
):
    screen = Screen()
    monkeypatch.setattr("sys.stdout", screen)
    front = TerminalFront(screen)
    front.stage(stopping(waiting()))
    print("a whole line")
    print("half", end="")
    assert seen(screen) == ["a whole line", HEAD, DB]
    front.stage(OVER)
    assert seen(screen) == ["a whole line", "half"]
    print("later")
    assert seen(screen)[-1] == "later"


def test_what_is_printed_to_a_file_goes_there(monkeypatch: pytest.MonkeyPatch):
    screen, file = Screen(), io.StringIO()
    monkeypatch.setattr("sys.stdout", file)
    front = TerminalFront(screen)
    front.stage(stopping(waiting()))
    print("into the file")
    front.stage(OVER)
    assert (file.getvalue(), seen(screen)) == ("into the file\n", [])


def test_a_quiet_front_shows_nothing():
    screen = Screen()
    front = TerminalFront(screen)
    front.is_quiet = True
    front.stage(stopping(waiting()))
    assert screen.getvalue() == ""


def test_a_terminal_that_cannot_take_back_has_log_lines(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TERM", "dumb")
    screen, lines = Screen(), []
    monkeypatch.setattr("fluid.runtime.front.logger.info", lambda *words, **_: lines.append(words))
    TerminalFront(screen).stage(stopping(waiting()))
    assert (screen.getvalue(), len(lines)) == ("", 1)


@pytest.mark.parametrize(
    "error", [OSError(errno.EIO, "hung up"), BrokenPipeError(errno.EPIPE, "nobody reads")]
)
def test_a_terminal_that_was_closed_is_no_error(error: OSError):
    """L13, Z11"""
    screen = Screen()
    front = TerminalFront(screen)
    log = log_to(front)
    front.stage(stopping(waiting()))
    screen.broken = error
    log.info("lost")
    front.stage(stopping(waiting()))
    front.stage(OVER)
    front.last_words("app: exit code 1", 1)
    screen.broken = None
    log.info("comes back")
    front.stage(stopping(waiting()))
    assert seen(screen)[-1] == "INFO     comes back"
    assert any("may be lost" in row for row in screen.rows)
