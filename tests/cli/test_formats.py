"""A record of the log, as text: plain, for a terminal, and as JSON."""

from __future__ import annotations

import json
import logging
import sys

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fluid import texts
from fluid.cli.formats import JsonFormatter, PlainFormatter, TerminalFormatter
from fluid.cli.readable import DEEPEST

AT = 1795403328.12399
"""2026-11-23 03:08:48.123 UTC, and a bit."""

PLAIN = PlainFormatter()
JSON = JsonFormatter()
TERMINAL = TerminalFormatter(colours=False, is_screen=True)
FORMATTERS = [PLAIN, JSON, TERMINAL]


def record(message: object, *args: object, name: str = "myapp", **fields: object):
    """Makes a record as a logger does."""
    made = logging.LogRecord(name, logging.INFO, __file__, 1, message, args, None)
    made.created = AT
    vars(made).update(fields)
    return made


def failed(error: BaseException):
    """Returns what ``exc_info=True`` puts on a record."""
    try:
        raise error
    except BaseException:
        return sys.exc_info()


def parsed(text: str) -> dict[str, object]:
    """Reads a line of JSON as a strict reader does."""

    def refuse(constant: str) -> None:
        pytest.fail(f"{constant} is not JSON")

    assert text.isascii()
    assert text.isprintable()
    fields = json.loads(text, parse_constant=refuse)
    assert isinstance(fields, dict)
    return fields


class Hostile:
    """Has a ``repr`` that raises."""

    def __repr__(self) -> str:
        raise LookupError("no repr")


# --- plain ---------------------------------------------------------------------------------------


def test_a_plain_record_is_one_line_with_the_time_in_utc():
    text = PLAIN.format(record("worker %s is ready", "app/db", name="fluid.worker"))
    assert text == "2026-11-23T03:08:48.123Z INFO fluid.worker: worker app/db is ready"


def test_a_record_of_a_users_logger_has_the_path_of_the_worker():
    text = PLAIN.format(record("connected", worker="app/db"))
    assert text == "2026-11-23T03:08:48.123Z INFO myapp [app/db]: connected"


@pytest.mark.parametrize("name", ["fluid", "fluid.worker", "fluid.runtime"])
def test_a_record_of_fluids_own_does_not_repeat_the_path(name: str):
    assert "[" not in PLAIN.format(record("worker app/db is ready", name=name, worker="app/db"))


def test_a_logger_that_is_only_called_alike_is_not_fluids():
    assert "fluidity [app]: x" in PLAIN.format(record("x", name="fluidity", worker="app"))


def test_lines_after_the_first_are_indented():
    text = PLAIN.format(record("one\ntwo\r\n\nthree\n"))
    assert text.split("\n")[1:] == ["    two", "    ", "    three"]


def test_a_traceback_is_indented_below_its_record():
    text = PLAIN.format(record("it broke", exc_info=failed(KeyError("one\ntwo"))))
    first, second, *_, last = text.split("\n")
    assert first.endswith("INFO myapp: it broke")
    assert second == "    Traceback (most recent call last):"
    assert last == "    KeyError: 'one\\ntwo'"


def test_a_stack_that_somebody_asked_for_is_written_too():
    made = record("here", stack_info="Stack (most recent call last):\n  here")
    assert PLAIN.format(made).endswith(": here\n    Stack (most recent call last):\n      here")
    assert parsed(JSON.format(made))["stack"] == made.stack_info


TEXT = st.text(alphabet=st.characters(codec=None), max_size=30)


@settings(max_examples=60, deadline=None)
@given(message=TEXT, name=TEXT, worker=TEXT)
@example("\n2026-11-23T03:08:48.123Z ERROR root: forged", "a\nb", "a\nb")
@example("a\rb\x1b[2Kc\x85d\u2028e\u202ef\udcffg\x00", "\x1b", "\x7f")
def test_nothing_can_forge_a_line(message: str, name: str, worker: str):
    """A09, A13"""
    made = record("%s", message, name=name, worker=worker)
    for formatter in PLAIN, TERMINAL:
        first, *others = formatter.format(made).split("\n")
        assert all(line.startswith("    ") for line in others)
        assert all(line.isprintable() for line in (first.removeprefix("\r\x1b[K"), *others))
    fields = parsed(JSON.format(made))
    whole = message.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    assert fields["message"] == whole
    assert fields.get("worker", "") == worker.encode("utf-16", "surrogatepass").decode(
        "utf-16", "replace"
    )


# --- for a terminal ------------------------------------------------------------------------------


def test_a_terminal_gets_a_short_time_and_names_only_other_loggers():
    ours = TERMINAL.format(record("worker app is ready", name="fluid.worker"))
    assert ours[2::3][:2] == "::"
    assert ours[8:] == " INFO     worker app is ready"
    theirs = TERMINAL.format(record("connected", worker="app/db"))
    assert theirs[8:] == " INFO     myapp [app/db]: connected"


@pytest.mark.parametrize(
    ("level", "colour"),
    [("CRITICAL", "1;31"), ("ERROR", "31"), ("WARNING", "33"), ("INFO", "32"), ("DEBUG", "2")],
)
def test_the_colour_is_that_of_the_level(level: str, colour: str):
    made = record("x", levelno=getattr(logging, level), levelname=level)
    text = TerminalFormatter(colours=True, is_screen=True).format(made)
    assert f"\x1b[{colour}m{level:<8}\x1b[0m" in text


def test_a_line_about_a_signal_is_written_over_the_echo_of_ctrl_c():
    signal = record("SIGINT: app is to stop", name="fluid.runtime")
    assert TERMINAL.format(signal).startswith("\r\x1b[K")
    assert not TERMINAL.format(record("x")).startswith("\r")
    assert not TerminalFormatter(colours=False, is_screen=False).format(signal).startswith("\r")


# --- JSON ----------------------------------------------------------------------------------------


def test_json_has_the_same_and_what_was_passed_as_extra():
    made = record("got %d", 3, worker="app/db", order=17, tags=["a"])
    assert parsed(JSON.format(made)) == {
        "time": "2026-11-23T03:08:48.123Z",
        "level": "INFO",
        "logger": "myapp",
        "worker": "app/db",
        "message": "got 3",
        "order": 17,
        "tags": ["a"],
    }


def test_json_has_a_traceback_as_text():
    text = parsed(JSON.format(record("it broke", exc_info=failed(OSError("no disk")))))["exception"]
    assert isinstance(text, str)
    assert text.startswith("Traceback (most recent call last):\n")
    assert text.endswith("\nOSError: no disk")


def test_an_extra_takes_the_place_of_nothing():
    """A09, A13"""
    fields = parsed(JSON.format(record("real", time="never", level="none", logger="root")))
    assert (fields["level"], fields["logger"]) == ("INFO", "myapp")
    assert (fields["time_"], fields["level_"], fields["logger_"]) == ("never", "none", "root")


CYCLE: list[object] = []
CYCLE.append(CYCLE)


ODD: dict[str, tuple[object, object]] = {
    "not a number": (float("nan"), "nan"),
    "without an end": ({"a": float("inf")}, "{'a': inf}"),
    "bytes": (b"\xff", "b'\\xff'"),
    "in itself": (CYCLE, "[[...]]"),
    "a key that is no text": ({(1, 2): 3}, "{(1, 2): 3}"),
    "a repr that raises": (Hostile(), "<a Hostile that cannot be shown>"),
    "with one in it": ([Hostile()], "<a list that cannot be shown>"),
    "too many digits": (10**5000, "<a int that cannot be shown>"),
    "half a pair": ("half \ud83d", "half \ufffd"),
    "control characters": (["\x7f\x1b\n"], ["\x7f\x1b\n"]),
}


@pytest.mark.parametrize("kind", ODD)
def test_an_odd_value_becomes_text(kind: str):
    value, shown = ODD[kind]
    assert parsed(JSON.format(record("x", odd=value)))["odd"] == shown


@pytest.mark.parametrize("depth", [DEEPEST, DEEPEST + 1, 5000])
def test_what_is_too_deep_for_many_readers_becomes_text(depth: int):
    """I13"""
    value: list[object] = []
    for _ in range(depth - 1):
        value = [value]
    odd = parsed(JSON.format(record("x", odd=value)))["odd"]
    assert isinstance(odd, str) == (depth > DEEPEST)


@settings(max_examples=60, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | TEXT | st.binary(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
        max_leaves=8,
    )
)
def test_json_is_json_whatever_is_in_it(value: object):
    assert "odd" in parsed(JSON.format(record("x", odd=value)))


# --- limits, and calls that went wrong -----------------------------------------------------------


@pytest.mark.parametrize("formatter", FORMATTERS)
def test_a_record_is_cut_where_it_would_fill_the_disk(formatter: logging.Formatter):
    """I13"""
    long = 4 * texts.LONGEST_TEXT
    error = failed(ValueError("x" * long))
    made = record("y" * long, exc_info=error, list=["z"] * long)
    text = formatter.format(made)
    assert len(text) < long
    assert f"({long} characters)" in text


@pytest.mark.parametrize("formatter", FORMATTERS)
def test_a_call_with_the_wrong_arguments_is_written_as_it_was_made(formatter: logging.Formatter):
    text = formatter.format(record("%d of %d", "one"))
    assert "%d of %d ('one',) (cannot be put together: TypeError: " in text


@pytest.mark.parametrize("formatter", FORMATTERS)
def test_a_message_that_cannot_be_shown_is_no_error(formatter: logging.Formatter):
    text = formatter.format(record(Hostile()))
    assert "<a Hostile that cannot be shown>" in text
    assert "LookupError: no repr" in text
