"""Exit codes and last lines, by the facts alone."""

from __future__ import annotations

import itertools
import signal

import pytest

from fluid import FluidValueError
from fluid.runtime.exit_codes import Facts, exit_code, reason

E = ValueError("no")
K = SystemExit(7)
U = FluidValueError("app:main has to make a worker, not None")


def group(*errors: BaseException) -> BaseException:
    return BaseExceptionGroup("several", errors)


def test_a_process_is_clean_if_there_is_nothing_to_say():
    """Z10"""
    assert exit_code(Facts()) == 0
    assert reason(Facts()) == ""


CAUSES = {
    "repeated_signal": (signal.SIGINT, 130),
    "overran": (25.0, 4),
    "escaped": (K, 7),
    "usage_error": (U, 2),
    "start_error": (E, 3),
    "error": (E, 1),
    "undone": (("app was abandoned",), 1),
}
"""What can be the matter, the highest cause first, and the code that it gives."""


@pytest.mark.parametrize(
    "present",
    [
        present
        for number in range(1, len(CAUSES) + 1)
        for present in itertools.combinations(CAUSES, number)
    ],
    ids=" and ".join,
)
def test_the_highest_cause_gives_the_code_and_the_line_has_them_all(present):
    """Z10"""
    facts = Facts(**{name: CAUSES[name][0] for name in present})
    assert exit_code(facts) == CAUSES[present[0]][1]
    assert len(reason(facts).split("; ")) == len(present)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_repeated_signal_gives_128_and_its_number(number, code):
    """Z10"""
    facts = Facts(repeated_signal=number)
    assert exit_code(facts) == code
    assert reason(facts) == f"told again to stop ({number.name})"


def test_a_deadline_that_was_missed_gives_4():
    """Z12"""
    facts = Facts(overran=2.5)
    assert exit_code(facts) == 4
    assert reason(facts) == "it was not gone 2.5 seconds after it had to stop"


def test_where_there_is_no_worker_to_start_the_reason_is_all_there_is_to_say():
    facts = Facts(usage_error=FluidValueError("app:main\nis none"))
    assert exit_code(facts) == 2
    assert reason(facts) == "app:main\\nis none"


@pytest.mark.parametrize("cause", ["escaped", "usage_error", "start_error", "error"])
def test_what_ends_the_process_for_good_is_a_failure(cause):
    """Nothing is restarted after it."""
    assert Facts(**{cause: CAUSES[cause][0]}).has_failed


@pytest.mark.parametrize("cause", ["repeated_signal", "overran", "undone"])
def test_what_only_ends_the_process_is_no_failure(cause):
    assert not Facts(**{cause: CAUSES[cause][0]}).has_failed
    assert not Facts().has_failed


@pytest.mark.parametrize("where", ["escaped", "start_error", "error"])
@pytest.mark.parametrize(
    ("asked_for", "code"),
    [(None, 0), (0, 0), (7, 7), (True, 1), (-1, 255), (256, 0), ("a word", 1), (E, 1)],
)
def test_a_system_exit_gives_the_code_that_python_would_give_it(where, asked_for, code):
    facts = Facts(**{where: SystemExit(asked_for)})
    assert exit_code(facts) == code


@pytest.mark.parametrize("where", ["start_error", "error"])
def test_a_usage_error_gives_way_to_a_system_exit(where):
    assert exit_code(Facts(usage_error=U, **{where: K})) == 7


@pytest.mark.parametrize("where", ["escaped", "start_error", "error"])
def test_a_system_exit_is_found_in_groups_of_one(where):
    assert exit_code(Facts(**{where: group(group(K))})) == 7


@pytest.mark.parametrize(("where", "code"), [("start_error", 3), ("error", 1)])
def test_a_system_exit_among_other_errors_is_one_failure_of_several(where, code):
    assert exit_code(Facts(**{where: group(K, E)})) == code
    assert exit_code(Facts(**{where: group(K, SystemExit(8))})) == code


def test_of_several_system_exits_the_one_that_ended_the_loop_counts():
    assert exit_code(Facts(escaped=K, start_error=SystemExit(8), error=SystemExit(9))) == 7
    assert exit_code(Facts(start_error=SystemExit(8), error=SystemExit(9))) == 8


def test_a_keyboard_interrupt_of_the_users_is_a_failure():
    facts = Facts(escaped=KeyboardInterrupt())
    assert exit_code(facts) == 1
    assert reason(facts) == "told to exit (KeyboardInterrupt)"


def test_an_exit_that_is_clean_needs_no_words():
    assert reason(Facts(escaped=SystemExit(0))) == ""


def test_what_is_undone_is_said_even_if_a_worker_asked_for_a_zero():
    facts = Facts(escaped=SystemExit(0), undone=("app/q left 1 message undelivered",))
    assert exit_code(facts) == 0
    assert reason(facts) == "app/q left 1 message undelivered"


def test_an_error_that_is_false_is_an_error():
    class Empty(Exception):
        def __len__(self):
            return 0

    assert exit_code(Facts(start_error=Empty())) == 3
    assert exit_code(Facts(error=Empty())) == 1


def test_the_reason_names_the_worker_that_failed():
    assert reason(Facts(error=E)) == "it failed (ValueError: no)"
    assert reason(Facts(error=E, origin="app/db")) == "app/db failed (ValueError: no)"
    assert reason(Facts(start_error=E)) == "it did not start (ValueError: no)"
    assert reason(Facts(start_error=E, origin="app/db")) == "app/db did not start (ValueError: no)"


def test_the_reason_is_one_line_whatever_the_error_says():
    words = reason(Facts(error=ValueError("one\ntwo"), undone=("app was abandoned",)))
    assert words.startswith("it failed (ValueError: one")
    assert len(words.splitlines()) == 1


def test_the_reason_names_five_things_undone_and_counts_the_others():
    undone = tuple(f"app/{number} was abandoned" for number in range(8))
    assert reason(Facts(undone=undone[:5])) == "; ".join(undone[:5])
    assert reason(Facts(undone=undone)) == "; ".join((*undone[:5], "and 3 more"))
