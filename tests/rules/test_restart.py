"""The restart rules: every cell of the table, every strategy, every way to end with children."""

from __future__ import annotations

from itertools import product

import pytest

from fluid.rules.restart import (
    DECISIONS,
    AutoShutdown,
    Decision,
    End,
    Restart,
    Strategy,
    affected,
    ends_with,
)

# --- what follows from a child's end --------------------------------------------------------------


@pytest.mark.parametrize(
    ("end", "restart", "decision"),
    [
        ("WELL", "permanent", "RESTART"),
        ("WELL", "transient", "KEEP"),
        ("WELL", "temporary", "DROP"),
        ("FAILED", "permanent", "RESTART"),
        ("FAILED", "transient", "RESTART"),
        ("FAILED", "temporary", "DROP"),
        ("ABANDONED", "permanent", "GIVE_UP"),
        ("ABANDONED", "transient", "GIVE_UP"),
        ("ABANDONED", "temporary", "GIVE_UP"),
    ],
)
def test_what_follows_from_an_end_is_one_cell_of_the_table(
    end: str, restart: str, decision: str
) -> None:
    """P01, P02, P03, P04, P05"""
    assert DECISIONS[End[end], Restart(restart)] is Decision[decision]


def test_the_table_has_a_cell_for_every_end_of_every_kind_of_child_and_no_other() -> None:
    assert DECISIONS.keys() == set(product(End, Restart))


def test_an_abandoned_child_is_never_restarted() -> None:
    decisions = {DECISIONS[End.ABANDONED, restart] for restart in Restart}
    assert decisions == {Decision.GIVE_UP}


def test_the_words_are_those_of_otp() -> None:
    assert [*Restart] == ["permanent", "transient", "temporary"]
    assert [*Strategy] == ["one_for_one", "one_for_all", "rest_for_one"]
    assert [*AutoShutdown] == ["never", "any_significant", "all_significant"]


# --- who is restarted with it ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("strategy", "ended", "restarted"),
    [
        ("one_for_one", "a", "a"),
        ("one_for_one", "b", "b"),
        ("one_for_one", "c", "c"),
        ("one_for_all", "a", "abc"),
        ("one_for_all", "b", "abc"),
        ("one_for_all", "c", "abc"),
        ("rest_for_one", "a", "abc"),
        ("rest_for_one", "b", "bc"),
        ("rest_for_one", "c", "c"),
    ],
)
def test_a_strategy_says_who_is_restarted_with_whom_in_the_order_of_addition(
    strategy: str, ended: str, restarted: str
) -> None:
    """P06, P08, P11, O02"""
    assert [*affected(Strategy(strategy), [*"abc"], ended)] == [*restarted]


@pytest.mark.parametrize("strategy", Strategy)
def test_an_only_child_is_restarted_alone(strategy: Strategy) -> None:
    assert [*affected(strategy, ["a"], "a")] == ["a"]


# --- who ends with a significant child ------------------------------------------------------------


@pytest.mark.parametrize(
    ("auto_shutdown", "left", "ends"),
    [
        ("never", 0, False),
        ("never", 1, False),
        ("never", 2, False),
        ("any_significant", 0, True),
        ("any_significant", 1, True),
        ("any_significant", 2, True),
        ("all_significant", 0, True),
        ("all_significant", 1, False),
        ("all_significant", 2, False),
    ],
)
def test_a_supervisor_ends_with_the_first_significant_child_or_the_last_or_never(
    auto_shutdown: str, left: int, ends: bool
) -> None:
    """P26, T09"""
    assert ends_with(AutoShutdown(auto_shutdown), is_last=not left) is ends
