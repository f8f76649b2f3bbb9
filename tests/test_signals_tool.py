"""How ``make signals`` judges a process that it has killed, and that it finds nothing in a few."""

from __future__ import annotations

from math import inf
from signal import SIGINT, SIGTERM

import pytest

from tools.signals import main, play
from tools.signals_life import LOOPS, case_of
from tools.signals_records import Life, Sent
from tools.signals_rules import KINDS, TO_EXIT, Kind, codes, faults, phase

DEADLINE = 1.0
ALL = {mark: 0.1 * number for number, mark in enumerate(TO_EXIT) if mark}
"""A life in which every phase takes 0.1 seconds: 1.1 in all."""
CALM = Kind("calm")
HANGING = Kind("hanging", {"hanging": 4})
DEAF = HANGING._replace(is_deaf=True)
FAILING = Kind("failing", {"failing": 1}, is_loud=True)


def until(last: str, **more: float) -> dict[str, float]:
    """Returns the marks of a life that came so far, and some more."""
    return {mark: at for mark, at in ALL.items() if at <= ALL[last]} | more


def life(
    code: int, marks: dict[str, float], *sent: tuple[int, float], gone_at: float = inf, errors=""
) -> Life:
    """Returns a life that was over a little after the last thing that it did."""
    last = max([*marks.values(), *(at for _, at in sent)], default=0.0)
    ends = last + 0.05 if gone_at == inf else gone_at
    return Life(code, ends, marks, tuple(Sent(*each) for each in sent), errors)


# --- exit codes ----------------------------------------------------------------------------------


def test_a_signal_before_the_import_is_over_kills():
    """Z02"""
    assert codes(CALM, life(-15, until("importing"), (SIGTERM, 0.15))) == {-15}
    assert codes(CALM, life(-15, {}, (SIGTERM, 0.05))) == {-15}


def test_a_signal_while_the_handlers_are_taken_kills_or_stops():
    assert codes(CALM, life(0, until("imported"), (SIGTERM, 0.25))) == {-15, 0}


@pytest.mark.parametrize("last", ["making", "running", "cleaning", "exiting"])
def test_a_signal_after_that_stops_and_the_code_is_that_of_what_was_done(last):
    """Z03"""
    sent = (SIGTERM, ALL[last] + 0.05)
    assert codes(CALM, life(0, ALL, sent)) == {0}
    assert codes(HANGING, life(4, until("running", hanging=0.9), sent)) == {4}
    assert codes(HANGING, life(0, until("running"), sent)) == {0}


def test_an_error_before_the_root_was_ready_is_a_start_that_failed():
    assert codes(FAILING, life(1, {**ALL, "failing": 0.8})) == {1}
    assert codes(FAILING, life(3, until("running", failing=0.65), (SIGTERM, 0.62))) == {3}


def test_a_second_signal_gives_the_code():
    sent = (SIGTERM, 0.7), (SIGINT, 1.0)
    assert codes(HANGING, life(130, until("running", hanging=0.65), *sent)) == {130}


def test_of_two_signals_at_once_either_may_be_the_second():
    sent = (SIGTERM, 0.7), (SIGINT, 0.71)
    assert codes(HANGING, life(130, until("running", hanging=0.65), *sent)) == {130, 143}


def test_a_copy_of_the_first_does_not_count():
    """Z04"""
    sent = (SIGTERM, 0.7), (SIGTERM, 0.9)
    assert codes(HANGING, life(4, until("running", hanging=0.65), *sent)) == {4}


def test_a_second_signal_while_the_interpreter_exits_may_come_too_late():
    assert codes(CALM, life(0, ALL, (SIGTERM, 0.7), (SIGINT, ALL["exiting"] + 0.01))) == {0, 130}


def test_code_in_c_may_not_hear_a_second_signal():
    sent = (SIGTERM, 0.7), (SIGINT, 1.0)
    assert codes(DEAF, life(4, until("running", hanging=0.65), *sent)) == {4, 130}


def test_a_third_signal_gives_the_code_unless_the_second_was_enough():
    sent = (SIGTERM, 0.7), (SIGINT, 1.0), (SIGTERM, 1.3)
    assert codes(HANGING, life(143, until("running", hanging=0.65), *sent)) == {130, 143}


# --- faults --------------------------------------------------------------------------------------


def test_nothing_is_wrong_with_a_life_that_ends_in_time_with_its_code():
    assert faults(CALM, life(0, ALL, (SIGTERM, 0.7)), DEADLINE) == []
    assert faults(CALM, life(0, ALL), DEADLINE) == []


def test_a_wrong_code_is_a_fault():
    assert faults(CALM, life(-11, ALL, (SIGTERM, 0.7)), DEADLINE) == [
        "exit code -11 instead of 0",
    ]


@pytest.mark.parametrize(
    ("marks", "sent", "since"),
    [
        (until("running"), [(SIGTERM, 0.65)], 0.65),
        (until("cleaning"), [(SIGTERM, ALL["cleaning"])], ALL["stopping"]),
        (until("cleaning"), [], ALL["stopping"]),
    ],
)
def test_a_late_end_is_a_fault_half_a_second_after_the_deadline(marks, sent, since):
    """Z01: the deadline runs from the signal, or from the beginning of its own stop."""
    kind = CALM._replace(is_abandoned=True)
    ends = since + DEADLINE + 0.5
    assert faults(kind, life(0, marks, *sent, gone_at=ends - 0.01), DEADLINE) == []
    assert faults(kind, life(0, marks, *sent, gone_at=ends + 0.01), DEADLINE) == [
        "gone 0.51 seconds after its deadline"
    ]


def test_who_is_killed_by_a_signal_has_half_a_second():
    killed = life(-15, until("importing"), (SIGTERM, 0.15), gone_at=0.7)
    assert faults(CALM, killed, DEADLINE) == ["gone 0.55 seconds after its deadline"]


def test_a_deadline_that_is_over_too_early_is_a_fault():
    early = life(
        4, until("running", hanging=0.65), (SIGTERM, 0.7), gone_at=1.5, errors="exit code 4: "
    )
    assert faults(HANGING, early, DEADLINE) == ["exit code 4, and 0.20 seconds before its deadline"]


def test_the_third_signal_is_obeyed_on_the_spot():
    sent = (SIGTERM, 0.7), (SIGINT, 0.8), (SIGTERM, 1.25)
    slow = life(143, until("running", hanging=0.65), *sent, gone_at=1.8)
    assert faults(HANGING, slow, DEADLINE) == ["gone 0.55 seconds after the third signal"]


def test_a_cleanup_without_a_start_is_a_fault_and_so_is_a_start_without_a_cleanup():
    """Z01"""
    never_started = {mark: at for mark, at in ALL.items() if mark != "started"}
    never_cleaned = {mark: at for mark, at in ALL.items() if mark != "cleaning"}
    assert "on_startup() had not returned" in faults(CALM, life(0, never_started), 2.0)[0]
    assert "on_shutdown() was not called" in faults(CALM, life(0, never_cleaned), 2.0)[0]


def test_a_traceback_is_a_fault_except_of_who_fails():
    told = "Traceback (most recent call last):\napp: exit code 1: it failed"
    assert faults(CALM, life(0, ALL, errors=told), 2.0) == ["'Traceback (' on stderr"]
    assert faults(FAILING, life(1, {**ALL, "failing": 0.8}, errors=told), 2.0) == []


def test_an_end_that_is_not_clean_has_to_be_explained():
    silent = life(1, {**ALL, "failing": 0.8})
    assert faults(FAILING, silent, 2.0) == ["no last line that says why"]


def test_the_phase_of_a_moment_is_the_last_mark_before_it():
    assert phase(life(0, ALL), 0.05) == ""
    assert phase(life(0, ALL), ALL["running"] + 0.05) == "running"


# --- cases ---------------------------------------------------------------------------------------


def test_a_seed_says_everything_about_its_case():
    assert case_of(4711) == case_of(4711)
    assert case_of(4711) != case_of(4711 + len(KINDS) * len(LOOPS))


def test_each_kind_comes_in_turn_on_each_loop_and_every_phase_is_met():
    cases = [case_of(seed) for seed in range(1000)]
    assert {(case.kind.name, case.loop) for case in cases} == {
        (kind.name, loop) for kind in KINDS for loop in LOOPS
    }
    assert {case.shots[0].after for case in cases} == {*TO_EXIT, "hanging"}
    assert {len(case.shots) for case in cases} == {1, 2, 3}


def test_the_first_signal_is_a_sigterm_and_no_moment_is_a_matter_of_luck():
    for seed in range(1000):
        first, *more = case_of(seed).shots
        assert first.number is SIGTERM
        assert not any(0.3 < shot.delay < 0.7 for shot in more)


# --- the report ----------------------------------------------------------------------------------


def test_a_failure_is_printed_with_the_line_that_repeats_it(capsys, monkeypatch):
    monkeypatch.setattr("tools.signals.live", lambda *_: life(-11, ALL, (SIGTERM, 0.7)))
    monkeypatch.setattr("sys.argv", ["signals", "--only", "4711"])
    assert main() == 1
    out = capsys.readouterr().out
    assert "exit code -11 instead of" in out
    assert 'again: make signals ARGS="--only 4711"' in out
    assert f"FAILED --only 4711: {case_of(4711)}" in out


def test_the_figures_are_printed_by_kind_and_the_exit_code_is_0_without_a_failure(
    capsys, monkeypatch
):
    monkeypatch.setattr("tools.signals.live", lambda *_: life(0, ALL, (SIGTERM, 0.75)))
    monkeypatch.setattr("sys.argv", ["signals", "--count", "34", "-k", "well"])
    assert main() == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "2 processes, 2 signals, 0 failures" in shown
    assert "well_behaved 0.40 s 0: 2" in shown
    assert "ready 2," in shown


# --- real processes ------------------------------------------------------------------------------


@pytest.mark.real
def test_one_process_of_each_kind_ends_as_it_should(capsys):
    """Z01"""
    tally = play(
        [case_of(seed) for seed in range(len(KINDS))], DEADLINE, jobs=len(KINDS), slack=2.0
    )
    assert tally.failures == [], capsys.readouterr().out
    assert tally.count == len(KINDS)
