"""The supervisor: a group that starts its children again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...rules.backoff import Backoff
from ...rules.restart import AutoShutdown, Strategy
from ..base import Worker
from . import requests
from .slot import Goal
from .spec import ChildLike, spec_of
from .supervising import Supervising

if TYPE_CHECKING:
    from ..exit import WorkerExit


class Supervisor(Supervising):
    """A group that restarts its children when they end, within limits, and says why.

    Children start in order, each ready before the next; a child that fails its very first start
    fails the start of the supervisor. They stop in reverse, one after the other. In between, a
    child that has ended is started again after a back-off; when that happens too often, the
    supervisor gives up: it stops its children and fails with :class:`~fluid.SupervisorGaveUp`,
    which its own supervisor can act on.

    ::

        import asyncio

        from fluid import Supervisor, Worker


        class Poller(Worker):
            async def run(self) -> None:
                raise ConnectionError("no route")


        async def main() -> None:
            async with Supervisor(Poller, name="app") as app:
                await asyncio.sleep(0.1)
                print(app.tree())


        asyncio.run(main())

    Args:
        *children: Workers, functions or classes that make one (recommended: a fresh instance for
            each incarnation), or :class:`~fluid.ChildSpec`.
        name: As for every worker.
        stopping_grace_period: As for every group: None for what the children need, one after the
            other.
        strategy: Who is restarted with a child: "one_for_one", the default, nobody else;
            "one_for_all" everybody; "rest_for_one" those that were added after it.
        max_restarts: The most restarts within ``period``, of all children together; 5 by default.
        period: The seconds within which restarts are counted; 60 by default.
        backoff: The waits before restarts; ``Backoff()`` by default: half a second, doubled each
            time up to 30, back to the beginning after a minute without a failure.
        auto_shutdown: Whether it ends, without an error, when significant children have ended by
            themselves: "never", the default; after "any_significant"; or after "all_significant".
        seed: Makes the jitter of the back-off the same each time, for tests; None for by chance.

    Raises:
        FluidValueError: If one of them cannot work, or a limit could never be reached.
    """

    def __init__(
        self,
        *children: ChildLike,
        name: str = "",
        stopping_grace_period: float | None = None,
        strategy: Strategy | str = Strategy.ONE_FOR_ONE,
        max_restarts: int = 5,
        period: float = 60.0,
        backoff: Backoff | None = None,
        auto_shutdown: AutoShutdown | str = AutoShutdown.NEVER,
        seed: int | None = None,
    ) -> None:
        super().__init__(
            name=name,
            stopping_grace_period=stopping_grace_period,
            strategy=strategy,
            max_restarts=max_restarts,
            period=period,
            backoff=backoff,
            auto_shutdown=auto_shutdown,
            seed=seed,
        )
        core = self._worker
        core.stop_in_reverse = True
        core.declare([spec_of(child) for child in children])
        if not children:
            core.check_reachable(core.backoff)

    def add_workers(self, *workers: Worker) -> None:
        """Adds permanent children and does not wait for their start; see :meth:`add_child`.

        Before the start they are declared like those that were given to the constructor. One that
        fails to start later is restarted like any other.

        Args:
            *workers: The children, in the order of their start.

        Raises:
            GroupClosed: If the supervisor is stopping or has ended.
            FluidValueError: If one of them cannot be a child. Then none of them is added.
        """
        self._worker.add(workers)

    async def add_child(self, child: ChildLike) -> Worker:
        """Adds a child to a supervisor that runs, and waits until it is ready.

        It starts at once. Where children depend on those before them (any strategy but
        one_for_one) and some of those are being restarted, it starts after them.

        Args:
            child: A worker, a function or a class that makes one, or a :class:`~fluid.ChildSpec`.

        Returns:
            The worker.

        Raises:
            ChildExists: If a child has that id.
            GroupClosed: If the supervisor does not run.
            WrongLoopError: If awaited on another loop than the supervisor's.
            FluidValueError: If it cannot be a child.
            WorkerDeadlockError: If awaited in the start of a child that it would come after.
            BaseException: Why it did not start. Then it was not added.

        Cancellation: The child is removed again; its stop goes on without the caller.
        """
        core, spec = self._worker, spec_of(child)
        requests.engine_of(core, "add_child")
        requests.refuse_deadlock_of_start(core, "add_child")
        return await requests.started(core, core.admit(spec))

    async def remove_child(self, child: str | Worker) -> WorkerExit | None:
        """Stops a child, as :meth:`stop_child` does, and takes its place away.

        Args:
            child: The worker, or the last part of its path.

        Returns:
            The record of its end; None if it has never run, or has not ended yet.

        Raises:
            ChildNotFound: If there is no such child.
            GroupClosed: If the supervisor does not run.
            WrongLoopError: If awaited on another loop than the supervisor's.

        Cancellation: Safe; the removal goes on without the caller.
        """
        return await self._take_down(child, Goal.GONE, "remove_child")

    async def restart_child(self, child: str | Worker) -> Worker:
        """Stops a child if it runs, starts it without a back-off, and waits until it is ready.

        Nobody else is stopped with it, whatever the strategy. Where others wait for their restart
        together with it, they need not wait any longer either. Its failures so far are forgiven.
        If the start fails, a child that was down stays down; one that was up is restarted like any
        other that fails. Called from inside that child, it only asks.

        Args:
            child: The worker, or the last part of its path.

        Returns:
            The worker, which is a new one if the child was given as a function.

        Raises:
            ChildNotFound: If there is no such child.
            GroupClosed: If the supervisor does not run.
            WorkerDeadlockError: If awaited in the start of a child that it would come after.
            WrongLoopError: If awaited on another loop than the supervisor's.
            BaseException: Why it did not start.

        Cancellation: Safe; the restart goes on without the caller.
        """
        core = self._worker
        engine = requests.engine_of(core, "restart_child")
        slot = requests.place_of(core, child)
        is_inside = slot.core.is_inside()
        if not is_inside:
            requests.refuse_deadlock_of_start(core, "restart_child")
        engine.restart(slot)
        if not is_inside:
            await requests.up(slot)
        return slot.child
