"""A tree of workers inside an ASGI application: it lives from before the first request to the last.

Who stops whom: the server first takes no more requests, then waits for those that it has, then ends
the application's lifespan, and only that stops the workers. So a request may count on them to its
end. The other way round, workers that end by themselves have the server asked to do just that,
because an application that goes on without them would accept what nobody handles.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from typing import TypeAlias, TypedDict

from ..errors import FluidValueError, WorkerStartError
from ..health import Health, Phase
from ..worker import Worker
from ..worker.core import core_of
from ..worker.fresh import Make, is_usable, made_by
from ..worker.starter import never_started
from .early_end import noticed

# Not "lifespan.py": a module of that name would stand in the way of the function, in fluid.http.

Build: TypeAlias = Worker | Make


class LifespanState(TypedDict):
    """What a lifespan adds to the state of each request."""

    workers: Worker
    """The root of the tree, as ``request.state.workers``."""


Lifespan: TypeAlias = Callable[[object], AbstractAsyncContextManager[LifespanState]]
"""What an application of Starlette or FastAPI takes as its ``lifespan``."""


def lifespan(build: Build, *, health: Health | None = None, stop_server: bool = True) -> Lifespan:
    """Returns a lifespan that runs a tree of workers, for an application of Starlette or FastAPI.

    ::

        import asyncio

        from fastapi import FastAPI, Request

        from fluid import QueueConsumerWorker
        from fluid.http import lifespan


        async def deliver(letter: str) -> None:
            print("delivered", letter)


        app = FastAPI(lifespan=lifespan(lambda: QueueConsumerWorker(deliver, name="mail")))


        @app.post("/letters/{text}", status_code=202)
        async def post(text: str, request: Request) -> None:
            request.state.workers.send(text)


        async def main() -> None:
            async with app.router.lifespan_context(app) as state:  # as a server does
                state["workers"].send("hello")


        asyncio.run(main())

    The tree is ready before the application serves its first request, and a start that fails is a
    failed start of the application, with the worker's own error. It is asked to stop when the last
    request has ended, and has ended, in bounded time, when the application has. If an error ended
    it, the lifespan raises that, so that the server tells of it.

    If the tree ends while the application serves, whoever asked for that, the log says so, and the
    server is asked to stop, by the signal SIGTERM to its process: uvicorn stops on that, also as a
    worker of gunicorn, and so does ``fluid run``. It is sent only where a handler waits for it and
    the event loop runs in the main thread; so never in a test client or a notebook. uvicorn itself
    then ends by that signal, which systemd takes for a success: ``Restart=always`` restarts it.

    A server waits for a start, whatever signals come meanwhile: where it may take long, give the
    worker a ``start_timeout``.

    A server calls the lifespan of the application that it serves, and of none that is mounted in
    it: it belongs to the outermost one.

    A lifespan of your own goes around it::

        from collections.abc import AsyncIterator
        from contextlib import asynccontextmanager

        from fastapi import FastAPI

        from fluid import WorkerFunction
        from fluid.http import lifespan


        async def poll() -> None: ...


        workers = lifespan(lambda: WorkerFunction(poll, heartbeat=10))


        @asynccontextmanager
        async def own(app: FastAPI) -> AsyncIterator[dict[str, object]]:
            async with workers(app) as state:
                yield {**state, "greeting": "hello"}


        app = FastAPI(lifespan=own)

    Args:
        build: A function without arguments, also an async one, that makes the root of the tree for
            each start of the application; a class of workers is one. Or a worker, for an
            application that is started once.
        health: What is told of the tree; for a ``health_app(health)`` in the application. None if
            nobody asks.
        stop_server: Whether the server is asked to stop when the tree has ended. Default True.

    Raises:
        FluidValueError: If ``build`` is none of that, also when it is called.
        WorkerStartError: When the application is started, if the worker was started before.

    Cancellation: The tree is stopped, in bounded time; another cancel takes away what is left of
    its grace. The cancel goes on when it has ended.
    """
    if not isinstance(build, Worker) and not callable(build):
        _refuse(build)

    told = Health() if health is None else health

    @asynccontextmanager
    async def serve(_: object) -> AsyncGenerator[LifespanState, None]:
        worker = await _made(build)
        told.worker, told.leaving = worker, None
        async with _until_its_end(worker), worker:
            if not worker.has_started():
                raise never_started(worker.worker_name)
            with noticed(worker, stop_server), _leaving(told):
                yield {"workers": worker}

    return serve


async def _made(build: Build) -> Worker:
    if isinstance(build, Worker):
        if core_of(build).life is not None:
            raise WorkerStartError(
                f"worker {build.worker_name!r} cannot start with the application: it is "
                f"{build.worker_state}; give lifespan() a function that makes one for each start"
            )
        return build
    subject = f"the function given to lifespan(), {build!r}, has to return"
    return is_usable(await made_by(build), subject, "{}")


def _refuse(thing: object) -> None:
    hint = '; is a "return" missing?' if thing is None else ""
    if inspect.iscoroutine(thing):
        thing.close()  # else Python would complain that nobody awaited it
        hint = f"; pass the function itself:  lifespan({thing.__name__})"
    raise FluidValueError(
        f"lifespan() takes a worker or a function that makes one, not {thing!r}{hint}"
    )


@asynccontextmanager
async def _until_its_end(worker: Worker) -> AsyncGenerator[None, None]:
    """Sees to it that nothing of the worker is left, whatever its starter or its stopper did.

    The wait for a stop may be cancelled; a server would then close the loop under the worker.
    """
    try:
        yield
    finally:
        life = core_of(worker).life
        if life is not None and life.outcome is None:
            core_of(worker).force()
            await life.wait_out()


@contextmanager
def _leaving(health: Health) -> Iterator[None]:
    """Has ``health`` know of the end of this before the workers do."""
    try:
        yield
    finally:
        health.leaving = Phase.STOPPING
