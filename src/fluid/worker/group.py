"""Groups: workers that run together, and end together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..settings import duration
from .admission import admit
from .base import Worker
from .group_core import GroupCore
from .hooks import default


class Workers(Worker):
    """A group: starts its workers in order, and stops them all when one of them ends.

    Each is ready before the next is started. If one fails to start, those that were started are
    stopped again and ``startup()`` raises its error. The group raises the error that ended it;
    what failed afterwards is in the ``errors`` of its record.

    ::

        import asyncio

        from fluid.utils.worker import WorkerFunction, Workers


        async def poll() -> None:
            print("polling")


        async def main() -> None:
            async with Workers(WorkerFunction(poll, heartbeat=10, name="poller")):
                await asyncio.sleep(0.1)


        asyncio.run(main())

    Args:
        *workers: The children; more can be added while it runs.
        name: As for every worker.
        stopping_grace_period: Seconds that all children together have to stop; their own periods
            shrink to fit. None: what they need, and no limit of the group's own.
        heartbeat: Seconds; accepted for compatibility, and without a meaning, as nothing polls.
            Default 0.1.
        stop_in_reverse: If True, a child is asked to stop only when the one started after it has
            ended, so that a pipeline is declared sink first. Otherwise all are asked at once.

    Raises:
        FluidValueError: If a worker is given that cannot be a child, or a period that is no
            duration.
    """

    announces_readiness = True
    _worker_core_type = GroupCore
    _worker: GroupCore

    def __init__(
        self,
        *workers: Worker,
        name: str = "",
        stopping_grace_period: float | None = None,
        heartbeat: float = 0.1,
        stop_in_reverse: bool = False,
    ) -> None:
        super().__init__(name=name, stopping_grace_period=stopping_grace_period)
        duration(f"heartbeat of group {self._worker.name!r}", heartbeat)
        self._worker.stop_in_reverse = stop_in_reverse
        admit(self._worker, workers)

    def add_workers(self, *workers: Worker) -> None:
        """Adds children, also while the group runs; one that is in it already is left alone.

        In a group that runs they are started in their turn; one that runs already is adopted, and
        stopped with the group. An error of one that fails to start ends the group. To be called in
        the group's event loop.

        Args:
            *workers: The children, in the order of their start.

        Raises:
            GroupClosed: If the group is stopping or has ended.
            FluidValueError: If one of them cannot be a child: it is in another group, has ended,
                or lives on another event loop. Then none of them is added.
        """
        admit(self._worker, workers)

    @property
    def num_workers(self) -> int:
        """The number of children."""
        return len(self._worker.slots)

    def workers(self) -> Iterator[Worker]:
        """Yields the children, in the order in which they were added."""
        for slot in list(self._worker.slots.values()):
            yield slot.child

    async def status(self) -> dict[str, Any]:
        """Returns the ``status()`` of each child under its slot key.

        A child whose own ``status()`` fails, or takes longer than a second, has ``error`` instead.

        Cancellation: Safe; children that have not answered are cancelled.
        """
        from .statuses import statuses  # as in run()

        return await statuses(self._worker)

    @default
    async def run(self) -> None:
        """Runs the children until the last of them has ended.

        Cancellation: The children are stopped, within their bounds, before the cancel goes on; at
        the end of the group's own grace they lose what is left of theirs.
        """
        core = self._worker
        core.warn_of_shrinking()
        assert core.life is not None
        core.engine = engine = core.new_engine(core.life)
        try:
            await engine.run()
        finally:
            core.engine = None
