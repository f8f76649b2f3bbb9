"""The metrics of a whole tree, of each worker in it, and of supervisors."""

from __future__ import annotations

from ..rules.lifecycle import WorkerState
from ..worker.core import Core
from .family import ALL, Family, Value, counter, gauge
from .subjects import Process


def _states(process: Process) -> dict[str, float]:
    return {**dict.fromkeys(map(str, WorkerState), 0), **process.report.workers}


PROCESS: tuple[Family, ...] = (
    gauge(
        "fluid_info",
        "",
        "The version of fluid; always 1.",
        lambda it: {it.version: 1},
        labels=("version",),
    ),
    gauge(
        "fluid_ready",
        "",
        "Whether it makes sense to send this process work, as /readyz says: 1 or 0.",
        lambda it: int(it.is_ready),
        labels=ALL,
    ),
    gauge(
        "fluid_live",
        "",
        "Whether it makes sense to let this process go on, as /livez says: 1 or 0.",
        lambda it: int(it.report.is_live),
        labels=ALL,
    ),
    gauge(
        "fluid_workers",
        "workers",
        "Workers in each state, those without metrics of their own among them.",
        _states,
        labels=("state",),
    ),
    gauge(
        "fluid_workers_left_out",
        "workers",
        "Workers without metrics of their own: children of dynamic supervisors, and all beyond the "
        "first thousand.",
        lambda it: it.left_out,
        labels=ALL,
    ),
    counter(
        "fluid_event_loop_blocks_total",
        "blocks",
        "How often code that did not let go of the event loop has held everybody up.",
        lambda it: it.stalls and it.stalls.count,
        labels=ALL,
    ),
    counter(
        "fluid_event_loop_blocked_seconds_total",
        "seconds",
        "How long that took, all times together.",
        lambda it: it.stalls and it.stalls.seconds,
        labels=ALL,
    ),
    gauge(
        "fluid_event_loop_longest_block_seconds",
        "seconds",
        "How long the longest of them took.",
        lambda it: it.stalls and it.stalls.longest,
        labels=ALL,
    ),
)
"""Of a ``Process``."""


def _state(core: Core) -> dict[str, float]:
    # One line, not one for each state: six times as many would say nothing more, and a line that
    # is not there any more ends its series at once.
    return {core.state: 1}


def _began(core: Core) -> Value:
    life = core.life
    return None if life is None else life.began_wall


WORKER: tuple[Family, ...] = (
    gauge(
        "fluid_worker_state",
        "",
        "1 for the state that a worker is in; there is no line for the others.",
        _state,
        labels=("worker", "state"),
    ),
    gauge(
        "fluid_worker_start_time_seconds",
        "seconds",
        "The time of day at which a worker was started last, in seconds since the epoch.",
        _began,
    ),
)
"""Of a ``Core``."""

LEAF: tuple[Family, ...] = (
    gauge(
        "fluid_worker_ready",
        "",
        "Whether a worker is ready: 1 or 0. A group is ready when those below it are.",
        lambda core: int(core.is_ready()),
    ),
)
"""Of the ``Core`` of a worker that is no group."""

CHILD: tuple[Family, ...] = (
    counter(
        "fluid_worker_restarts_total",
        "restarts",
        "How often its supervisor has started a worker again.",
        lambda child: child.slot.restarts,
    ),
    gauge(
        "fluid_worker_restart_in_seconds",
        "seconds",
        "How long a worker that is down has to wait until it may be started again.",
        lambda child: child.slot.restart_in(child.now),
    ),
)
"""Of a ``Child``."""


SUPERVISOR: tuple[Family, ...] = (
    gauge(
        "fluid_supervisor_children",
        "workers",
        "Children that a supervisor has, whether they run or not.",
        lambda core: len(core.slots),
    ),
    counter(
        "fluid_supervisor_restarts_total",
        "restarts",
        "How often a supervisor has started a child again, those included that are gone.",
        lambda core: core.restarts,
    ),
)
"""Of a ``SupervisorCore``."""
