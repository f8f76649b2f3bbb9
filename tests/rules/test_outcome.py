"""The outcome table: one verdict for each set of facts, the first row that fits."""

from __future__ import annotations

import asyncio

import pytest

from fluid.rules.lifecycle import Move
from fluid.rules.outcome import CLEAN, ERROR, FORCED, Facts, describe, judge

E = ValueError("first")
C = RuntimeError("cleanup")
CANCEL = asyncio.CancelledError()

ROWS = {
    "on_startup raised": ({"start_error": E}, Move.END_FAILED, "first", ERROR, E),
    "stopped before on_startup ended": (
        {"stopped_in_start": True},
        Move.END_STOPPED,
        "stopped during start-up",
        CLEAN,
        None,
    ),
    "run raised": ({"run_error": E}, Move.END_FAILED, "first", ERROR, E),
    "a cancel that is not ours": (
        {"cancelled": CANCEL},
        Move.END_FAILED,
        "cancelled",
        ERROR,
        CANCEL,
    ),
    "we cancelled": ({"forced": True}, Move.END_FORCED, "forced shutdown", FORCED, None),
    "it refused to end": ({"abandoned": True}, Move.END_FORCED, "forced shutdown", FORCED, None),
    "run returned": ({}, Move.END_STOPPED, "normal shutdown", CLEAN, None),
}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_each_row_gives_its_outcome(row) -> None:
    facts, move, reason, code, exception = row
    outcome = judge(Facts(**facts))
    assert (outcome.move, outcome.reason, outcome.code) == (move, reason, code)
    assert outcome.exception is exception
    assert outcome.errors == ()


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_an_error_in_cleanup_fails_what_was_no_failure_and_is_kept_beside_one(row) -> None:
    facts, _, _, code, exception = row
    outcome = judge(Facts(**facts, cleanup_errors=(C,)))
    assert outcome.move is Move.END_FAILED
    assert outcome.code == ERROR
    if code == ERROR:
        assert outcome.exception is exception
        assert outcome.errors == (C,)
    else:
        assert outcome.exception is C
        assert outcome.reason == "cleanup"
        assert outcome.errors == ()


@pytest.mark.parametrize("earlier", range(len(ROWS)))
@pytest.mark.parametrize("later", range(len(ROWS)))
def test_the_first_row_that_fits_decides(earlier: int, later: int) -> None:
    rows = list(ROWS.values())
    first, second = sorted((earlier, later))
    both = {**rows[second][0], **rows[first][0]}
    assert judge(Facts(**both))[:3] == judge(Facts(**rows[first][0]))[:3]


def test_of_several_errors_in_cleanup_the_first_is_raised_and_the_rest_are_kept() -> None:
    outcome = judge(Facts(cleanup_errors=(C, E)))
    assert (outcome.exception, outcome.errors) == (C, (E,))


def test_a_cancel_in_cleanup_is_called_cancelled() -> None:
    assert judge(Facts(cleanup_errors=(CANCEL,))).reason == "cancelled"


class Mute(Exception):
    def __str__(self) -> str:
        raise ZeroDivisionError


def test_an_error_whose_text_raises_is_described_all_the_same() -> None:
    """E06"""
    assert describe(Mute()) == "<Mute; its str() raised ZeroDivisionError>"
