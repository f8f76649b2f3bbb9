"""Who a worker is, apart from any one life of it: its name, its place in the tree, its listeners.

A ``Core`` is all of a worker's private state, held in its one attribute ``_worker``; kinds of
worker extend it with what they need. It refers to its worker and to its parent weakly, so that a
tree that has ended is freed the moment the last user of it lets go.
"""

from __future__ import annotations

import asyncio
import logging
import weakref
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from enum import Enum
from math import isnan
from typing import TYPE_CHECKING, Any

from .. import events, logs, tasks
from ..errors import FluidValueError, WorkerDeadlockError, WorkerStartError, WrongLoopError
from ..rules import names
from ..rules.budget import Periods
from ..rules.lifecycle import INIT, RUNNING, STOPPING, WorkerState
from ..settings import default_grace_period, duration
from .exit import WorkerExit, record_of
from .life import NO_MESSAGES, Life
from .living import inside
from .plan import StopPlan, plan_of
from .waits import Waiters

if TYPE_CHECKING:
    from .base import Worker

logger: logging.Logger = logging.getLogger("fluid.worker")


class NextLife(Enum):
    """Whether a worker's job will be started again."""

    NONE = "never"
    POSSIBLE = "after a failure"
    CERTAIN = "in any case"


class Core:
    """The private side of a :class:`~fluid.worker.Worker`."""

    __slots__ = (
        "__weakref__",
        "deadline",
        "grace",
        "key",
        "life",
        "listeners",
        "name",
        "owner",
        "parent_ref",
        "place_number",
        "readied",
    )

    place_number: int
    """The number of its place under a supervisor, which nobody else ever gets; only set there."""

    def __init__(self, owner: Worker, name: str, grace: float | None) -> None:
        if not isinstance(name, str):
            raise FluidValueError(
                f"name of a worker is not a string: {name!r}; without one, or with '', it has that "
                f"of its class"
            )
        self.name: str = name or names.snake_case(type(owner).__name__)
        self.key: str = names.escape(self.name)
        self.grace: float | None = self.checked_grace(grace)
        self.owner: weakref.ref[Worker] = weakref.ref(owner)
        self.parent_ref: weakref.ref[Core] | None = None
        self.life: Life | None = None
        self.deadline: float | None = None
        """The instant by which a parent wants this worker's stop to have ended."""
        self.listeners: tuple[events.Listener, ...] = ()
        self.readied: Waiters[None] = Waiters()

    def checked_grace(self, grace: float | None) -> float | None:
        """Returns the grace period to use, from the argument or from the environment."""
        if grace is None:
            return default_grace_period()
        return duration(f"stopping_grace_period of worker {self.name!r}", grace)

    # --- what the kinds of worker add ------------------------------------------------------------

    def bound(self, worker: Worker) -> float:
        """Returns the longest that a stop can take."""
        return self.own_periods(worker).bound

    def own_periods(self, worker: Worker) -> Periods:
        """Returns this worker's periods when it has all the time it wants."""
        assert self.grace is not None
        return Periods(self.grace, worker.cancel_period, worker.cleanup_period)

    def stop_plan(self, worker: Worker, now: float) -> StopPlan:
        """Returns the deadlines of a stop that begins now, within what the parent allows."""
        return plan_of(self.allowed(self.own_periods(worker), now), now)

    def allowed(self, periods: Periods, now: float) -> Periods:
        """Returns ``periods``, shrunk to the parent's deadline where there is one."""
        return periods if self.deadline is None else periods.within(self.deadline - now)

    def stop_begun(self) -> None:
        """Is told, in the loop, that a stop has begun."""

    def force(self) -> None:
        """Stops without any further grace: what is still in ``run`` is cancelled now."""
        if self.life is not None:
            self.life.ask_to_stop()
            self.life.begin_stop()
            if self.life.outcome is None:
                self.life.deadlines().cut_grace()

    def hurry(self, deadline: float) -> None:
        """Makes a stop that has begun end by ``deadline``."""
        life = self.life
        if life is not None and life.has_deadlines():
            life.deadlines().hurry(deadline)

    def life_begun(self, life: Life) -> None:
        """Is told that a life begins, before its task is made."""

    def run_ended(self, error: BaseException | None) -> None:
        """Is told, in the worker's task, that ``run`` has ended, and with what."""

    def hand_back(self) -> Callable[[], Awaitable[None]] | None:
        """Returns what the cleanup has to await first, if anything."""
        return None

    def life_ready(self, life: Life) -> None:
        """Is told that a life has become ready; passes it on to the group."""
        parent = self.parent()
        if parent is not None:
            parent.child_ready(self)

    def life_ended(self, life: Life) -> None:
        """Is told that a life has its outcome; passes it on to the group."""
        parent = self.parent()
        if parent is not None:
            parent.child_ended(self)

    def has_left_behind(self) -> bool:
        """Returns whether a task of its own, or of somebody below it, refused to end."""
        return self.life is not None and self.life.facts.abandoned

    def child_ready(self, child: Core) -> None:
        """Is told that a child has become ready."""

    def child_ended(self, child: Core) -> None:
        """Is told that a child has its outcome."""

    def is_ready(self) -> bool:
        """Returns whether the worker is ready and nobody has asked it to stop."""
        life = self.life
        return life is not None and life.ready and not life.stop_asked and life.state is RUNNING

    def never_started(self) -> None:
        """Is told that its group has ended, or stops, before its turn to start came."""
        self.readied.wake(None)

    def waits_at(self) -> tuple[str, ...]:
        """Returns where the worker is waiting, outermost first."""
        return () if self.life is None else tasks.await_stack(self.life.task)

    def has_no_next_life(self) -> bool:
        """Returns whether nobody will ever start this worker's job again, after the present life.

        A worker without a group is not sure of that: whoever made it may hand its mailbox to
        another.
        """
        parent = self.parent()
        return parent is not None and parent.next_life_of(self) is NextLife.NONE

    def is_being_replaced(self) -> bool:
        """Returns whether a stop that was asked for is only the first half of a restart."""
        parent = self.parent()
        return parent is not None and parent.next_life_of(self) is NextLife.CERTAIN

    def next_life_of(self, child: Core) -> NextLife:
        """Returns whether a child's job will be started again, after this life; for groups."""
        return NextLife.NONE

    def renews(self, child: Core) -> bool:
        """Returns whether the next life will be that of another instance; for groups."""
        return False

    def no_next_life(self, *, hands_back: bool = False) -> None:
        """Is told that its group will not start it again after all; it may not have ended yet.

        Args:
            hands_back: Whether the group will see to what it has left.
        """

    def may_leave_something(self) -> bool:
        """Returns whether seeing to what it has left takes time: code of the user's."""
        return False

    def inherits_from(self, child: Core) -> bool:
        """Takes on what a child has left, if that can be; returns whether it does. For groups."""
        return False

    def report_left(self) -> None:
        """Says so if something is left that nobody will see to."""

    def reborn(self) -> None:
        """Puts the worker back to INIT: its supervisor is about to start it again."""
        self.life = None
        self.deadline = None

    def facts_of(self, child: Core) -> dict[str, Any]:
        """Returns what it knows about a child beside what the child knows; for groups."""
        return {}

    def follows(self, before: Core) -> None:
        """Is told, before its first life, whose place it takes as the next incarnation."""

    def lost_at(self, child: Core) -> float | None:
        """Returns the time of day at which the incarnation before ended, if any; for groups."""
        return None

    def own_facts(self, worker: Worker) -> dict[str, Any]:
        """Returns what its kind adds to ``status()``, as JSON-able data."""
        return {}

    def account(self) -> Mapping[str, int]:
        """Returns what became of this worker's messages; empty where it has none."""
        return NO_MESSAGES

    # --- the verbs -------------------------------------------------------------------------------

    @property
    def state(self) -> WorkerState:
        """The state as a user sees it: STOPPING from the moment a stop was asked for."""
        life = self.life
        if life is None:
            return INIT
        if life.stop_asked and life.state is RUNNING:
            return STOPPING
        return life.state

    def start(self, worker: Worker) -> Life:
        """Begins a life, in the running loop.

        Raises:
            WorkerStartError: If there has been one already, or its group takes no more.
        """
        if self.life is not None:
            state = self.state.value.replace("_", "-")
            instead = "; it has one life, so make another worker" if self.life.outcome else ""
            raise WorkerStartError(f"worker {self.name!r} cannot start: it is {state}{instead}")
        parent = self.parent()
        if parent is not None and parent.is_closed():  # nobody would stop it again
            raise WorkerStartError(
                f"worker {self.name!r} cannot start: its group {parent.name!r} "
                f"is {parent.state.value.replace('_', '-')}"
            )
        self._check_options(worker)
        self.life = life = Life(self, worker, asyncio.get_running_loop())
        self.life_begun(life)
        life.begin()
        return life

    def is_closed(self) -> bool:
        """Returns whether it is stopping or has ended: nothing can begin in it any more."""
        life = self.life
        return life is not None and (life.stop_asked or life.state is not RUNNING)

    def _check_options(self, worker: Worker) -> None:
        duration("cancel_period", worker.cancel_period, of=self.name)
        duration("cleanup_period", worker.cleanup_period, of=self.name)
        if worker.start_timeout is not None:
            duration("start_timeout", worker.start_timeout, of=self.name)

    def ask_to_stop(self) -> None:
        """Asks for a stop: a flag now, the rest in the next step of the loop. From any thread."""
        life = self.life
        if life is not None and life.ask_to_stop():
            self.in_loop(life, life.begin_stop)

    def in_loop(self, life: Life, action: Callable[[], None]) -> None:
        """Runs ``action`` in a later step of the life's loop; nothing if that loop is closed."""
        loop = life.loop
        try:
            # Inside a task's step the loop is certain to look at its queue again. Everywhere else
            # (another thread, a signal handler that interrupted the wait for I/O) it must be woken.
            if _is_in_a_task_of(loop):
                loop.call_soon(action)
            else:
                loop.call_soon_threadsafe(action)
        except RuntimeError:
            if not loop.is_closed():
                raise

    async def wait_ended(self, verb: str) -> None:
        """Waits for the end of the present life and raises what ended it."""
        life = self.life
        if life is None:
            return
        if life.outcome is None:
            self.check_loop(life, verb)
            await life.wait_ended()
        life.raise_outcome()

    def ended_with(self, error: BaseException) -> bool:
        """Returns whether ``error`` is what ended the present life."""
        life = self.life
        return life is not None and life.outcome is not None and life.outcome.exception is error

    async def wait_ready(self) -> None:
        """Waits until the worker is ready; raises if it cannot be any more."""
        loop = asyncio.get_running_loop()
        while not self.is_ready():
            life = self.life
            if life is not None:
                self.check_loop(life, "wait_ready")
                if life.state is not RUNNING or life.stop_asked:
                    raise WorkerStartError(
                        f"worker {self.name!r} will not be ready: it is {self.state.value}"
                    )
            elif (parent := self.parent()) is not None and parent.is_closed():
                raise WorkerStartError(
                    f"worker {self.name!r} will not be ready: its group {parent.name!r} is "
                    f"{parent.state.value}"
                )
            await self.readied.wait(loop)

    def sleep(self, seconds: float) -> Coroutine[Any, Any, bool]:
        """Returns a sleep that a stop ends; is no coroutine itself, which saves a frame."""
        if isnan(seconds):
            raise FluidValueError(f"worker {self.name!r} cannot sleep for {seconds!r} seconds")
        return _plain_sleep(seconds) if self.life is None else self.life.sleep(seconds)

    def exit_record(self) -> WorkerExit | None:
        """Returns the record of the last life that has ended, always the same one."""
        life = self.life
        if life is None or life.outcome is None:
            return None
        if life.record is None:
            life.record = record_of(life, self.path)
        return life.record

    def subscribe(self, listener: events.Listener) -> Callable[[], None]:
        """Adds a listener to what happens here and below; returns how to remove it."""
        self.listeners = (*self.listeners, listener)

        def forget() -> None:
            self.listeners = events.without(listener, self.listeners)

        return events.subscription(forget)

    def check_loop(self, life: Life, verb: str) -> None:
        """Refuses to wait from a loop that is not the worker's."""
        running = asyncio.get_running_loop()
        if running is not life.loop:
            raise WrongLoopError(
                f"{verb}() of worker {self.name!r} was awaited on {running!r}, "
                f"but the worker lives on {life.loop!r}; "
                f"gracefully_stop() is what works from anywhere"
            )

    def refuse_deadlock(self, verb: str) -> None:
        """Refuses to wait for this worker's end from inside it."""
        life = self.life
        if life is not None and life.outcome is None and self.is_inside():
            raise WorkerDeadlockError(
                f"{verb}() of worker {self.name!r} was awaited from inside it, and would wait for "
                f"itself for ever; call self.gracefully_stop() and return"
            )

    def is_inside(self) -> bool:
        """Returns whether the running code belongs to this worker or to one below it."""
        return any(core is self for core in _surroundings())

    # --- the tree --------------------------------------------------------------------------------

    def parent(self) -> Core | None:
        """Returns the core of the group that this worker is in."""
        reference = self.parent_ref  # once, for it may go while another thread asks
        return None if reference is None else reference()

    @property
    def path(self) -> str:
        """The slot keys from the root down to this worker."""
        return "/".join([core.key for core in self.ancestry()][::-1])

    def ancestry(self) -> Iterator[Core]:
        """Yields this core, its parent, and so on up to the root."""
        core: Core | None = self
        while core is not None:
            yield core
            core = core.parent()

    # --- events ----------------------------------------------------------------------------------

    def wants(self, event_type: type[events.WorkerEvent]) -> bool:
        """Returns whether an event of this type would reach anybody."""
        return logs.logger.isEnabledFor(event_type.level) or events.anybody_listens()

    def emit(self, event_type: type[events.WorkerEvent], *data: Any) -> None:
        """Emits an event of this worker's, upwards; builds it only if somebody listens."""
        if not self.wants(event_type):
            return
        listeners = [listener for core in self.ancestry() for listener in core.listeners]
        listeners.extend(events.listeners())
        if logs.wants(event_type):
            listeners.append(logs.write)
        event = event_type(self.path, self._now(), *data)
        for listener in listeners:
            try:
                listener(event)
            except (Exception, asyncio.CancelledError):  # as a cancelled future's result() does
                logs.safely(logger.exception, "a listener raised on %s", type(event).__name__)

    def _now(self) -> float:
        life = self.life
        return 0.0 if life is None else life.loop.time()


def _surroundings() -> Iterator[Core]:
    """Yields every worker that the running code is inside of."""
    reference = inside.get()
    while reference is not None and (core := reference()) is not None:
        yield from core.ancestry()
        reference = core.life.outer if core.life is not None else None


def _is_in_a_task_of(loop: asyncio.AbstractEventLoop) -> bool:
    running = asyncio._get_running_loop()  # the only one that answers without raising
    return running is loop and asyncio.current_task(loop) is not None


async def _plain_sleep(seconds: float) -> bool:
    await asyncio.sleep(seconds)
    return True


def core_of(worker: Worker) -> Core:
    """Returns a worker's core, or teaches whoever forgot to make one."""
    try:
        return worker._worker
    except AttributeError:
        from .no_worker import not_a_worker  # which imports this module

        raise not_a_worker(worker) from None
