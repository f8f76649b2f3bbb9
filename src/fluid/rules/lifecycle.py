"""The states of a worker and every legal move between them.

Every change of state in fluid is one look-up in :data:`TRANSITIONS`. The picture in
``docs/lifecycle.md`` is drawn from it, and a test walks all its cells, the refused ones too. What
makes a worker end in one final state rather than another is not decided here but in
:mod:`fluid.rules.outcome`.
"""

from __future__ import annotations

from enum import StrEnum, auto


class WorkerState(StrEnum):
    """Where a worker is in its life."""

    INIT = "init"
    """Created, never started."""
    RUNNING = "running"
    """Started; ``on_startup`` or ``run`` is executing and nobody has asked it to stop."""
    STOPPING = "stopping"
    """On its way out, as a stop was asked for or ``run`` has ended; cleanup runs here."""
    STOPPED = "stopped"
    """It ended by itself, or after a graceful stop, without an error."""
    FORCE_STOPPED = "force_stopped"
    """It did not end within its grace period and was cancelled."""
    FAILED = "failed"
    """An exception ended it."""


INIT, RUNNING, STOPPING, STOPPED, FORCE_STOPPED, FAILED = WorkerState
"""The members by name: on Python 3.11, ``WorkerState.RUNNING`` costs four times a plain name."""


class Move(StrEnum):
    """What can happen to a worker."""

    START = auto()
    """``startup()`` was called."""
    STOP = auto()
    """A stop was asked for, or ``run()`` has ended."""
    END_STOPPED = auto()
    """The last step of its life is done: nothing went wrong."""
    END_FORCED = auto()
    """The last step of its life is done: it had to be cancelled, or was abandoned."""
    END_FAILED = auto()
    """The last step of its life is done: an exception ended it."""


FINAL_STATES = frozenset(
    {WorkerState.STOPPED, WorkerState.FORCE_STOPPED, WorkerState.FAILED},
)

TRANSITIONS: dict[WorkerState, dict[Move, WorkerState]] = {
    WorkerState.INIT: {
        Move.START: WorkerState.RUNNING,
    },
    WorkerState.RUNNING: {
        Move.STOP: WorkerState.STOPPING,
    },
    WorkerState.STOPPING: {
        Move.END_STOPPED: WorkerState.STOPPED,
        Move.END_FORCED: WorkerState.FORCE_STOPPED,
        Move.END_FAILED: WorkerState.FAILED,
    },
    WorkerState.STOPPED: {},
    WorkerState.FORCE_STOPPED: {},
    WorkerState.FAILED: {},
}


class IllegalMove(Exception):
    """A move that the table does not have: a defect of fluid, never of its user."""


def after(state: WorkerState, move: Move) -> WorkerState:
    """Returns the state that ``move`` leads to.

    Raises:
        IllegalMove: If ``move`` is not possible in ``state``.
    """
    try:
        return TRANSITIONS[state][move]
    except KeyError:
        raise IllegalMove(f"{move.name} is not possible in {state.name}") from None
