"""What dispatchers promise: who is called for a message, and where the errors go."""

from __future__ import annotations

import asyncio
import gc
import inspect
import textwrap
import weakref
from collections.abc import Awaitable, Callable, Generator, Iterator
from contextlib import suppress
from contextvars import ContextVar
from functools import partial
from types import coroutine
from typing import Any, ClassVar

import pytest

import fluid.dispatcher as dispatcher_module
import fluid.utils.dispatcher as door
from fluid.dispatcher import AsyncDispatcher, BaseDispatcher, Dispatcher, Event, HandlerTypeError
from fluid.errors import FluidError, FluidValueError


class Sync(Dispatcher[object]):
    """The type of a message is the name of its class: ``"str"``, ``"int"``."""

    def event_type(self, message: object) -> str:
        return type(message).__name__


class Async(AsyncDispatcher[object]):
    """The same types, for async handlers."""

    def event_type(self, message: object) -> str:
        return type(message).__name__


class BoomError(Exception):
    """What a handler of these tests raises."""


class CountedError(Exception):
    """An error that is in ``alive`` until its memory is freed."""

    alive: ClassVar[weakref.WeakSet[CountedError]] = weakref.WeakSet()

    def __init__(self) -> None:
        super().__init__()
        self.alive.add(self)


place: ContextVar[str] = ContextVar("place")


def nothing(message: object) -> None:
    """A handler that does nothing."""


def other(message: object) -> None:
    """A second one."""


async def anothing(message: object) -> None:
    """An async handler that does nothing."""


def raising(error: BaseException) -> Callable[[object], None]:
    def fail(message: object) -> None:
        raise error

    return fail


def araising(error: BaseException) -> Callable[[object], Awaitable[None]]:
    async def fail(message: object) -> None:
        raise error

    return fail


def asynchronous(*handlers: Callable[[object], Awaitable[None]]) -> Async:
    """A dispatcher of strings to all these handlers."""
    dispatcher = Async()
    for number, handler in enumerate(handlers):
        dispatcher.register_handler(Event("str", f"{number}"), handler)
    return dispatcher


def synchronous(*handlers: Callable[[object], None]) -> Sync:
    """A dispatcher of strings to all these handlers."""
    dispatcher = Sync()
    for number, handler in enumerate(handlers):
        dispatcher.register_handler(Event("str", f"{number}"), handler)
    return dispatcher


class Sleepers:
    """Handlers that wait for ever, say when they have begun, and clean up slowly."""

    def __init__(self, expected: int) -> None:
        self.expected = expected
        self.begun = 0
        self.cleaned = 0
        self.all_begun = asyncio.Event()

    async def __call__(self, message: object) -> None:
        self.begun += 1
        if self.begun == self.expected:
            self.all_begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(1)
            self.cleaned += 1


async def cancelled_when(ready: asyncio.Event, dispatch: Awaitable[int]) -> BaseException:
    """Cancels a dispatch as soon as ``ready`` is set, and returns what it raised."""
    dispatching = asyncio.ensure_future(dispatch)
    await ready.wait()
    dispatching.cancel("enough")
    await asyncio.wait([dispatching])
    with pytest.raises(asyncio.CancelledError) as caught:
        dispatching.result()
    return caught.value


@pytest.fixture
def no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


# --- events ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "event"),
    [
        ("order", Event("order")),
        ("order.mail", Event("order", "mail")),
        ("order.", Event("order", "")),
        ("order.mail.eu", Event("order", "mail.eu")),
        ("order..mail", Event("order", ".mail")),
    ],
)
def test_text_is_split_into_type_and_tag_at_the_first_dot(text: str, event: Event) -> None:
    assert Event.from_string(text) == event
    assert Event.from_string_or_event(text) == event


@pytest.mark.parametrize("text", ["", ".", ".mail"])
def test_text_without_a_type_is_refused_by_its_value(text: str) -> None:
    with pytest.raises(FluidValueError, match=r"has no type: write 'type' or") as caught:
        Event.from_string(text)
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize("value", [None, 7, b"order", ("order", "mail")])
def test_only_strings_and_events_can_be_read(value: str) -> None:
    with pytest.raises(FluidValueError, match="neither a string nor an Event") as caught:
        Event.from_string_or_event(value)
    assert repr(value) in str(caught.value)


def test_event_is_returned_as_it_is() -> None:
    event = Event("a.b", "tag")
    assert Event.from_string_or_event(event) is event


def test_event_is_a_tuple_of_type_and_tag_and_the_tag_is_empty_by_default() -> None:
    assert Event("order") == ("order", "")
    assert Event(type="order", tag="mail") == ("order", "mail")


@pytest.mark.parametrize("text", ["order", "order.mail", "order.mail.eu"])
def test_event_prints_as_the_text_it_was_read_from(text: str) -> None:
    assert str(Event.from_string(text)) == text


# --- the registry ---------------------------------------------------------------------------


def test_nothing_is_registered_at_first() -> None:
    assert Sync().get_handlers("x") is None


def test_first_handler_of_an_event_replaces_nothing() -> None:
    dispatcher = Sync()
    assert dispatcher.register_handler("str", nothing) is None
    assert dispatcher.get_handlers("x") == {"": nothing}


def test_second_handler_of_an_event_takes_the_place_of_the_first_and_returns_it() -> None:
    dispatcher = Sync()
    dispatcher.register_handler("str.a", nothing)
    assert dispatcher.register_handler("str.a", other) is nothing
    assert dispatcher.get_handlers("x") == {"a": other}


def test_handlers_of_one_type_are_told_apart_by_tag_and_kept_in_order() -> None:
    dispatcher = Sync()
    for event in ("str.b", "str", "str.a"):
        assert dispatcher.register_handler(event, nothing) is None
    handlers = dispatcher.get_handlers("x")
    assert handlers is not None
    assert list(handlers) == ["b", "", "a"]


def test_replacing_a_handler_keeps_its_place_in_the_order() -> None:
    dispatcher = synchronous(nothing, nothing)
    dispatcher.register_handler("str.0", other)
    handlers = dispatcher.get_handlers("x")
    assert handlers is not None
    assert list(handlers.items()) == [("0", other), ("1", nothing)]


def test_handlers_of_another_type_are_not_those_of_the_message() -> None:
    dispatcher = Sync()
    dispatcher.register_handler("int", nothing)
    assert dispatcher.get_handlers("x") is None
    assert dispatcher.get_handlers(7) == {"": nothing}


def test_text_and_event_name_the_same_handler() -> None:
    dispatcher = Sync()
    dispatcher.register_handler("str.a", nothing)
    assert dispatcher.register_handler(Event("str", "a"), other) is nothing
    assert dispatcher.unregister_handler(Event("str", "a")) is other


def test_unregistering_returns_the_handler_and_leaves_the_others() -> None:
    dispatcher = Sync()
    dispatcher.register_handler("str.a", nothing)
    dispatcher.register_handler("str.b", other)
    assert dispatcher.unregister_handler("str.a") is nothing
    assert dispatcher.get_handlers("x") == {"b": other}


def test_there_are_no_handlers_after_the_last_is_unregistered() -> None:
    dispatcher = Sync()
    dispatcher.register_handler("str", nothing)
    dispatcher.unregister_handler("str")
    assert dispatcher.get_handlers("x") is None


@pytest.mark.parametrize("event", ["int", "str.b", "str"])
def test_unregistering_what_is_not_registered_returns_none(event: str) -> None:
    dispatcher = Sync()
    dispatcher.register_handler("str.a", nothing)
    assert dispatcher.unregister_handler(event) is None
    assert dispatcher.get_handlers("x") == {"a": nothing}


@pytest.mark.parametrize("event", ["", ".a", None])
def test_malformed_event_is_neither_registered_nor_unregistered(event: str) -> None:
    dispatcher = Sync()
    with pytest.raises(FluidValueError):
        dispatcher.register_handler(event, nothing)
    with pytest.raises(FluidValueError):
        dispatcher.unregister_handler(event)


@pytest.mark.parametrize("handler", [None, "nothing", 7])
def test_what_cannot_be_called_is_not_registered(handler: Callable[[object], None]) -> None:
    dispatcher = Sync()
    dispatcher.register_handler("str.a", nothing)
    with pytest.raises(FluidValueError, match=r"'str.a' .* not callable; pass the function itself"):
        dispatcher.register_handler("str.a", handler)
    assert dispatcher.get_handlers("x") == {"a": nothing}


def test_handlers_once_got_do_not_change_when_others_are_registered() -> None:
    dispatcher = synchronous(nothing)
    before = dispatcher.get_handlers("x")
    dispatcher.register_handler("str.1", other)
    dispatcher.unregister_handler("str.0")
    assert before == {"0": nothing}


def test_two_dispatchers_share_no_handlers() -> None:
    synchronous(nothing)
    assert Sync().get_handlers("x") is None


@pytest.mark.parametrize("abstract", [BaseDispatcher, Dispatcher, AsyncDispatcher])
def test_dispatcher_without_an_event_type_cannot_be_made(abstract: type[Sync]) -> None:
    with pytest.raises(TypeError, match="event_type"):
        abstract()


# --- sync dispatch --------------------------------------------------------------------------


def test_message_without_handlers_calls_none() -> None:
    assert synchronous().dispatch("x") == 0


def test_only_handler_is_called_with_the_message() -> None:
    seen: list[object] = []
    assert synchronous(seen.append).dispatch("x") == 1
    assert seen == ["x"]


def test_all_handlers_of_the_type_are_called_in_the_order_they_were_registered() -> None:
    calls: list[str] = []

    def note(event: str, message: object) -> None:
        calls.append(event)

    dispatcher = Sync()
    for event in ("str.b", "int", "str", "str.a"):
        dispatcher.register_handler(event, partial(note, event))
    assert dispatcher.dispatch("x") == 3
    assert calls == ["str.b", "str", "str.a"]


@pytest.mark.parametrize("message", [None, 0, "", False, (), {}])
def test_falsy_message_is_a_message(message: object) -> None:
    seen: list[object] = []
    dispatcher = Sync()
    dispatcher.register_handler(type(message).__name__, seen.append)
    assert dispatcher.dispatch(message) == 1
    assert seen == [message]


def test_handler_registered_by_a_handler_is_called_from_the_next_dispatch_on() -> None:
    seen: list[object] = []
    dispatcher = synchronous(lambda message: add())

    def add() -> None:
        dispatcher.register_handler("str.late", seen.append)

    assert dispatcher.dispatch("x") == 1
    assert seen == []
    assert dispatcher.dispatch("y") == 2
    assert seen == ["y"]


def test_handler_unregistered_by_a_handler_is_still_called_in_this_dispatch() -> None:
    seen: list[object] = []
    dispatcher = synchronous(lambda message: remove(), seen.append)

    def remove() -> None:
        dispatcher.unregister_handler("str.1")

    assert dispatcher.dispatch("x") == 2
    assert dispatcher.dispatch("y") == 1
    assert seen == ["x"]


def test_error_of_one_handler_is_raised_itself_after_the_others_were_called() -> None:
    seen: list[object] = []
    boom = BoomError()
    with pytest.raises(BoomError) as caught:
        synchronous(raising(boom), seen.append).dispatch("x")
    assert caught.value is boom
    assert seen == ["x"]


def test_errors_of_several_handlers_are_raised_as_a_group_that_names_the_type() -> None:
    seen: list[object] = []
    first, second = BoomError(), ValueError()
    with pytest.raises(ExceptionGroup, match="2 handlers of event type 'str' failed") as caught:
        synchronous(raising(first), seen.append, raising(second)).dispatch("x")
    assert caught.value.exceptions == (first, second)
    assert seen == ["x"]


def test_error_that_is_no_exception_ends_the_dispatch_at_once() -> None:
    seen: list[object] = []
    with pytest.raises(KeyboardInterrupt):
        synchronous(raising(KeyboardInterrupt()), seen.append).dispatch("x")
    assert seen == []


def test_error_that_is_no_exception_does_not_hide_an_earlier_one() -> None:
    boom, leave = BoomError(), SystemExit(3)
    with pytest.raises(BaseExceptionGroup) as caught:
        synchronous(raising(boom), raising(leave)).dispatch("x")
    assert caught.value.exceptions == (boom, leave)


def test_override_of_get_handlers_decides_who_is_called() -> None:
    class Fallback(Sync):
        def get_handlers(self, message: object) -> dict[str, Callable[[object], None]] | None:
            return super().get_handlers(message) or super().get_handlers("any string")

    seen: list[object] = []
    dispatcher = Fallback()
    dispatcher.register_handler("str", seen.append)
    assert dispatcher.dispatch(7) == 1
    assert seen == [7]


def test_override_of_get_handlers_may_return_an_empty_dict() -> None:
    class Mute(Sync):
        def get_handlers(self, message: object) -> dict[str, Callable[[object], None]] | None:
            return {}

    assert Mute().dispatch("x") == 0


@pytest.mark.parametrize("handler", [anothing, lambda message: anothing(message)])
def test_async_function_in_a_sync_dispatcher_is_refused_with_a_lesson(
    handler: Callable[[object], None],
) -> None:
    seen: list[object] = []
    with pytest.raises(HandlerTypeError, match=r"'str.0' did nothing: .*AsyncDispatcher") as caught:
        synchronous(handler, seen.append).dispatch("x")
    assert caught.value.event == Event("str", "0")
    assert caught.value.handler is handler
    assert seen == ["x"]


@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize("count", [1, 2])
def test_errors_of_a_dispatch_need_no_garbage_collector(count: int) -> None:
    def fail(message: object) -> None:
        raise CountedError

    with suppress(CountedError, ExceptionGroup):
        synchronous(*[fail] * count).dispatch("x")
    assert not CountedError.alive


# --- async dispatch -------------------------------------------------------------------------


async def test_message_without_async_handlers_awaits_none() -> None:
    assert await asynchronous().dispatch("x") == 0


@pytest.mark.parametrize("count", [1, 2, 3])
async def test_every_async_handler_is_awaited_with_the_message(count: int) -> None:
    seen: list[object] = []

    async def see(message: object) -> None:
        await asyncio.sleep(1)
        seen.append(message)

    assert await asynchronous(*[see] * count).dispatch("x") == count
    assert seen == ["x"] * count


@pytest.mark.parametrize("message", [None, 0, "", False, (), {}])
async def test_falsy_message_is_a_message_for_async_handlers(message: object) -> None:
    seen: list[object] = []

    async def see(message: object) -> None:
        seen.append(message)

    dispatcher = Async()
    dispatcher.register_handler(type(message).__name__, see)
    assert await dispatcher.dispatch(message) == 1
    assert seen == [message]


async def test_several_handlers_run_at_the_same_time() -> None:
    meeting = asyncio.Barrier(3)

    async def meet(message: object) -> None:
        await meeting.wait()

    assert await asynchronous(meet, meet, meet).dispatch("x") == 3


async def test_two_dispatches_of_one_dispatcher_run_at_the_same_time() -> None:
    meeting = asyncio.Barrier(2)

    async def meet(message: object) -> None:
        await meeting.wait()

    dispatcher = asynchronous(meet)
    first, second = await asyncio.gather(dispatcher.dispatch("x"), dispatcher.dispatch("y"))
    assert (first, second) == (1, 1)


async def test_only_handler_runs_in_the_task_and_context_of_the_caller() -> None:
    tasks: list[object] = []

    async def look(message: object) -> None:
        tasks.append(asyncio.current_task())
        place.set("handler")

    place.set("caller")
    await asynchronous(look).dispatch("x")
    assert tasks == [asyncio.current_task()]
    assert place.get() == "handler"


async def test_several_handlers_run_in_one_task_and_context_each() -> None:
    tasks: list[object] = []

    async def look(message: object) -> None:
        assert place.get() == "caller"
        tasks.append(asyncio.current_task())
        place.set("handler")

    place.set("caller")
    await asynchronous(look, look).dispatch("x")
    assert len({*tasks, asyncio.current_task()}) == 3
    assert place.get() == "caller"


class Awaited:
    """Handlers that are no ``async def``, each of a kind that returns something awaitable."""

    def __init__(self) -> None:
        self.seen: list[object] = []

    async def method(self, message: object) -> None:
        self.seen.append(message)

    async def __call__(self, message: object) -> None:
        self.seen.append(message)

    async def with_more(self, more: str, message: object) -> None:
        self.seen.append(message)

    @coroutine
    def by_generator(self, message: object) -> Generator[None, None, None]:
        yield
        self.seen.append(message)

    def future(self, message: object) -> asyncio.Future[None]:
        self.seen.append(message)
        future = asyncio.get_running_loop().create_future()
        future.set_result(None)
        return future

    def kinds(self) -> dict[str, Callable[[object], Awaitable[None]]]:
        return {
            "method": self.method,
            "object": self,
            "partial": partial(self.with_more, "more"),
            "lambda": lambda message: self.method(message),
            "generator": self.by_generator,
            "future": self.future,
        }


@pytest.mark.parametrize("kind", Awaited().kinds())
@pytest.mark.parametrize("count", [1, 2])
async def test_whatever_returns_an_awaitable_is_a_handler(kind: str, count: int) -> None:
    awaited = Awaited()
    assert await asynchronous(*[awaited.kinds()[kind]] * count).dispatch("x") == count
    assert awaited.seen == ["x"] * count


async def test_async_handler_registered_by_a_handler_is_awaited_from_the_next_dispatch_on() -> None:
    seen: list[object] = []

    async def see(message: object) -> None:
        seen.append(message)

    async def add(message: object) -> None:
        dispatcher.register_handler("str.late", see)

    dispatcher = asynchronous(add)
    assert await dispatcher.dispatch("x") == 1
    assert seen == []
    assert await dispatcher.dispatch("y") == 2
    assert seen == ["y"]


async def test_async_handler_unregistered_by_a_handler_is_still_awaited_in_this_dispatch() -> None:
    seen: list[object] = []

    async def see(message: object) -> None:
        seen.append(message)

    async def remove(message: object) -> None:
        dispatcher.unregister_handler("str.1")

    dispatcher = asynchronous(remove, see)
    assert await dispatcher.dispatch("x") == 2
    assert await dispatcher.dispatch("y") == 1
    assert seen == ["x"]


async def test_handlers_changed_while_a_dispatch_waits_count_for_the_next() -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def wait(message: object) -> None:
        begun.set()
        await go_on.wait()

    dispatcher = asynchronous(wait, wait)
    dispatching = asyncio.create_task(dispatcher.dispatch("x"))
    await begun.wait()
    dispatcher.unregister_handler("str.0")
    dispatcher.unregister_handler("str.1")
    go_on.set()
    assert await dispatching == 2
    assert await dispatcher.dispatch("y") == 0


# --- errors of async handlers ---------------------------------------------------------------


@pytest.mark.parametrize(
    "error", [BoomError(), asyncio.CancelledError(), SystemExit(3), KeyboardInterrupt()]
)
async def test_error_of_the_only_handler_is_raised_itself(error: BaseException) -> None:
    with pytest.raises(type(error)) as caught:
        await asynchronous(araising(error)).dispatch("x")
    assert caught.value is error


@pytest.mark.parametrize(
    "error", [BoomError(), asyncio.CancelledError(), SystemExit(3), KeyboardInterrupt()]
)
async def test_error_of_one_of_several_is_raised_itself_when_all_have_ended(
    error: BaseException,
) -> None:
    ended: list[object] = []

    async def slow(message: object) -> None:
        await asyncio.sleep(1)
        ended.append(message)

    with pytest.raises(type(error)) as caught:
        await asynchronous(slow, araising(error), slow).dispatch("x")
    assert caught.value is error
    assert ended == ["x", "x"]


async def test_errors_of_several_async_handlers_are_raised_as_a_group_when_all_have_ended() -> None:
    ended: list[object] = []

    async def slow(message: object) -> None:
        await asyncio.sleep(1)
        ended.append(message)

    first, second = BoomError(), ValueError()
    with pytest.raises(ExceptionGroup, match="2 handlers of event type 'str' failed") as caught:
        await asynchronous(araising(first), slow, araising(second)).dispatch("x")
    assert set(caught.value.exceptions) == {first, second}
    assert ended == ["x"]


@pytest.mark.parametrize("error", [asyncio.CancelledError(), SystemExit(3), KeyboardInterrupt()])
async def test_error_that_is_no_exception_makes_the_group_a_base_exception_group(
    error: BaseException,
) -> None:
    boom = BoomError()
    with pytest.raises(BaseExceptionGroup) as caught:
        await asynchronous(araising(boom), araising(error)).dispatch("x")
    assert not isinstance(caught.value, ExceptionGroup)
    assert set(caught.value.exceptions) == {boom, error}


async def test_error_raised_before_a_coroutine_is_made_keeps_no_other_handler_from_running() -> (
    None
):
    seen: list[object] = []

    async def see(message: object) -> None:
        seen.append(message)

    boom = BoomError()

    def fail(message: object) -> Awaitable[None]:
        raise boom

    with pytest.raises(BoomError) as caught:
        await asynchronous(fail, see).dispatch("x")
    assert caught.value is boom
    assert seen == ["x"]


@pytest.mark.parametrize("count", [1, 2])
async def test_plain_function_in_an_async_dispatcher_is_refused_with_a_lesson(count: int) -> None:
    dispatcher = asynchronous(*[anothing] * (count - 1))
    dispatcher.register_handler("str.plain", nothing)  # type: ignore[arg-type]
    with pytest.raises(HandlerTypeError) as caught:
        await dispatcher.dispatch("x")
    assert str(caught.value) == (
        "handler nothing of event 'str.plain' cannot be awaited: it returned NoneType. "
        "Write it with 'async def', or register it with a Dispatcher"
    )
    assert caught.value.event == Event("str", "plain")
    assert caught.value.handler is nothing


def test_lesson_names_a_handler_without_a_name_by_its_repr() -> None:
    error = HandlerTypeError(Event("str"), partial(nothing), "is odd")
    assert str(error) == f"handler {partial(nothing)!r} of event 'str' is odd"


def test_handler_type_error_is_a_type_error_and_one_of_fluid() -> None:
    assert issubclass(HandlerTypeError, TypeError)
    assert issubclass(HandlerTypeError, FluidError)


@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize("count", [1, 2])
async def test_errors_of_async_handlers_need_no_garbage_collector(count: int) -> None:
    async def succeed(message: object) -> None:
        pass

    async def fail(message: object) -> None:
        raise CountedError

    with suppress(CountedError, ExceptionGroup):
        await asynchronous(succeed, *[fail] * count).dispatch("x")
    assert not CountedError.alive


# --- cancellation ---------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 2, 3])
async def test_cancelled_dispatch_cancels_every_handler_and_waits_for_its_cleanup(
    count: int,
) -> None:
    sleepers = Sleepers(count)
    cancelled = await cancelled_when(
        sleepers.all_begun, asynchronous(*[sleepers] * count).dispatch("x")
    )
    assert sleepers.cleaned == count
    assert cancelled.__cause__ is None


async def test_dispatch_cancelled_again_still_waits_for_every_handler() -> None:
    begun, cleaning, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def stubborn(message: object) -> None:
        try:
            begun.set()
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cleaning.set()
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
            await asyncio.sleep(1)
            ended.set()
            raise

    dispatching = asyncio.create_task(asynchronous(stubborn, anothing).dispatch("x"))
    await begun.wait()
    dispatching.cancel()
    await cleaning.wait()
    dispatching.cancel()
    await asyncio.wait([dispatching])
    assert dispatching.cancelled()
    assert ended.is_set()


async def test_error_from_before_the_cancel_is_its_cause() -> None:
    sleepers = Sleepers(1)
    boom = BoomError()
    cancelled = await cancelled_when(
        sleepers.all_begun, asynchronous(araising(boom), sleepers).dispatch("x")
    )
    assert cancelled.__cause__ is boom
    assert sleepers.cleaned == 1


async def test_errors_from_the_cleanup_of_cancelled_handlers_are_its_cause_as_a_group() -> None:
    sleepers = Sleepers(2)
    first, second = BoomError(), BoomError()

    def failing(error: BoomError) -> Callable[[object], Awaitable[None]]:
        async def fail(message: object) -> None:
            try:
                await sleepers(message)
            finally:
                raise error

        return fail

    cancelled = await cancelled_when(
        sleepers.all_begun, asynchronous(failing(first), failing(second)).dispatch("x")
    )
    assert isinstance(cancelled.__cause__, ExceptionGroup)
    assert set(cancelled.__cause__.exceptions) == {first, second}


async def test_handler_cancelled_by_itself_leaves_the_others_and_the_caller_alone() -> None:
    ended: list[object] = []

    async def cancel_itself(message: object) -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await asyncio.Event().wait()

    async def slow(message: object) -> None:
        await asyncio.sleep(1)
        ended.append(message)

    with pytest.raises(asyncio.CancelledError):
        await asynchronous(cancel_itself, slow).dispatch("x")
    assert ended == ["x"]
    caller = asyncio.current_task()
    assert caller is not None
    assert caller.cancelling() == 0


async def test_handler_cancelled_before_its_first_step_counts_as_cancelled() -> None:
    if asyncio.get_running_loop().get_task_factory() is getattr(asyncio, "eager_task_factory", ...):
        pytest.skip("an eager task takes its first step before anybody can cancel it")
    before = asyncio.all_tasks()
    ran: list[object] = []

    async def cancel_the_other(message: object) -> None:
        ran.append(message)
        for task in asyncio.all_tasks() - before - {asyncio.current_task()}:
            task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await asynchronous(cancel_the_other, cancel_the_other).dispatch("x")
    assert ran == ["x"]


# --- extension, door, examples --------------------------------------------------------------


def test_base_dispatcher_takes_handlers_of_any_callable_kind() -> None:
    class Pairs(BaseDispatcher[str, Callable[[str, int], str]]):
        def event_type(self, message: str) -> str:
            return message

    def repeat(text: str, times: int) -> str:
        return text * times

    pairs = Pairs()
    pairs.register_handler("a", repeat)
    handlers = pairs.get_handlers("a")
    assert handlers is not None
    assert handlers[""]("ab", 2) == "abab"


async def test_a_plain_handler_that_unregisters_itself_is_refused_like_any_other() -> None:
    """Its tag is asked for when it is not there any more."""

    def once(_message: object) -> None:
        dispatcher.unregister_handler("str")

    dispatcher = Async()
    dispatcher.register_handler("str", once)  # type: ignore[arg-type]
    with pytest.raises(HandlerTypeError, match="'str' cannot be awaited"):
        await dispatcher.dispatch("message")


async def test_a_generator_exit_of_one_of_several_handlers_is_an_error_like_any_other() -> None:
    dispatcher = asynchronous(anothing, araising(GeneratorExit()))
    with pytest.raises(GeneratorExit):
        await dispatcher.dispatch("message")


def test_door_leads_to_the_same_names() -> None:
    assert set(door.__all__) == {
        "AsyncDispatcher",
        "BaseDispatcher",
        "Dispatcher",
        "Event",
        "HandlerTypeError",
    }
    for name in door.__all__:
        assert getattr(door, name) is getattr(dispatcher_module, name)


def example(documented: type) -> dict[str, Any]:
    """Runs the program in a docstring and returns what it defines."""
    program = textwrap.dedent((inspect.getdoc(documented) or "").partition("::\n")[2])
    namespace: dict[str, Any] = {"Dispatcher": Dispatcher, "AsyncDispatcher": AsyncDispatcher}
    exec(program, namespace)
    return namespace


def test_example_of_the_dispatcher_prints_the_order(capsys: pytest.CaptureFixture[str]) -> None:
    example(Dispatcher)
    assert capsys.readouterr().out == "{'type': 'order', 'id': '42'}\n"


async def test_example_of_the_async_dispatcher_mails_the_order(
    capsys: pytest.CaptureFixture[str],
) -> None:
    await example(AsyncDispatcher)["main"]()
    assert capsys.readouterr().out == "mail for order 42\n"
