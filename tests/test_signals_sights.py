"""How ``make signals`` judges what was to be seen of a process, and that those who look do see."""

from __future__ import annotations

import socket
import threading
import time
from pathlib import Path
from signal import SIGINT, SIGTERM

import pytest

from tools.signals_life import case_of
from tools.signals_outside import Lookout
from tools.signals_records import Answer, Life, Outside, Sent, Sights
from tools.signals_rules import TO_EXIT, Kind
from tools.signals_sights import worked_on, wrong_sights

ALL = {mark: 1.0 * number for number, mark in enumerate(TO_EXIT) if mark}
"""A life in which every phase takes a second; it was ready in second 7, and stopped in 8."""
CALM = Kind("calm")
SYSTEMD = Outside(systemd=True)
WELL = ("READY=1\nSTATUS=ready", "STOPPING=1\nSTATUS=stopping", "STATUS=exit code 0")


def seen(asked: Outside = SYSTEMD, *, code=0, marks=ALL, sent=((SIGTERM, 7.5),), **sights) -> Life:
    """Returns a life that ended with what was seen of it."""
    signals = tuple(Sent(*each) for each in sent)
    return Life(code, 12.0, dict(marks), signals, "", asked, Sights(**sights))


def without(*words: str) -> dict[str, float]:
    return {mark: at for mark, at in ALL.items() if mark not in words}


# --- systemd -------------------------------------------------------------------------------------


def test_nothing_is_wrong_where_all_is_told_in_its_order_or_nobody_asked():
    assert wrong_sights(CALM, seen(told=WELL)) == []
    assert wrong_sights(CALM, seen(Outside())) == []


TOLD_WRONG = {
    "systemd was told READY, READY, STOPPING": (WELL[0], *WELL),
    "systemd was told STOPPING, READY": (WELL[1], WELL[0], WELL[2]),
    "systemd was not told STOPPING": (WELL[0], WELL[2]),
    "the last status was STATUS=stopping": WELL[:2],
    "the last status was STATUS=ready": (*WELL, "STATUS=ready"),
    "the last status was none": ("READY=1", "STOPPING=1"),
}


@pytest.mark.parametrize(("fault", "told"), TOLD_WRONG.items(), ids=TOLD_WRONG)
def test_a_word_too_many_or_too_few_is_a_fault(fault, told):
    assert wrong_sights(CALM, seen(told=told)) == [fault]


def test_ready_is_a_fault_of_who_never_was():
    """H08"""
    assert wrong_sights(CALM, seen(marks=without("ready"), told=WELL)) == [
        "systemd was told READY, and it was not"
    ]


def test_the_last_status_has_the_exit_code():
    assert wrong_sights(CALM, seen(code=1, told=WELL)) == ["the last status was STATUS=exit code 0"]


def test_the_last_status_may_say_why():
    told = (*WELL[:2], "STATUS=exit code 1: app/a failed (OSError: 'no')")
    assert wrong_sights(CALM, seen(code=1, told=told)) == []
    assert wrong_sights(CALM, seen(code=10, told=told)) != []


@pytest.mark.parametrize("code", [-15, 143])
def test_who_is_ended_by_a_signal_has_no_last_words(code):
    assert wrong_sights(CALM, seen(code=code, told=WELL[:2])) == []


def test_who_hangs_in_the_exit_of_the_interpreter_says_so_after_all():
    assert wrong_sights(CALM, seen(code=4, told=WELL))
    told = [*WELL, "STATUS=exit code 4: it was not gone 1 second after it had to stop"]
    assert wrong_sights(CALM, seen(code=4, told=told)) == []


# --- clients, and the file -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "answer"),
    [
        ("", Answer(7.1, 7.2, 200)),
        ("", Answer(7.4, 7.7, 200)),
        ("", Answer(7.6, 7.7, 503)),
        ("/readyz was answered 500", Answer(7.1, 7.2, 500)),
        ("/readyz was 200, 1.000 seconds before it was ready", Answer(5.9, 6.0, 200)),
        ("/readyz was 200, 0.050 seconds after its end had begun", Answer(7.6, 7.7, 200)),
    ],
)
def test_a_probe_is_200_from_the_moment_it_is_ready_to_the_first_signal(fault, answer):
    """H03"""
    life = seen(Outside(http=True), answers=(answer,))
    assert wrong_sights(CALM, life) == ([fault] if fault else [])


def test_a_probe_is_not_200_once_a_stop_of_its_own_has_begun():
    """H03"""
    life = seen(Outside(http=True), sent=(), answers=(Answer(8.5, 8.6, 200),))
    assert wrong_sights(CALM, life) == ["/readyz was 200, 0.490 seconds after its end had begun"]


def test_a_file_that_is_left_is_a_fault_unless_it_was_killed_and_one_that_lies_is_always():
    life = seen(Outside(file=True), left=("health",))
    assert wrong_sights(CALM, life) == ["left behind: health"]
    assert wrong_sights(CALM, life._replace(code=-15)) == []
    lying = seen(Outside(file=True), code=143, left=("health",), is_taken_for_live=True)
    assert wrong_sights(CALM, lying) == ["by its health file it was live, when it was gone"]


# --- the drain delay -----------------------------------------------------------------------------

DRAINING = Outside(drain_delay=0.6)


def test_who_was_ready_has_to_work_on_for_the_whole_delay():
    """H04"""
    assert wrong_sights(CALM, seen(DRAINING, sent=[(SIGTERM, 7.4)])) == []
    assert wrong_sights(CALM, seen(DRAINING)) == ["work went on for 0.50 of 0.6 seconds"]


@pytest.mark.parametrize(
    ("kind", "asked", "sent"),
    [
        (CALM, Outside(), [(SIGTERM, 7.5)]),
        (CALM, DRAINING, []),
        (CALM, DRAINING, [(SIGTERM, 6.5)]),
        (CALM, DRAINING, [(SIGTERM, 7.5), (SIGINT, 7.8)]),
        (Kind("ends", marks=TO_EXIT), DRAINING, [(SIGTERM, 7.5)]),
    ],
    ids=["no delay", "no signal", "not ready", "a second signal", "an end of its own"],
)
def test_nobody_else_has_to(kind, asked, sent):
    """H04"""
    assert worked_on(kind, seen(asked, sent=sent)) is None


# --- looking -------------------------------------------------------------------------------------


def test_half_of_the_processes_are_looked_at_in_every_way():
    found = [case_of(seed).outside for seed in range(1000)]
    assert 400 < sum(any(each) for each in found) < 600
    assert len(set(found)) == 2 * 2 * 2 * 3


def test_what_is_asked_of_a_process_is_in_its_options_and_its_variables(tmp_path):
    lookout = Lookout(Outside(True, True, True, 0.1), str(tmp_path))
    options = dict(zip(lookout.options[::2], lookout.options[1::2], strict=True))
    assert list(options) == ["--http", "--health-file", "--drain-delay"]
    assert list(lookout.variables) == ["NOTIFY_SOCKET", "WATCHDOG_USEC"]
    lookout.end()


@pytest.mark.real
def test_those_who_look_write_down_what_they_see(tmp_path):
    lookout = Lookout(Outside(http=True, file=True, systemd=True), str(tmp_path))
    port, path = int(lookout.options[1]), lookout.options[3]
    has_asked = threading.Event()

    def serve() -> None:
        while True:
            client, _ = server.accept()
            with client:
                if b"\r\n\r\n" not in client.recv(1000):
                    return  # the one who never ends his request: all have been here
                client.sendall(b"HTTP/1.1 503 Service Unavailable\r\n\r\n")
            has_asked.set()

    with socket.create_server(("127.0.0.1", port)) as server:
        thread = threading.Thread(target=serve)
        thread.start()
        before = time.monotonic()
        lookout.begin()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.sendto(b"READY=1", lookout.variables["NOTIFY_SOCKET"])
        Path(path).touch()
        thread.join()
        assert has_asked.is_set()
    told, answers, left, is_taken_for_live = lookout.end()
    assert told == ("READY=1",)
    assert answers[0].status == 503
    assert before <= answers[0].asked_at <= answers[0].answered_at
    assert (left, is_taken_for_live) == (("health",), False)
