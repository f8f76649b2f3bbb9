"""The transition table, cell by cell."""

from __future__ import annotations

import pytest

from fluid.rules.lifecycle import (
    FINAL_STATES,
    TRANSITIONS,
    IllegalMove,
    Move,
    WorkerState,
    after,
)

LEGAL = {
    (WorkerState.INIT, Move.START): WorkerState.RUNNING,
    (WorkerState.RUNNING, Move.STOP): WorkerState.STOPPING,
    (WorkerState.STOPPING, Move.END_STOPPED): WorkerState.STOPPED,
    (WorkerState.STOPPING, Move.END_FORCED): WorkerState.FORCE_STOPPED,
    (WorkerState.STOPPING, Move.END_FAILED): WorkerState.FAILED,
}
CELLS = [(state, move) for state in WorkerState for move in Move]


@pytest.mark.parametrize(("state", "move"), CELLS, ids=lambda cell: cell.name)
def test_a_move_leads_where_the_table_says_or_is_refused(state: WorkerState, move: Move) -> None:
    if (state, move) in LEGAL:
        assert after(state, move) is LEGAL[state, move]
    else:
        with pytest.raises(IllegalMove, match=f"{move.name} is not possible in {state.name}"):
            after(state, move)


def test_every_state_has_a_row() -> None:
    assert set(TRANSITIONS) == set(WorkerState)


def test_nothing_leads_out_of_a_final_state() -> None:
    assert {state for state, moves in TRANSITIONS.items() if not moves} == FINAL_STATES


def test_every_path_out_of_running_passes_through_stopping() -> None:
    assert set(TRANSITIONS[WorkerState.RUNNING].values()) == {WorkerState.STOPPING}


def test_every_state_but_the_first_can_be_reached() -> None:
    targets = {target for moves in TRANSITIONS.values() for target in moves.values()}
    assert targets == set(WorkerState) - {WorkerState.INIT}


def test_the_values_are_the_lower_case_names() -> None:
    assert [state.value for state in WorkerState] == [state.name.lower() for state in WorkerState]
