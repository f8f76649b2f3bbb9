"""What all supervisors have in common: policies, requests at run time, and what they can tell."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, NamedTuple

from ...errors import FluidValueError
from ...rules.backoff import Backoff
from ...rules.limit import RestartLimit, check_limit, check_reachable
from ...rules.restart import AutoShutdown, Strategy
from ..base import Worker
from ..group import Workers
from . import requests
from .core import SupervisorCore
from .slot import Goal
from .spec import check_backoff, one_of

if TYPE_CHECKING:
    from ..exit import WorkerExit
    from .report import ChildCounts, ChildInfo


class RestartLimits(NamedTuple):
    """What a supervisor allows before it gives up."""

    max_restarts: int
    """The most restarts within ``period``."""
    period: float
    """The seconds within which restarts are counted."""
    left: int
    """How many more there may be now."""


class Supervising(Workers):
    """The base of supervisors; use :class:`Supervisor` or :class:`DynamicSupervisor`."""

    _worker_core_type = SupervisorCore
    _worker: SupervisorCore

    def __init__(
        self,
        *,
        name: str,
        stopping_grace_period: float | None,
        strategy: Strategy | str,
        max_restarts: int,
        period: float,
        backoff: Backoff | None,
        auto_shutdown: AutoShutdown | str,
        seed: int | None,
    ) -> None:
        super().__init__(name=name, stopping_grace_period=stopping_grace_period)
        core, subject = self._worker, f"supervisor {self._worker.name!r}"
        check_limit(subject, max_restarts, period)
        check_backoff(subject, backoff)
        core.backoff = Backoff() if backoff is None else backoff
        core.strategy = one_of(Strategy, f"strategy of {subject}", strategy)
        core.auto_shutdown = one_of(AutoShutdown, f"auto_shutdown of {subject}", auto_shutdown)
        core.limit = RestartLimit(max_restarts, period)
        if seed is not None and not isinstance(seed, int):
            raise FluidValueError(f"seed of {subject} is not a whole number: {seed!r}")
        core.random = Random(seed)

    # --- what it can tell ------------------------------------------------------------------------

    def children(self) -> list[ChildInfo]:
        """Returns what is known of each child's place, in order."""
        from .report import info_of

        core = self._worker
        return [info_of(slot, core.now()) for slot in core.supervised()]

    def count_children(self) -> ChildCounts:
        """Returns how many children there are, how many of them run, and of which kinds."""
        from .report import count

        return count(self._worker.supervised())

    def tree(self) -> str:
        """Returns the whole tree in plain characters, one line a worker, for people.

        .. code-block:: text

            app  running for 3m 5s
            |-- poller  running for 12.4s, restarted once, last failed (OSError: no route)
            `-- mailer  restarting in 1.1s, restarted 4 times, last failed (OSError: disk full)
        """
        from .report import draw

        return draw(self.worker_tree())

    def limits(self) -> RestartLimits:
        """Returns how many restarts are too many, and how many are left now."""
        core = self._worker
        limit = core.limit
        return RestartLimits(limit.max_restarts, limit.period, limit.left(core.now()))

    # --- requests --------------------------------------------------------------------------------

    async def stop_child(self, child: str | Worker) -> WorkerExit | None:
        """Stops a child and waits for its end. It is not restarted, and its place stays.

        The place of a temporary child goes, and so does any place of a dynamic supervisor. The
        child may wait for its back-off, be starting, or be down: all that is answered at once.
        Called from inside that child, it only asks.

        Args:
            child: The worker, or the last part of its path.

        Returns:
            The record of its end; None if it has never run, or has not ended yet.

        Raises:
            ChildNotFound: If there is no such child.
            GroupClosed: If the supervisor does not run.
            WrongLoopError: If awaited on another loop than the supervisor's.

        Cancellation: Safe; the stop goes on without the caller.
        """
        return await self._take_down(child, Goal.DOWN, "stop_child")

    async def _take_down(self, child: str | Worker, goal: Goal, verb: str) -> WorkerExit | None:
        core = self._worker
        engine = requests.engine_of(core, verb)
        slot = requests.place_of(core, child)
        incarnation = slot.core
        engine.take_down(slot, goal)
        if not incarnation.is_inside():
            await requests.down(slot)
        return incarnation.exit_record()

    def set_limits(self, *, max_restarts: int | None = None, period: float | None = None) -> None:
        """Changes how many restarts are too many; what was counted stays.

        Args:
            max_restarts: The most restarts within ``period``; None leaves it as it is.
            period: The seconds within which restarts are counted; None leaves it as it is.

        Raises:
            FluidValueError: If the two cannot work, together with the back-off of each child. Then
                nothing has changed.
        """
        core, subject = self._worker, f"supervisor {self._worker.name!r}"
        most = core.limit.max_restarts if max_restarts is None else max_restarts
        within = core.limit.period if period is None else period
        check_limit(subject, most, within)
        for backoff in core.backoffs():
            check_reachable(subject, most, within, backoff)
        core.limit.change(most, within)
