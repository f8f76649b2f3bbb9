"""What a supervisor is told about a child: the worker or how to make one, and its policies."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TypeAlias, TypeVar

from ...errors import FluidValueError
from ...record import Record
from ...rules.backoff import Backoff
from ...rules.restart import Restart
from ...settings import duration
from ..base import Worker
from ..core import core_of

E = TypeVar("E")


class ChildSpec(Record):
    """A child of a supervisor, and how it is supervised.

    ::

        from fluid import Backoff, ChildSpec, Supervisor, WorkerFunction


        async def poll() -> None:
            print("polling")


        def poller() -> WorkerFunction:
            return WorkerFunction(poll, heartbeat=10)


        app = Supervisor(
            ChildSpec(poller, id="orders", restart="transient", backoff=Backoff(initial=5)),
            name="app",
            period=300,
        )

    Args:
        worker: The worker itself, or what makes one: a class or a function without arguments. A
            function is called once when the supervisor is made, and again for each restart, so
            that nothing is left over from an incarnation that failed. A worker that was given
            itself is put back to INIT, and keeps whatever has been set on it.
        id: What the supervisor calls it, and the last part of its path; its worker's name by
            default.
        restart: When it is started again: "permanent", the default, always; "transient" when it
            failed; "temporary" never.
        significant: Whether the supervisor may end when it has ended by itself: see
            ``auto_shutdown``. Default False.
        stopping_grace_period: Seconds from a request to stop until it is cancelled, in place of
            its worker's own; 0 cancels it at once, None leaves it at its own.
        start_timeout: Seconds after which a start that is not ready has failed, in place of its
            worker's own; None leaves it at its own.
        heartbeat_timeout: Seconds within which the worker has to call ``beat()``, again and again
            from when it is ready; None if it need not.
        backoff: The waits before its restarts, in place of its supervisor's; None for those.

    Raises:
        FluidValueError: If one of them cannot work.
    """

    worker: Worker | Callable[[], Worker]
    id: str
    restart: Restart
    significant: bool
    stopping_grace_period: float | None
    start_timeout: float | None
    heartbeat_timeout: float | None
    backoff: Backoff | None

    def __init__(
        self,
        worker: Worker | Callable[[], Worker],
        *,
        id: str = "",  # noqa: A002 - OTP's word, and everybody's
        restart: Restart | str = Restart.PERMANENT,
        significant: bool = False,
        stopping_grace_period: float | None = None,
        start_timeout: float | None = None,
        heartbeat_timeout: float | None = None,
        backoff: Backoff | None = None,
    ) -> None:
        if not isinstance(id, str):
            raise FluidValueError(f"id of a child is not a string: {id!r}")
        subject = f"child {id or _name_of(worker)!r}"
        _check_worker(subject, worker)
        restart = one_of(Restart, f"restart of {subject}", restart)
        if significant is True and restart is Restart.PERMANENT:
            raise FluidValueError(
                f"{subject} cannot be both significant and permanent: it is always restarted, so "
                f'it never ends; make it restart="transient" or restart="temporary"'
            )
        if not isinstance(significant, bool):
            raise FluidValueError(f"significant of {subject} is not a bool: {significant!r}")
        for name, value in (
            ("stopping_grace_period", stopping_grace_period),
            ("start_timeout", start_timeout),
            ("heartbeat_timeout", heartbeat_timeout),
        ):
            if value is not None:
                duration(f"{name} of {subject}", value)
        if heartbeat_timeout == 0:
            raise FluidValueError(f"heartbeat_timeout of {subject} has to be more than 0 seconds")
        check_backoff(subject, backoff)
        super().__init__(
            worker,
            id,
            restart,
            significant,
            stopping_grace_period,
            start_timeout,
            heartbeat_timeout,
            backoff,
        )

    @property
    def is_factory(self) -> bool:
        """Whether each incarnation is an instance of its own."""
        return not isinstance(self.worker, Worker)

    def make(self, before: Worker | None = None) -> Worker:
        """Returns the worker: the one that was given, or a new one.

        Args:
            before: The incarnation that it follows.

        Raises:
            FluidValueError: If the factory did not return a worker, or one that is not new.
            Exception: What the factory raised.
        """
        if isinstance(self.worker, Worker):
            return self.worker
        subject = f"the factory of child {self.id or _name_of(self.worker)!r}"
        try:
            made = self.worker()
        except TypeError as error:
            if isinstance(self.worker, type):
                error.add_note(
                    f"a child's class is called without arguments; to give it some, write a "
                    f"function: lambda: {self.worker.__name__}(...)"
                )
            raise
        return checked_worker(subject, made, before)


def checked_worker(subject: str, made: object, before: Worker | None) -> Worker:
    """Returns what a factory made, if that is a worker that has not lived yet.

    Raises:
        FluidValueError: If it is not.
    """
    if isinstance(made, Worker):
        if made is not before and core_of(made).life is None:
            return made
        raise FluidValueError(
            f"{subject} returned a worker that is not new: {made!r}; to use one instance for "
            f"every incarnation, give the instance itself"
        )
    if inspect.iscoroutine(made):
        made.close()
        raise FluidValueError(f"{subject} has to be a plain function: it was  async def")
    raise FluidValueError(f"{subject} did not return a worker: {made!r}")


ChildLike: TypeAlias = Worker | Callable[[], Worker] | ChildSpec
"""What may be given as a child: a specification, or its ``worker`` alone."""


def spec_of(child: ChildLike) -> ChildSpec:
    """Returns the specification that was given, or one of defaults."""
    return child if isinstance(child, ChildSpec) else ChildSpec(child)


def one_of(options: Callable[[str], E], subject: str, value: str) -> E:
    """Returns the member of an enum that ``value`` names.

    Raises:
        FluidValueError: With the names there are.
    """
    try:
        return options(value)
    except ValueError:
        names = " or ".join(f'"{option}"' for option in options)  # type: ignore[attr-defined]
        raise FluidValueError(f"{subject} has to be {names}: {value!r}") from None


def check_backoff(subject: str, backoff: Backoff | None) -> None:
    """Refuses what is not a back-off.

    Raises:
        FluidValueError: If it is neither None nor a ``Backoff``.
    """
    if backoff is not None and not isinstance(backoff, Backoff):
        raise FluidValueError(
            f"backoff of {subject} is not a Backoff: {backoff!r}; "
            f"write  backoff=Backoff(initial=...)"
        )


HINT = "; children are given one by one: Supervisor(*children)"


def _name_of(worker: object) -> str:
    if isinstance(worker, Worker):
        return core_of(worker).name
    return getattr(worker, "__name__", None) or type(worker).__name__


def _check_worker(subject: str, worker: object) -> None:
    if inspect.iscoroutine(worker):
        worker.close()
        raise FluidValueError(
            f"{subject} is a coroutine; give a worker, or a function that makes one, without the "
            f"parentheses"
        )
    if not isinstance(worker, Worker) and not callable(worker):
        raise FluidValueError(
            f"{subject} is neither a worker nor a function that makes one: {worker!r}"
            f"{HINT if isinstance(worker, list | tuple | set) else ''}"
        )
