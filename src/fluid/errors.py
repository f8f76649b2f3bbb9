"""The errors fluid raises, sorted by blame.

Whoever called us wrongly gets a :class:`FluidValueError` or a :class:`WorkerStartError`; an error
of the user's own code is never wrapped: it is raised as it is. Every message names its subject,
what could not be done, and the state or value that stood in the way; the same data is on the error
as attributes. Nothing here knows about workers: that would turn the layers upside down.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .record import Record


class FluidError(Exception):
    """The base of every error that fluid raises by itself."""


class FluidValueError(ValueError, FluidError):
    """An argument or an option has a value that cannot work."""


class ValidationError(FluidValueError):
    """A field of some input is not what it has to be.

    Args:
        field: The name of the field.
        msg: What is wrong with it; made from the other arguments unless given.
        field_type: The type that was expected, in words; "string" by default.
        value: The value that was given; None by default.
    """

    def __init__(
        self, field: str, msg: str = "", field_type: str = "string", value: object = None
    ) -> None:
        super().__init__(msg or f"{field} is not a valid {field_type}: {value!r}")
        self.field: str = field
        self.msg: str = msg
        self.field_type: str = field_type
        self.value: object = value


class WorkerStartError(FluidError):
    """A worker could not be started, or was stopped before it was ready.

    A worker is started once: make a new one, or have a supervisor do that.
    """


class OverrunError(FluidError, TimeoutError):
    """The base of the errors of those who took longer than they were given.

    Attributes:
        timeout: The limit, in seconds.
        stack: Where the code was waiting then, one ``file:line in function`` an entry.
    """

    def __init__(self, message: str, *, timeout: float, stack: tuple[str, ...]) -> None:
        super().__init__(message)
        self.timeout: float = timeout
        self.stack: tuple[str, ...] = stack
        self.add_note("\n  ".join(("it was waiting at", *stack)))


class StartTimeoutError(WorkerStartError, OverrunError):
    """A worker was not ready within its ``start_timeout``; its cleanup is over."""


class CleanupTimeoutError(OverrunError):
    """``on_shutdown`` and the exit stack did not end within the ``cleanup_period``."""


class HandlerTimeoutError(OverrunError):
    """A handler did not end within the ``handler_timeout`` of its consumer.

    Attributes:
        abandoned: Whether it did not even end when it was cancelled, and still runs.
    """

    def __init__(
        self, message: str, *, timeout: float, stack: tuple[str, ...], abandoned: bool
    ) -> None:
        super().__init__(message, timeout=timeout, stack=stack)
        self.abandoned: bool = abandoned


class WorkerDeadlockError(FluidError):
    """A worker was asked, from inside itself, to wait for its own end.

    ``gracefully_stop()`` asks without waiting; ``shutdown()`` from inside does the same.
    """


class WorkerCancelled(FluidError):
    """A worker of a group was cancelled by somebody else.

    A group raises this from the ``CancelledError``, because letting that one loose would cancel
    whoever waits for the group.
    """


class WrongLoopError(FluidError):
    """A worker that lives on one event loop was awaited from another.

    From another thread, ``gracefully_stop()`` asks, and
    ``asyncio.run_coroutine_threadsafe(worker.shutdown(), loop)`` waits.
    """


class GroupClosed(FluidError):
    """A group was asked for what only one that runs can do; it is stopping, or does not run."""


class ChildNotFound(FluidError, LookupError):
    """A supervisor has no such child; the message names those that it has."""


class ChildExists(FluidError):
    """A supervisor has a child with that id already.

    Attributes:
        worker: That child's worker.
    """

    def __init__(self, message: str, *, worker: object) -> None:
        super().__init__(message)
        self.worker: object = worker


class TooManyChildren(FluidError):
    """A supervisor has ``max_children`` children; try again when one of them has ended."""


class HeartbeatLostError(OverrunError):
    """A worker that has to report progress did not call ``beat()`` in time."""


class ChildEnd(Record):
    """One end of a supervised child: what a history is made of. Text and numbers only."""

    path: str
    """The child."""
    at: float
    """When, in seconds of the event loop's clock."""
    attempt: int
    """1 for its first end in a row, 2 for the next; it begins anew after a stable run."""
    uptime: float | None
    """Seconds for which it had been ready; None for a start in vain."""
    cause: str
    """Why it ended, in one line."""


class SupervisorGaveUp(FluidError):
    """A supervisor has ended because restarts did not help, or were not possible.

    Its cause (``__cause__``) is what its child failed with the last time. Whoever supervises the
    supervisor may start the whole subtree again; the history then begins anew.

    Attributes:
        path: The supervisor.
        child: The path of the child that ended last.
        history: What was counted against the limit, in order; text and numbers only.
    """

    def __init__(
        self, message: str, *, path: str, child: str, history: tuple[ChildEnd, ...]
    ) -> None:
        super().__init__(message)
        self.path: str = path
        self.child: str = child
        self.history: tuple[ChildEnd, ...] = history


class ConsumerClosed(FluidError):
    """A message was sent to a consumer that accepts no more of them; it was not accepted."""


class MailboxFull(FluidError):
    """A message was sent without waiting to a mailbox that has no room; it was not accepted.

    ``await put(message)`` waits for room, ``put_threadsafe(message)`` does so in a thread.
    """


class MessagesFailed(FluidError):
    """Some messages of a batch failed, the others are done: for the handler of a batch to raise.

    ::

        from fluid import MessagesFailed


        async def store(rows: list[str]) -> None:
            errors = {n: ValueError("empty") for n, row in enumerate(rows) if not row}
            if errors:
                raise MessagesFailed(errors)

    Args:
        errors: What went wrong, by the place of the message in the batch; the first one is 0.

    Raises:
        FluidValueError: If that is not what ``errors`` is.
    """

    def __init__(self, errors: Mapping[int, Exception]) -> None:
        self.errors: dict[int, Exception] = dict(errors)
        """What went wrong, by the place of the message in the batch."""
        for place, error in self.errors.items():
            if type(place) is not int or place < 0 or not isinstance(error, Exception):
                raise FluidValueError(
                    f"errors of MessagesFailed are exceptions by the place of their message in "
                    f"the batch, 0 for the first: not {place!r}: {error!r}"
                )
        if not self.errors:
            raise FluidValueError("MessagesFailed needs the error of at least one message")
        count = "1 message" if len(self.errors) == 1 else f"{len(self.errors)} messages"
        first = min(self.errors)
        super().__init__(
            f"{count} of a batch failed; "
            f"message {first}: {type(self.errors[first]).__name__}: {self.errors[first]}"
        )


class HandlerTypeError(TypeError, FluidError):
    """A handler is of the wrong kind for its dispatcher, as what it returned has shown.

    Only the call can tell: an object, a ``partial`` or a lambda that returns a coroutine is as
    good a handler as an ``async def``.
    """

    def __init__(self, event: object, handler: object, lesson: str) -> None:
        super().__init__(event, handler, lesson)
        self.event: object = event
        """The event it is registered for."""
        self.handler: object = handler
        """The handler itself."""
        self.lesson: str = lesson
        """What it did, and what to write instead."""

    def __str__(self) -> str:
        name = getattr(self.handler, "__qualname__", None) or repr(self.handler)
        return f"handler {name} of event '{self.event}' {self.lesson}"


def as_one(message: str, errors: Sequence[BaseException]) -> BaseException:
    """Returns an only error itself, and several as a group that ``message`` introduces."""
    return errors[0] if len(errors) == 1 else BaseExceptionGroup(message, tuple(errors))


def how_to_install(extra: str) -> str:
    """Returns the advice for whoever lacks what an optional part of fluid needs."""
    return f'install it:  pip install "fluid-workers[{extra}]"'
