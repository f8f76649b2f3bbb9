"""How a tree of workers lives in an application of Starlette or FastAPI."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib.util import find_spec
from math import inf
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse

import fluid.http
from fluid import FluidValueError, Worker, WorkerStartError
from fluid.health import Health, Phase
from fluid.http import lifespan
from fluid.http.workers_in_app import Build
from tests.http.asking import Server, in_app
from tests.worker.fakes import Recorded, deaf, now, raising, worker_with

KINDS: list[Callable[..., Starlette]] = [Starlette, FastAPI]
LIVED = ["on_startup", "run", "on_shutdown", ("normal shutdown", 0)]


# --- start and stop -----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
async def test_workers_are_ready_before_the_first_request_and_end_after_the_last(kind: Any):
    worker = worker_with(startup=lambda _: asyncio.sleep(5), name="app")

    async def who(request: Request) -> PlainTextResponse:
        workers = request.state.workers
        return PlainTextResponse(f"{workers.worker_name} {workers.is_ready()}")

    app = kind(lifespan=lifespan(worker))
    app.router.add_route("/who", who)
    server = Server(app)
    assert await server.start() == "startup.complete"
    assert now() >= 5
    assert (await server.ask("/who")).lines == ["app True"]
    assert await server.stop() == "shutdown.complete"
    assert worker.diary == LIVED


@pytest.mark.parametrize("kind", KINDS)
async def test_a_start_that_fails_is_a_failed_start_of_the_application(kind: Any):
    error = OSError("no database")
    server = Server(kind(lifespan=lifespan(worker_with(startup=raising(error)))))
    assert await server.start() == "startup.failed"
    assert "OSError: no database" in server.words
    assert server.task is not None
    assert server.task.exception() is error


@pytest.mark.parametrize("kind", KINDS)
async def test_an_error_that_ended_the_workers_is_told_at_the_end_of_the_application(kind: Any):
    error = OSError("gone")
    server = Server(kind(lifespan=lifespan(worker_with(shutdown=raising(error)))))
    await server.start()
    assert await server.stop() == "shutdown.failed"
    assert "OSError: gone" in server.words
    assert server.task is not None
    assert server.task.exception() is error


async def test_a_function_makes_new_workers_for_each_start():
    made: list[Worker] = []

    async def build() -> Worker:
        await asyncio.sleep(1)
        made.append(worker_with())
        return made[-1]

    app = Starlette(lifespan=lifespan(build))
    for number in 1, 2:
        async with app.router.lifespan_context(app) as state:
            assert state == {"workers": made[-1]}
            assert len(made) == number
    assert all(worker.is_stopped() for worker in made)


async def test_a_class_of_workers_is_a_function_that_makes_one():
    async with in_app(Recorded) as state:
        assert type(state["workers"]) is Recorded


async def test_a_lifespan_of_ones_own_goes_around_it():
    worker = worker_with()
    workers = lifespan(worker)

    @asynccontextmanager
    async def own(app: Starlette) -> AsyncIterator[dict[str, object]]:
        worker.diary.append("opened")
        async with workers(app) as state:
            yield {**state, "greeting": "hello"}
        worker.diary.append("closed")

    server = Server(Starlette(lifespan=own))
    await server.start()
    assert server.state == {"workers": worker, "greeting": "hello"}
    await server.stop()
    assert worker.diary == ["opened", *LIVED, "closed"]


async def test_two_trees_may_live_in_one_application():
    first, second = worker_with(name="first"), worker_with(name="second")

    @asynccontextmanager
    async def both(app: Starlette) -> AsyncIterator[dict[str, object]]:
        async with lifespan(first)(app), lifespan(second)(app):
            yield {}

    server = Server(Starlette(lifespan=both))
    await server.start()
    assert first.is_ready()
    assert second.is_ready()
    await server.stop()
    assert [first.diary, second.diary] == [LIVED, LIVED]


async def test_an_application_that_fails_takes_its_workers_with_it():
    worker = worker_with()
    with pytest.raises(KeyError, match="app"):
        async with in_app(worker):
            raise KeyError("app")
    assert worker.diary == LIVED


async def test_the_error_of_the_application_is_told_with_that_of_its_workers():
    worker = worker_with(shutdown=raising(OSError("gone")), name="app")
    with pytest.raises(KeyError) as caught:
        async with in_app(worker):
            raise KeyError("app")
    assert caught.value.__notes__ == ["worker app failed too (OSError: gone)"]


# --- workers that cannot start ------------------------------------------------------------------


async def test_workers_that_are_stopped_as_they_start_fail_the_start():
    worker = worker_with(startup=lambda worker: asyncio.sleep(inf))
    server = Server(Starlette(lifespan=lifespan(worker)))
    start = asyncio.ensure_future(server.start())
    await asyncio.sleep(1)
    worker.gracefully_stop()
    assert await start == "startup.failed"
    assert "WorkerStartError: worker 'made' did not start: it was stopped" in server.words


async def test_one_worker_for_two_starts_is_an_error_that_says_what_to_write():
    app = Starlette(lifespan=lifespan(worker_with(name="app")))
    async with app.router.lifespan_context(app):
        pass
    with pytest.raises(WorkerStartError) as caught:
        async with app.router.lifespan_context(app):
            pass
    assert str(caught.value) == (
        "worker 'app' cannot start with the application: it is stopped; "
        "give lifespan() a function that makes one for each start"
    )


async def test_a_startup_that_starts_nothing_is_an_error():
    class Idle(Recorded):
        async def startup(self) -> None:
            pass

    with pytest.raises(WorkerStartError, match=r"did not call super\(\).startup\(\)"):
        async with in_app(Idle):
            pass


async def test_a_startup_that_fails_halfway_leaves_nothing_running():
    class Halfway(Recorded):
        async def startup(self) -> None:
            await super().startup()
            raise OSError("afterwards")

    worker = Halfway()
    with pytest.raises(OSError):
        async with in_app(worker):
            pass
    assert worker.is_stopped()


async def coroutine() -> Worker:
    return worker_with()


NO_WORKERS = [
    (42, "lifespan() takes a worker or a function that makes one, not 42"),
    (None, 'not None; is a "return" missing?'),
    (coroutine, "pass the function itself:  lifespan(coroutine)"),
]


@pytest.mark.parametrize(("wrong", "lesson"), NO_WORKERS)
async def test_what_makes_no_worker_is_refused_at_once(wrong: Any, lesson: str):
    with pytest.raises(FluidValueError) as caught:
        lifespan(wrong() if wrong is coroutine else wrong)
    assert lesson in str(caught.value)


async def test_a_function_that_returns_no_worker_fails_the_start():
    def build() -> Any:
        worker_with()

    with pytest.raises(FluidValueError, match='build .* has to return .*; is a "return" missing?'):
        async with in_app(build):
            pass


# --- cancels ------------------------------------------------------------------------------------


async def cancelled(server: asyncio.Task[Any], after: float) -> float:
    """Cancels a task, waits until it has ended by that, and returns how long that took."""
    await asyncio.sleep(after)
    began = now()
    server.cancel("by the server")
    await asyncio.wait([server])
    assert server.cancelled()
    return now() - began


async def serve(build: Build) -> None:
    async with in_app(build):
        await asyncio.sleep(inf)


async def test_a_start_that_is_cancelled_is_cleaned_up():
    worker = worker_with(startup=lambda worker: asyncio.sleep(inf))
    assert await cancelled(asyncio.create_task(serve(worker)), after=1) == 0
    assert worker.diary == ["on_startup", ("stopped during start-up", 0)]


async def test_a_cancel_while_it_serves_stops_the_workers_and_goes_on():
    worker = worker_with(shutdown=lambda _: asyncio.sleep(2))
    assert await cancelled(asyncio.create_task(serve(worker)), after=1) == 2
    assert worker.diary == LIVED


async def test_a_second_cancel_takes_the_grace_away_and_not_the_cleanup():
    busy = worker_with(
        run=lambda worker: asyncio.sleep(inf),
        shutdown=lambda _: asyncio.sleep(2),
        stopping_grace_period=1000,
    )
    server = asyncio.create_task(serve(busy))
    await asyncio.sleep(1)
    server.cancel()
    assert await cancelled(server, after=3) == 2
    assert busy.diary[-2:] == ["on_shutdown", ("forced shutdown", 1)]


async def test_workers_that_refuse_to_end_do_not_hold_the_application():
    worker = worker_with(run=deaf, stopping_grace_period=3)
    began = now()
    async with in_app(worker):
        bound = worker.worker_stop_bound
    assert now() - began <= bound
    assert worker.worker_exit is not None
    assert worker.worker_exit.abandoned
    await asyncio.sleep(3600)  # until it ends at last


# --- health -------------------------------------------------------------------------------------


async def test_a_health_that_is_given_knows_each_tree_and_its_stop_from_the_first_moment():
    source = Health(name="app")
    app = Starlette(lifespan=lifespan(lambda: Watching(source), health=source))
    assert source.report().phase is Phase.STARTING
    for _ in 1, 2:
        async with app.router.lifespan_context(app) as state:
            assert source.worker is state["workers"]
            assert source.report().phase is Phase.READY
        assert state["workers"].seen == [Phase.STARTING, Phase.STOPPING]


class Watching(Recorded):
    """Looks at a health as it starts and as it stops."""

    def __init__(self, source: Health) -> None:
        super().__init__()
        self.source = source
        self.seen: list[Phase] = []

    async def on_startup(self) -> None:
        self.seen.append(self.source.report().phase)

    def gracefully_stop(self) -> None:
        self.seen.append(self.source.report().phase)
        super().gracefully_stop()


# --- the door ------------------------------------------------------------------------------------


def test_no_module_stands_in_the_way_of_a_name_of_the_door():
    for name in fluid.http.__all__:
        assert find_spec(f"fluid.http.{name}") is None
