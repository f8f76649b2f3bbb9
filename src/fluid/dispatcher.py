"""Who handles a message: a registry of handlers by event, and two ways to call them.

No queue, no retry and no logging in here: a dispatcher calls handlers and hands their errors
to its caller, who knows what an error means for the message.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from inspect import isawaitable, iscoroutine
from types import CoroutineType
from typing import ClassVar, Generic, NamedTuple, TypeVar

from .errors import FluidValueError, HandlerTypeError, as_one
from .tasks import gather_settled

__all__ = ["AsyncDispatcher", "BaseDispatcher", "Dispatcher", "Event", "HandlerTypeError"]

M = TypeVar("M")
H = TypeVar("H", bound=Callable[..., object])


class Event(NamedTuple):
    """What a handler is registered for: a type of message, and a tag.

    ``str(event)`` is ``"type.tag"``, or ``"type"`` when there is no tag. An ``Event`` made by
    hand is taken as it is, so ``Event("a.b", "tag")`` reaches a type with a dot in its name.
    """

    type: str
    """What ``event_type(message)`` returns for the messages to handle."""
    tag: str = ""
    """Tells the handler apart from the others of its type; none by default."""

    @classmethod
    def from_string(cls, text: str) -> Event:
        """Reads ``"type"`` or ``"type.tag"``, splitting at the first dot.

        The tag is everything after that dot: ``"order.mail.eu"`` has the tag ``"mail.eu"``,
        ``"order."`` has none.

        Args:
            text: What to read.

        Returns:
            The event.

        Raises:
            FluidValueError: The text is not a string, or has nothing before its first dot.
        """
        if not isinstance(text, str):
            raise FluidValueError(f"event {text!r} is neither a string nor an Event")
        event_type, _, tag = text.partition(".")
        if not event_type:
            raise FluidValueError(f"event {text!r} has no type: write 'type' or 'type.tag'")
        return cls(event_type, tag)

    @classmethod
    def from_string_or_event(cls, event: str | Event) -> Event:
        """Returns ``event`` as it is; reads anything else with ``from_string``.

        Raises:
            FluidValueError: The text cannot be read.
        """
        return event if isinstance(event, Event) else cls.from_string(event)

    def __str__(self) -> str:
        return f"{self.type}.{self.tag}" if self.tag else self.type


class BaseDispatcher(ABC, Generic[M, H]):
    """A registry of handlers ``H`` for messages ``M``: one per type and tag, in the order added.

    Handlers may be registered and unregistered at any time, by a handler too: a dispatch calls
    those that were registered when it began.
    """

    _asks_registry: ClassVar[bool] = True
    """Whether ``get_handlers()`` is the one below."""

    def __init__(self) -> None:
        # type -> tag -> handler. The inner dicts are replaced and never changed, so the one
        # a dispatch has taken is its snapshot, with no copy made for each message.
        self._handlers_by_type: dict[str, dict[str, H]] = {}
        # type -> handler, where there is only one: the short way of most messages.
        self._only_by_type: dict[str, H] = {}

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls._asks_registry = cls.get_handlers is BaseDispatcher.get_handlers

    @abstractmethod
    def event_type(self, message: M) -> str:
        """Returns the type of ``message``: its handlers are those registered for this type."""

    def register_handler(self, event: Event | str, handler: H) -> H | None:
        """Registers the handler of one event, in place of the one it had.

        Args:
            event: What it handles: an event, or ``"type"`` or ``"type.tag"``.
            handler: What is called with each message of that type.

        Returns:
            The handler that was replaced, or None.

        Raises:
            FluidValueError: The handler cannot be called, or the event cannot be read.
        """
        event = Event.from_string_or_event(event)
        if not callable(handler):
            if iscoroutine(handler):
                handler.close()  # nobody will ever await it
            raise FluidValueError(
                f"event '{event}' cannot have the handler {handler!r}: it is not callable; "
                "pass the function itself, not the result of calling it"
            )
        handlers = self._handlers_by_type.get(event.type, {})
        self._keep(event.type, {**handlers, event.tag: handler})
        return handlers.get(event.tag)

    def unregister_handler(self, event: Event | str) -> H | None:
        """Removes the handler of one event.

        Args:
            event: The event, or ``"type"`` or ``"type.tag"``.

        Returns:
            The handler that was removed, or None when there was none.

        Raises:
            FluidValueError: The event cannot be read.
        """
        event = Event.from_string_or_event(event)
        handlers = dict(self._handlers_by_type.get(event.type, {}))
        removed = handlers.pop(event.tag, None)
        self._keep(event.type, handlers)
        return removed

    def _keep(self, event_type: str, handlers: dict[str, H]) -> None:
        self._only_by_type.pop(event_type, None)
        if not handlers:
            self._handlers_by_type.pop(event_type, None)
            return
        self._handlers_by_type[event_type] = handlers
        if len(handlers) == 1:
            (self._only_by_type[event_type],) = handlers.values()

    def get_handlers(self, message: M) -> dict[str, H] | None:
        """Returns the handlers of the type of ``message`` by tag, or None when there are none.

        A subclass that overrides it decides who is called, for each message. The dict is a snapshot
        to read: later registrations do not show in it.
        """
        return self._handlers_by_type.get(self.event_type(message))


class Dispatcher(BaseDispatcher[M, Callable[[M], None]]):
    """Calls plain functions, one after the other, in the order they were registered.

    ::

        class OrderDispatcher(Dispatcher[dict[str, str]]):
            def event_type(self, message: dict[str, str]) -> str:
                return message["type"]


        orders = OrderDispatcher()
        orders.register_handler("order.print", print)
        orders.dispatch({"type": "order", "id": "42"})
    """

    def dispatch(self, message: M) -> int:
        """Calls every handler of ``message``; an error of one does not keep it from the next.

        Returns:
            The number of handlers called.

        Raises:
            BaseException: The error of the only handler that failed, itself.
            BaseExceptionGroup: Several failed; an ``ExceptionGroup`` unless one of the errors
                is no ``Exception``. Such an error (Ctrl-C, say) ends the dispatch at once.
            HandlerTypeError: A handler is an ``async def``; like any other handler's error.
        """
        handlers = self.get_handlers(message)
        if not handlers:
            return 0
        errors: list[BaseException] = []
        for tag, handler in handlers.items():
            try:
                self._call(tag, handler, message)
            except Exception as error:
                errors.append(error)
            except BaseException as error:
                errors.append(error)
                break
        if errors:
            try:
                raise as_one(_failed(errors, self.event_type(message)), errors)
            finally:
                errors.clear()  # or it closes a cycle: list, error, traceback, this frame
        return len(handlers)

    def _call(self, tag: str, handler: Callable[[M], object], message: M) -> None:
        """Calls a handler; refuses a coroutine, which nobody would ever await."""
        result = handler(message)
        if isinstance(result, CoroutineType):
            result.close()
            raise HandlerTypeError(
                Event(self.event_type(message), tag),
                handler,
                "did nothing: it returned a coroutine, which a Dispatcher does not await. "
                "Register it with an AsyncDispatcher, or write it with 'def' for 'async def'",
            )


class AsyncDispatcher(BaseDispatcher[M, Callable[[M], Awaitable[None]]]):
    """Awaits async functions, those of one message concurrently.

    ::

        class OrderDispatcher(AsyncDispatcher[dict[str, str]]):
            def event_type(self, message: dict[str, str]) -> str:
                return message["type"]


        async def send_mail(order: dict[str, str]) -> None:
            print("mail for order", order["id"])


        async def main() -> None:
            orders = OrderDispatcher()
            orders.register_handler("order.mail", send_mail)
            await orders.dispatch({"type": "order", "id": "42"})
    """

    async def dispatch(self, message: M) -> int:
        """Awaits every handler of ``message``; returns or raises when all of them have ended.

        An only handler runs in the caller's task and context, at little more than the cost of
        awaiting it; several run in one task each.

        Returns:
            The number of handlers awaited.

        Raises:
            BaseException: The error of the only handler that failed, itself; the CancelledError
                of a handler that was cancelled by itself is such an error.
            BaseExceptionGroup: Several failed; an ``ExceptionGroup`` unless one of the errors
                is no ``Exception``.
            HandlerTypeError: A handler is a plain ``def``; like any other handler's error.

        Cancellation:
            Cancels every handler and waits for all of them before the CancelledError goes on;
            what handlers have raised by then is its ``__cause__``.
        """
        if self._asks_registry:  # and no override, which has to be asked for each message
            handler = self._only_by_type.get(self.event_type(message))
            if handler is not None:
                result = handler(message)
                # The first test settles an `async def` without a call.
                if type(result) is not CoroutineType and not isawaitable(result):
                    raise self._not_awaitable(self._tag_of(message), handler, message, result)
                await result
                return 1
        handlers = self.get_handlers(message)
        if not handlers:
            return 0
        if len(handlers) > 1:
            return await self._run_together(handlers, message)
        ((tag, handler),) = handlers.items()
        await self._run(tag, handler, message)
        return 1

    def _tag_of(self, message: M) -> str:
        tags = self._handlers_by_type.get(self.event_type(message), {})
        return next(iter(tags), "")  # it may have unregistered itself

    async def _run_together(
        self, handlers: dict[str, Callable[[M], Awaitable[None]]], message: M
    ) -> int:
        event_type = self.event_type(message)
        runs = [self._run(tag, handler, message) for tag, handler in handlers.items()]
        ends = await gather_settled(runs, name=f"dispatch {event_type}")
        errors = [error for error in ends if error is not None]
        if errors:
            try:
                raise as_one(_failed(errors, event_type), errors)
            finally:
                errors.clear()  # or it closes a cycle: list, error, traceback, this frame
                ends.clear()
        return len(handlers)

    async def _run(self, tag: str, handler: Callable[[M], Awaitable[None]], message: M) -> None:
        result = handler(message)
        if not isawaitable(result):
            raise self._not_awaitable(tag, handler, message, result)
        await result

    def _not_awaitable(
        self, tag: str, handler: object, message: M, result: object
    ) -> HandlerTypeError:
        return HandlerTypeError(
            Event(self.event_type(message), tag),
            handler,
            f"cannot be awaited: it returned {type(result).__name__}. "
            "Write it with 'async def', or register it with a Dispatcher",
        )


def _failed(errors: list[BaseException], event_type: str) -> str:
    return f"{len(errors)} handlers of event type {event_type!r} failed"
