"""The dynamic supervisor: many children of one kind, started at run time."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any, Generic, NoReturn, ParamSpec, TypeVar, cast

from ...errors import FluidValueError, TooManyChildren
from ...rules.backoff import Backoff
from ...rules.names import escape
from ...rules.restart import AutoShutdown, Restart, Strategy
from ..base import Worker
from ..core import Core
from . import requests
from .core import SupervisorCore
from .slot import SupervisedSlot
from .spec import ChildSpec, checked_worker
from .supervising import Supervising

P = ParamSpec("P")
W = TypeVar("W", bound=Worker)


class DynamicCore(SupervisorCore):
    """What a dynamic supervisor has beside what every supervisor has: a template."""

    __slots__ = ("max_children", "policy", "template")

    template: Callable[..., Worker]
    policy: ChildSpec
    max_children: float

    keeps_places = False

    def admit_from_template(self, args: tuple[Any, ...], named: dict[str, Any]) -> SupervisedSlot:
        """Makes a child, and a place for it."""
        if len(self.slots) >= self.max_children:
            raise TooManyChildren(
                f"supervisor {self.name!r} has {len(self.slots)} children, and may have no more"
            )

        def make(before: Worker | None) -> Worker:
            subject = f"the template of supervisor {self.name!r}"
            return checked_worker(subject, self.template(*args, **named), before)

        is_temporary = self.policy.restart is Restart.TEMPORARY  # then nobody needs its arguments
        return self.enter(self.policy, make(None), None if is_temporary else make)

    def key_for(self, spec: ChildSpec, core: Core) -> str:
        """Returns a key that nobody has had before."""
        return f"{escape(core.name)}-{self.added}"


class DynamicSupervisor(Supervising, Generic[P, W]):
    """A supervisor of many children of one kind, each started at run time with its own arguments.

    It begins without children. A child that ends for good leaves nothing behind. A restart makes a
    new instance with the same arguments. All children are stopped at the same time.

    ::

        import asyncio

        from fluid import DynamicSupervisor, Worker


        class Connection(Worker):
            def __init__(self, host: str) -> None:
                super().__init__(name=host)

            async def run(self) -> None:
                while await self.sleep(1):
                    pass


        async def main() -> None:
            connections = DynamicSupervisor(Connection, restart="transient", max_children=1000)
            async with connections:
                await connections.start_child("one.example")
                await connections.start_child("two.example")
                print(connections.count_children().active)


        asyncio.run(main())

    Args:
        template: What makes a child from the arguments of ``start_child``: a class, or a function.
        name: As for every worker.
        stopping_grace_period: As for every group: None for what the children need.
        restart: As for :class:`~fluid.ChildSpec`.
        significant: As for ``ChildSpec``.
        child_grace_period: Seconds; the ``stopping_grace_period`` of each child, in place of its
            own. None for its own.
        start_timeout: As for ``ChildSpec``.
        heartbeat_timeout: As for ``ChildSpec``.
        max_children: The most children at a time; those that wait for a restart count. ``inf``, the
            default, for no limit.
        max_restarts: As for :class:`~fluid.Supervisor`.
        period: As for ``Supervisor``.
        backoff: As for ``Supervisor``.
        auto_shutdown: As for ``Supervisor``.
        seed: As for ``Supervisor``.

    Raises:
        FluidValueError: If one of them cannot work.
    """

    _worker_core_type = DynamicCore
    _worker: DynamicCore

    def __init__(
        self,
        template: Callable[P, W],
        *,
        name: str = "",
        stopping_grace_period: float | None = None,
        restart: Restart | str = Restart.PERMANENT,
        significant: bool = False,
        child_grace_period: float | None = None,
        start_timeout: float | None = None,
        heartbeat_timeout: float | None = None,
        max_children: float = inf,
        max_restarts: int = 5,
        period: float = 60.0,
        backoff: Backoff | None = None,
        auto_shutdown: AutoShutdown | str = AutoShutdown.NEVER,
        seed: int | None = None,
    ) -> None:
        super().__init__(
            name=name,
            stopping_grace_period=stopping_grace_period,
            strategy=Strategy.ONE_FOR_ONE,
            max_restarts=max_restarts,
            period=period,
            backoff=backoff,
            auto_shutdown=auto_shutdown,
            seed=seed,
        )
        self._worker.template = template
        self._worker.policy = ChildSpec(
            _checked(self._worker.name, template),
            restart=restart,
            significant=significant,
            stopping_grace_period=child_grace_period,
            start_timeout=start_timeout,
            heartbeat_timeout=heartbeat_timeout,
        )
        self._worker.check_significant(self._worker.policy)
        self._worker.max_children = _checked_most(self._worker.name, max_children)

    def add_workers(self, *workers: Worker) -> NoReturn:
        """Refused: children are made by the template; see :meth:`start_child`.

        Args:
            *workers: Of no use here.

        Raises:
            FluidValueError: Always.
        """
        raise FluidValueError(
            f"supervisor {self._worker.name!r} makes its children itself: "
            f"await start_child(...) with the arguments of its template"
        )

    async def start_child(self, *args: P.args, **kwargs: P.kwargs) -> W:
        """Makes a child with these arguments, starts it at once, and waits until it is ready.

        Args:
            *args: Are handed to the template, as they are for each restart.
            **kwargs: Likewise.

        Returns:
            The worker.

        Raises:
            TooManyChildren: If there are ``max_children``.
            GroupClosed: If the supervisor does not run.
            WrongLoopError: If awaited on another loop than the supervisor's.
            BaseException: Why it could not be made, or did not start. Then it was not added.

        Cancellation: The child is removed again; its stop goes on without the caller.
        """
        core = self._worker
        requests.engine_of(core, "start_child")
        return cast("W", await requests.started(core, core.admit_from_template(args, kwargs)))


def _checked(name: str, template: Callable[P, W]) -> Callable[[], W]:
    """Returns the template; as a child's specification has it, it is never called."""
    if isinstance(template, Worker):
        raise FluidValueError(
            f"the template of {name!r} has to make workers, and is one: {template!r}; "
            f"give its class, or a function"
        )
    return cast("Callable[[], W]", template)


def _checked_most(name: str, max_children: float) -> float:
    is_number = isinstance(max_children, int | float) and not isinstance(max_children, bool)
    if not is_number or not max_children >= 1:
        raise FluidValueError(
            f"max_children of {name!r} is not a number, 1 or more: {max_children!r}"
        )
    return max_children
