"""The file in which a process says how it is: what is in it, and what is made of it."""

from __future__ import annotations

import json
import os
import time

import pytest

from fluid.health import Phase, Report, Trouble
from fluid.health.file import MOST_BYTES, content, parse, pid_space
from fluid.health.judging import MOST_AGE, MOST_MUTE, Question, ask, judge, kept_by

LIVE, READY = Question
SLOW = Trouble("app/db", "has not called beat() for 7.0 s")
DOWN = Trouble("app/db", "failed (OSError: gone)")
GONE = 2**22 + 1
"""A number that no process has: it is above the most that Linux counts to."""


def report(phase=Phase.READY, *, not_live=(), not_ready=(), degraded=(), name="app"):
    is_ready = phase is Phase.READY
    troubles = (not_live, not_ready, degraded)
    return Report(name, phase, not not_live, is_ready, *troubles, {"running": 5})


def file_of(how, *, pid=7, mute_for=0.0, blocked_by=""):
    """Returns what the file holds of a process that is so."""
    return content(how, pid=pid, mute_for=mute_for, blocked_by=blocked_by)


def judged(question, how=None, *, age=0.0, is_gone=False, **facts):
    """Returns the verdict on a file."""
    data = file_of(report() if how is None else how, **facts)
    return tuple(judge(question, parse(data), age, "/run/h", is_gone=is_gone))


# --- how it is judged ----------------------------------------------------------------------------

VERDICTS = {
    "ready": (report(), "live: app is ready, 5 workers", "ready: app is ready, 5 workers"),
    "degraded": (
        report(degraded=(DOWN,)),
        "live: app is ready, 5 workers; degraded: app/db failed (OSError: gone)",
        "ready: app is ready, 5 workers; degraded: app/db failed (OSError: gone)",
    ),
    "starting": (
        report(Phase.STARTING, not_ready=(Trouble("app/db", "has been starting for 3.0 s"),)),
        "live: app is starting: app/db has been starting for 3.0 s",
        "not ready: app is starting: app/db has been starting for 3.0 s",
    ),
    "not ready": (
        report(Phase.NOT_READY, not_ready=(DOWN,)),
        "live: app is not ready: app/db failed (OSError: gone)",
        "not ready: app is not ready: app/db failed (OSError: gone)",
    ),
    "stopping": (report(Phase.STOPPING), "live: app is stopping", "not ready: app is stopping"),
    "not live": (
        report(not_live=(SLOW, DOWN)),
        "not live: app/db has not called beat() for 7.0 s; app/db failed (OSError: gone)",
        "not ready: app/db has not called beat() for 7.0 s; app/db failed (OSError: gone)",
    ),
}


@pytest.mark.parametrize(("how", "live", "ready"), VERDICTS.values(), ids=VERDICTS)
def test_a_process_is_as_its_report_says(how, live, ready):
    assert judged(LIVE, how) == (not live.startswith("not"), live)
    assert judged(READY, how) == (not ready.startswith("not"), ready)


@pytest.mark.parametrize("question", Question)
def test_a_loop_that_is_blocked_is_not_alive_and_it_is_told_for_how_long_and_by_whom(question):
    """H07"""
    by = "worker app/db, at db.py:3 in query"
    assert judged(question, mute_for=10.0, blocked_by=by) == (
        False,
        f"not {question}: the event loop of app has not turned for 10 s; it is blocked by {by}",
    )


def test_a_loop_that_is_blocked_by_nobody_knows_whom_is_not_alive_either():
    """H07"""
    line = "not live: the event loop of app has not turned for 5 s"
    assert judged(LIVE, mute_for=MOST_MUTE) == (False, line)


def test_a_loop_that_is_only_late_is_alive():
    """H07"""
    assert judged(LIVE, mute_for=MOST_MUTE - 0.1, blocked_by="x")[0]


@pytest.mark.parametrize("mute_for", [float("nan"), float("inf")])
def test_a_number_that_is_none_is_never_good(mute_for):
    assert not judged(LIVE, mute_for=mute_for)[0]


@pytest.mark.parametrize("age", [0.0, MOST_AGE, -MOST_AGE])
def test_a_file_that_was_touched_of_late_is_believed(age):
    assert judged(LIVE, age=age)[0]


@pytest.mark.parametrize("age", [MOST_AGE + 0.1, -MOST_AGE - 0.1, 1e9, float("nan")])
def test_an_old_file_says_nothing_any_more_whatever_is_in_it(age):
    is_good, line = judged(LIVE, age=age)
    assert not is_good
    assert line.startswith(f"not live: /run/h was last touched {age:.0f} s ago")
    assert "process 7 hangs, is stopped, or waits for its disk" in line


def test_the_file_of_a_process_that_has_ended_says_so_however_fresh_it_is():
    line = "not live: process 7, which kept /run/h, is gone"
    assert judged(LIVE, is_gone=True) == (False, line)


# --- what is in it -------------------------------------------------------------------------------


def test_the_file_is_one_object_of_json_with_the_whole_report():
    data = json.loads(file_of(report(not_ready=(DOWN,)), pid=4711, mute_for=2.0, blocked_by="x"))
    assert data["report"] == report(not_ready=(DOWN,)).as_dict()
    assert (data["pid"], data["mute_for"], data["blocked_by"]) == (4711, 2.0, "x")


def test_the_largest_report_there_can_be_is_one_that_can_be_read():
    bad = "\udcff" * 100_000
    troubles = (Trouble(bad, bad),) * 10
    how = report(not_live=troubles, not_ready=troubles, degraded=troubles, name=bad)
    data = file_of(how, blocked_by=bad)
    assert MOST_BYTES / 4 < len(data) < MOST_BYTES
    assert not parse(data).is_live


# --- a file that is not right --------------------------------------------------------------------


def changed(**facts):
    """Returns a file in which something is not as it should be."""
    return json.dumps({**json.loads(file_of(report())), **facts}).encode()


def without(key):
    facts = json.loads(file_of(report()))
    del facts["report"][key]
    return json.dumps(facts).encode()


ANOTHER = "it is that of another version of fluid"
STRANGE = "it is not a health file"
GARBAGE = {
    "nothing": (b"", "it is not JSON"),
    "half of it": (file_of(report())[:-5], "it is not JSON"),
    "bytes": (b"\xff\x00\x01", "it is not JSON"),
    "too many brackets": (b"[" * 100_000, "it is not JSON"),
    "too long a number": (b'{"pid": ' + b"9" * 5000 + b"}", "it is not JSON"),
    "too large": (b" " * (MOST_BYTES + 1), "it is too large"),
    "a number": (b"3", STRANGE),
    "a list": (b"[]", STRANGE),
    "an empty object": (b"{}", STRANGE),
    "another format": (changed(format=2), ANOTHER),
    "no id of a process": (changed(pid=-1), STRANGE),
    "the id of all processes": (changed(pid=0), STRANGE),
    "too large an id": (changed(pid=2**40), STRANGE),
    "no number of seconds": (changed(mute_for="long"), STRANGE),
    "no report": (changed(report=None), STRANGE),
    "a report without an answer": (without("live"), STRANGE),
    "troubles that are none": (without("not_live"), STRANGE),
}


@pytest.mark.parametrize(("data", "why"), GARBAGE.values(), ids=GARBAGE)
def test_what_is_no_health_file_is_never_good(data, why, tmp_path):
    path = tmp_path / "health"
    path.write_bytes(data)
    assert ask(LIVE, str(path)) == (False, f"not live: {path} cannot be read: {why}")


def test_strange_things_among_the_troubles_are_left_out():
    facts = json.loads(file_of(report(not_live=(DOWN,))))
    facts["report"]["not_live"] += [None, [], {"worker": 3, "what": "x"}, {"worker": "x"}]
    verdict = judge(LIVE, parse(json.dumps(facts).encode()), 0.0, "/run/h", is_gone=False)
    assert verdict == (False, "not live: app/db failed (OSError: gone)")
    facts["report"]["not_live"] = []
    verdict = judge(LIVE, parse(json.dumps(facts).encode()), 0.0, "/run/h", is_gone=False)
    assert verdict.line.startswith("not live: app is ready, 5 workers")


def test_where_there_is_no_file_it_is_said_how_there_would_be_one(tmp_path):
    path = tmp_path / "health"
    is_good, line = ask(READY, str(path))
    assert not is_good
    assert line.startswith(f"not ready: there is no file {path}; ")
    assert f"--health-file {path}" in line


def a_folder(path):
    path.mkdir()


def a_pipe(path):
    os.mkfifo(path)


def a_loop(path):
    path.symlink_to(path)


@pytest.mark.real
@pytest.mark.parametrize("make", [a_folder, a_pipe, a_loop])
def test_what_is_no_file_at_all_is_not_waited_for(make, tmp_path):
    path = tmp_path / "health"
    make(path)
    is_good, line = ask(LIVE, str(path))
    assert not is_good
    assert line.startswith(f"not live: {path} cannot be read: ")


# --- a file of a process -------------------------------------------------------------------------


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "health"
    path.write_bytes(file_of(report(), pid=os.getpid()))
    return path


@pytest.mark.real
def test_the_file_of_a_live_process_is_believed(path):
    assert ask(LIVE, str(path)) == (True, "live: app is ready, 5 workers")
    assert kept_by(str(path)) == os.getpid()


@pytest.mark.real
def test_the_age_of_a_file_is_that_of_its_last_touch(path):
    os.utime(path, (time.time(), time.time() - 60))
    assert "was last touched 60 s ago" in ask(LIVE, str(path)).line
    assert kept_by(str(path)) == 0


@pytest.mark.real
def test_the_file_of_a_process_that_was_killed_is_not_believed(path):
    path.write_bytes(file_of(report(), pid=GONE))
    assert ask(LIVE, str(path)).line == f"not live: process {GONE}, which kept {path}, is gone"
    assert kept_by(str(path)) == 0


@pytest.mark.real
@pytest.mark.skipif(not pid_space(), reason="there are no namespaces here")
def test_the_id_of_a_process_in_another_container_is_not_looked_for_here(path):
    facts = json.loads(file_of(report(), pid=GONE))
    path.write_text(json.dumps({**facts, "pid_space": "pid:[1]"}))
    assert ask(LIVE, str(path)).is_good
    assert kept_by(str(path)) == 0


@pytest.mark.parametrize("data", [b"", b"{}", None])
def test_nobody_keeps_a_file_that_is_not_there_or_is_none(tmp_path, data):
    if data is not None:
        (tmp_path / "health").write_bytes(data)
    assert kept_by(str(tmp_path / "health")) == 0
