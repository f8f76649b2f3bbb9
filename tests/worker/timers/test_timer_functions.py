"""What a periodic worker calls: with the fire or with nothing, whatever kind of function it is."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from typing import Any
from unittest.mock import AsyncMock

import pytest

from fluid import Fire, Overlap, PeriodicWorker, every
from tests.worker.fakes import now
from tests.worker.timers.firing_cast import Ticker, end_at

ONCE = every(1, max_fires=1)

found: list[Any] = []


@pytest.fixture(autouse=True)
def _nothing_found() -> None:
    found.clear()


async def bare() -> None:
    found.append("nothing")


async def taking(fire: Fire) -> None:
    found.append(fire)


async def with_default(fire: Fire, text: str = "default") -> None:
    found.append((fire, text))


async def with_defaults_only(number: int = 3, *, text: str = "default") -> None:
    found.append((number, text))


async def with_anything(*args: object, **options: object) -> None:
    found.append((args, options))


async def with_fire_and_anything(fire: Fire, *args: object) -> None:
    found.append((fire, args))


async def with_two(text: str, fire: Fire) -> None:
    found.append((text, fire))


class Callables:
    """Functions that are no functions."""

    async def method(self) -> None:
        found.append("method")

    async def method_with_fire(self, fire: Fire) -> None:
        found.append(fire)

    @classmethod
    async def of_class(cls, fire: Fire) -> None:
        found.append(fire)

    @staticmethod
    async def static() -> None:
        found.append("static")

    async def __call__(self, fire: Fire) -> None:
        found.append(fire)


def wrapped(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    async def wrapper(*args: Any, **options: Any) -> Any:
        return await function(*args, **options)

    return wrapper


FIRE = "the fire"
ALL_KINDS: dict[str, tuple[Callable[..., Any], object]] = {
    "function": (bare, "nothing"),
    "function with the fire": (taking, FIRE),
    "with a default beside": (with_default, (FIRE, "default")),
    "with defaults only": (with_defaults_only, (3, "default")),
    "with anything": (with_anything, ((), {})),
    "with the fire and anything": (with_fire_and_anything, (FIRE, ())),
    "method": (Callables().method, "method"),
    "method with the fire": (Callables().method_with_fire, FIRE),
    "class method": (Callables.of_class, FIRE),
    "static method": (Callables.static, "static"),
    "callable object": (Callables(), FIRE),
    "partial": (functools.partial(with_two, "given"), ("given", FIRE)),
    "partial of all": (functools.partial(with_two, "given", "too"), ("given", "too")),
    "partial by name": (functools.partial(with_default, text="given"), (FIRE, "given")),
    "decorated": (wrapped(taking), FIRE),
    "lambda": (lambda: bare(), "nothing"),
}


@pytest.mark.parametrize("kind", ALL_KINDS)
@pytest.mark.parametrize("overlap", [Overlap.SKIP, Overlap.concurrent(2)], ids=repr)
async def test_a_function_is_given_the_fire_if_it_has_room_for_it(
    kind: str, overlap: Overlap
) -> None:
    function, expected = ALL_KINDS[kind]
    timer = PeriodicWorker(function, ONCE, overlap=overlap)
    await timer.startup()
    await timer.wait_for_shutdown()
    fires = [part for item in found for part in (item if isinstance(item, tuple) else (item,))]
    fire = next((part for part in fires if isinstance(part, Fire)), None)
    assert repr(found) == repr([expected]).replace(repr(FIRE), repr(fire))


@pytest.mark.parametrize("with_fire", [False, True])
async def test_a_subclass_has_a_method_with_or_without_the_fire(*, with_fire: bool) -> None:
    class Report(PeriodicWorker):
        schedule = ONCE

        if with_fire:

            async def on_fire(self, fire: Fire) -> None:
                found.append(fire.number)
        else:

            async def on_fire(self) -> None:
                found.append("nothing")

    await end_at(Report(), 1)
    assert found == [1 if with_fire else "nothing"]


async def test_an_argument_goes_before_the_method_of_a_subclass() -> None:
    ticker = Ticker(schedule=ONCE, on_fire=bare)
    await end_at(ticker, 1)
    assert (found, ticker.times) == (["nothing"], [])


async def test_a_mock_will_do() -> None:
    function = AsyncMock()
    await end_at(PeriodicWorker(function, ONCE), 1)
    function.assert_awaited_once()


async def test_a_function_that_is_set_later_is_called_from_the_next_fire_on() -> None:
    async def other() -> None:
        found.append(now())

    timer = PeriodicWorker(bare, every(10))
    async with timer:
        await asyncio.sleep(15)
        timer.on_fire = other
        await asyncio.sleep(10)
    assert found == ["nothing", "nothing", 20]


# --- names ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (bare, "bare"),
        (wrapped(taking), "taking"),
        (Callables().method, "method"),
        (lambda: bare(), "periodic_worker"),
        (functools.partial(with_two, 1), "periodic_worker"),
        (Callables(), "periodic_worker"),
    ],
    ids=["function", "decorated", "method", "lambda", "partial", "callable object"],
)
def test_the_worker_is_called_after_its_function_if_that_has_a_name(
    function: Callable[..., Any], name: str
) -> None:
    assert PeriodicWorker(function, ONCE).worker_name == name
    assert PeriodicWorker(function, ONCE, name="mine").worker_name == "mine"


def test_a_subclass_is_called_after_its_class() -> None:
    class DailyReport(PeriodicWorker):
        schedule = ONCE

        async def on_fire(self) -> None: ...

    assert DailyReport().worker_name == "daily_report"


def test_a_method_whose_name_is_misspelt_is_warned_of() -> None:
    with pytest.warns(UserWarning, match=r"onFire is no hook and is never called: it is on_fire"):

        class Bad(PeriodicWorker):
            async def onFire(self) -> None: ...  # noqa: N802 - that is the mistake
